/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tool tells of models with weights, and how it takes them. */
#include "cli.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "../denoisers/files.h"

static char *
models_environment (void)
{
  g_autofree char *folder = files_path ("models");

  return g_strconcat ("SFUMATO_MODELS=", folder, NULL);
}

#define run_with_models(...) cli_run_with (&(CliHow) { .environment = environment }, WORDS (__VA_ARGS__))

static JsonNode *
parse (const CliRun *run)
{
  g_autoptr (GError) error = NULL;
  JsonNode *root;

  cli_assert_done (run);
  root = json_from_string (run->out, &error);
  g_assert_no_error (error);
  return root;
}

/* An element of a list by its name. */
static JsonObject *
find_row (JsonNode *list, const char *name)
{
  JsonArray *array = json_node_get_array (list);

  for (guint i = 0; i < json_array_get_length (array); i++)
    if (g_str_equal (json_object_get_string_member (json_array_get_object_element (array, i), "name"), name))
      return json_array_get_object_element (array, i);
  g_error ("there is no row %s", name);
}

static void
write_model (void)
{
  static const NetShape shape = { .classes = 2, .out = 6 };

  files_write_unet2d ("models/my cats – 猫/diffusion_pytorch_model.safetensors", &shape);
  files_write_unet2d_config ("models/my cats – 猫/config.json", &shape);
  files_write ("models/my cats – 猫/scheduler_config.json", "{\"_class_name\": \"DDIMScheduler\"}");
  files_write ("models/my cats – 猫/classes.txt", "black\nwhite\n");
}

static void
test_list (void)
{
  g_autofree char *environment = models_environment ();
  g_auto (CliRun) lines = { 0 }, json = { 0 };
  g_autoptr (JsonNode) root = NULL;
  JsonObject *here, *known, *broken;

  write_model ();
  files_write ("models/broken.json", "{\"format\": ");
  lines = run_with_models ("list", "models");
  json = run_with_models ("list", "models", "--json");
  root = parse (&json);
  cli_assert_done (&lines);
  g_assert_true (g_str_has_prefix (lines.out, "patch "));
  g_assert_true (strstr (lines.out, "my cats – 猫") < strstr (lines.out, "guided-imagenet-64"));
  here = find_row (root, "my cats – 猫");
  known = find_row (root, "guided-imagenet-64");
  broken = find_row (root, "broken.json");
  g_assert_true (json_object_get_boolean_member (here, "present"));
  g_assert_false (json_object_get_boolean_member (known, "present"));
  g_assert_cmpstr (json_array_get_string_element (json_object_get_array_member (known, "missing"), 0), ==, "64x64_diffusion.pt");
  g_assert_nonnull (strstr (json_object_get_string_member (broken, "description"), "broken.json"));
  files_remove ("models");
}

static void
test_info (void)
{
  g_autofree char *environment = models_environment (), *path = files_path ("models/my cats – 猫");
  g_auto (CliRun) by_name = { 0 }, by_path = { 0 }, json = { 0 };
  g_autoptr (JsonNode) root = NULL;
  JsonObject *facts;

  write_model ();
  by_name = run_with_models ("info", "my cats – 猫");
  by_path = cli_run ("info", path);
  json = run_with_models ("info", "--json", "my cats – 猫");
  cli_assert_done (&by_name);
  cli_assert_done (&by_path);
  g_assert_nonnull (strstr (by_name.out, "8 × 8"));
  g_assert_nonnull (strstr (by_path.out, "2: black, white"));
  root = parse (&json);
  facts = json_node_get_object (root);
  g_assert_cmpstr (json_object_get_string_member (facts, "kind"), ==, "diffusion");
  g_assert_cmpstr (json_object_get_string_member (facts, "architecture"), ==, "unet2d");
  g_assert_cmpstr (json_object_get_string_member (facts, "prediction"), ==, "epsilon");
  g_assert_cmpstr (json_object_get_string_member (facts, "variance"), ==, "learned-range");
  g_assert_cmpint (json_object_get_int_member (facts, "width"), ==, 8);
  g_assert_cmpint (json_object_get_int_member (facts, "classes"), ==, 2);
  g_assert_cmpint (json_object_get_int_member (facts, "weights-bytes"), ==, 4 * json_object_get_int_member (facts, "parameters"));
  g_assert_cmpint (json_object_get_int_member (facts, "activations-bytes"), >, 0);
  g_assert_true (json_object_get_boolean_member (facts, "usable"));
  files_remove ("models");
}

/* Known, but not here: what it is, and what is missing where. */
static void
test_absent (void)
{
  g_autofree char *environment = models_environment (), *folder = files_path ("models");
  g_auto (CliRun) lines = run_with_models ("info", "guided-imagenet-256"), json = run_with_models ("info", "--json", "guided-imagenet-256");
  g_auto (CliRun) fill = run_with_models ("fill", "a.png", "b.png", "--mask=m.png", "--model=guided-imagenet-256");
  g_autoptr (JsonNode) root = parse (&json);
  JsonObject *facts = json_node_get_object (root);

  cli_assert_done (&lines);
  g_assert_nonnull (strstr (lines.out, "256x256_diffusion.pt"));
  g_assert_nonnull (strstr (lines.out, "openai/guided-diffusion"));
  g_assert_nonnull (strstr (lines.out, folder));
  g_assert_false (json_object_get_boolean_member (facts, "usable"));
  g_assert_cmpint (json_object_get_int_member (facts, "parameters"), ==, 553838086);
  g_assert_cmpint (json_array_get_length (json_object_get_array_member (facts, "class-names")), ==, 1000);
  cli_assert_failed (&fill, 1, "256x256_diffusion.pt");
}

/* A file that does not say what noise it was trained with. */
static void
test_unknown_noise (void)
{
  static const NetShape shape = { .out = 6, .extra = "step" };
  g_autofree char *path = files_path ("net.pt");
  g_auto (CliRun) json = { 0 };
  g_autoptr (JsonNode) root = NULL;
  JsonObject *facts;

  files_write_adm ("net.pt", &shape);
  files_write ("net.json", "{\"format\": \"sfumato-model\", \"architecture\": {\"num_heads\": 1}}");
  json = cli_run ("info", path, "--json");
  root = parse (&json);
  facts = json_node_get_object (root);
  g_assert_false (json_object_get_boolean_member (facts, "usable"));
  g_assert_false (json_object_has_member (facts, "noise-process"));
  g_assert_cmpstr (json_object_get_string_member (facts, "likely-noise-process"), ==, "linear-1000");
  g_assert_nonnull (strstr (json_object_get_string_member (facts, "reason"), "noise-process"));
  g_assert_cmpstr (json_array_get_string_element (json_object_get_array_member (facts, "unexpected"), 0), ==, "step");
}

static void
test_bad (void)
{
  g_autofree char *latent = files_path ("latent"), *cut = files_path ("cut.safetensors"), *empty = files_path ("empty");
  g_auto (CliRun) latent_run = { 0 }, cut_run = { 0 }, empty_run = { 0 };

  files_write ("latent/model_index.json", "{\"vae\": [\"diffusers\", \"AutoencoderKL\"]}");
  files_write ("cut.safetensors", "\x08");
  files_write ("empty/readme", "");
  latent_run = cli_run ("info", latent);
  cut_run = cli_run ("info", cut);
  empty_run = cli_run ("info", empty);
  cli_assert_failed (&latent_run, 1, "latent");
  cli_assert_failed (&cut_run, 1, "cut.safetensors");
  cli_assert_failed (&empty_run, 1, "diffusion_pytorch_model.safetensors");
}

/*** Runs ***/

#define SIDE 40

static float
square (int x, int y)
{
  return x >= 12 && x < 28 && y >= 10 && y < 30;
}

/* A network with two classes, without, an upsampler, silent about its noise, with a number that is none; classifiers of its size and of another. */
static void
write_models (void)
{
  static const struct
  {
    const char *name;
    NetShape shape;
    gboolean silent;
  } networks[] = {
    { "two", { .classes = 2 }, FALSE },
    { "plain (1)", { 0 }, FALSE },
    { "upsampler", { .in = 6, .out = 6 }, FALSE },
    { "silent", { 0 }, TRUE },
    { "broken", { .broken = TRUE }, FALSE },
  };
  static const char *const classifiers[] = { "8", "16" };

  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++)
    {
      g_autofree char *weights = g_build_filename ("models", networks[i].name, "diffusion_pytorch_model.safetensors", NULL);
      g_autofree char *config = g_build_filename ("models", networks[i].name, "config.json", NULL);
      g_autofree char *scheduler = g_build_filename ("models", networks[i].name, "scheduler_config.json", NULL);

      files_write_unet2d (weights, &networks[i].shape);
      files_write_unet2d_config (config, &networks[i].shape);
      if (!networks[i].silent)
        files_write (scheduler, "{\"_class_name\": \"DDIMScheduler\"}");
    }
  for (gsize i = 0; i < G_N_ELEMENTS (classifiers); i++)
    {
      g_autofree char *weights = g_build_filename ("models", classifiers[i], "model.safetensors", NULL);
      g_autofree char *manifest = g_build_filename ("models", classifiers[i], "sfumato.json", NULL);
      g_autofree char *text = g_strdup_printf ("{\"format\": \"sfumato-model\", \"size\": %s, \"architecture\": {\"num_heads\": 1}}", classifiers[i]);

      files_write_adm_classifier (weights, &(NetShape) { .classes = 2 });
      files_write (manifest, text);
    }
  files_write ("models/latent/model_index.json", "{\"vae\": [\"diffusers\", \"AutoencoderKL\"]}");
  cli_write_texture ("in.png", "R'G'B' u8", SIDE, SIDE);
  cli_write_mask ("mask.png", "Y' u8", SIDE, SIDE, square);
}

/* Each is one line that says what is wrong, and there is no picture. */
static void
test_refused (void)
{
  static const struct
  {
    const char *model, *more, *part;
  } rows[] = {
    { "two", "--class=2", "0" },
    { "two", "--class=-2", "class" },
    { "plain (1)", "--class=0", "classes" },
    { "patch", "--class=0", "class" },
    { "silent", "--steps=2", "noise-process" },
    { "silent", "--noise-process=nope", "noise-process" },
    { "nowhere", "--steps=2", "nowhere" },
    { "8", "--steps=2", "classifier" },
    { "two", "--classifier=plain (1)", "classifier" },
    { "two", "--classifier=16", "16" },
    { "latent", "--steps=2", "latent" },
    { "broken", "--steps=2", "conv_out.bias" },
    { "upsampler", "--steps=2", "regenerate" },
    { "two", "--prompt=a red fox", "prompt" },
  };
  g_autofree char *environment = models_environment ();

  write_models ();
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (CliRun) run = run_with_models ("fill", cli_path ("in.png"), cli_path ("refused.png"), "--mask", cli_path ("mask.png"), "--model", rows[i].model, rows[i].more);

      g_test_message ("%s %s: %s", rows[i].model, rows[i].more, run.err);
      g_assert_cmpint (run.status, !=, 0);
      cli_assert_failed (&run, run.status, rows[i].part);
      g_assert_false (cli_exists ("refused.png"));
    }
  files_remove ("models");
}

/* From nothing, at the network's size; an example is of no use to it. */
static void
test_generate (void)
{
  g_autofree char *environment = models_environment ();
  g_autofree guint8 *pixels = NULL;
  const Babl *format;
  int width, height;

  write_models ();
  {
    g_auto (CliRun) run = run_with_models ("generate", cli_path ("made.png"), "--model=two", "--class=1", "--steps=3", "--seed=5");
    g_auto (CliRun) other = run_with_models ("generate", cli_path ("made-2.png"), "--model=two", "--class=0", "--steps=3", "--seed=5");
    g_auto (CliRun) example = run_with_models ("generate", cli_path ("made-3.png"), "--model=two", "--example", cli_path ("in.png"));
    g_auto (CliRun) none = run_with_models ("generate", cli_path ("made-4.png"));

    cli_assert_done (&run);
    cli_assert_done (&other);
    cli_assert_failed (&example, 2, "example");
    cli_assert_failed (&none, 2, "example");
    g_assert_false (cli_exists ("made-3.png") || cli_exists ("made-4.png"));
  }
  pixels = cli_read_bytes ("made.png", &format, &width, &height);
  g_assert_cmpint (width, ==, 8);
  g_assert_cmpint (height, ==, 8);
  files_remove ("models");
}

/* What an upsampler is for is told, and it serves for that. */
static void
test_upsampler (void)
{
  g_autofree char *environment = models_environment ();

  write_models ();
  {
    g_auto (CliRun) lines = run_with_models ("info", "upsampler"), json = run_with_models ("info", "upsampler", "--json");
    g_auto (CliRun) run = run_with_models ("regenerate", cli_path ("in.png"), cli_path ("finer.png"), "--mask", cli_path ("mask.png"), "--model=upsampler",
                                           "--strength=1", "--steps=3");
    g_auto (CliRun) generate = run_with_models ("generate", cli_path ("finer-2.png"), "--model=upsampler");
    g_autoptr (JsonNode) root = parse (&json);
    JsonObject *facts = json_node_get_object (root);

    cli_assert_done (&lines);
    g_assert_nonnull (strstr (lines.out, "enlarged 4 times"));
    g_assert_cmpstr (json_object_get_string_member (facts, "kind"), ==, "upsampler");
    g_assert_cmpint (json_object_get_int_member (facts, "factor"), ==, 4);
    g_assert_true (json_object_get_boolean_member (facts, "usable"));
    cli_assert_done (&run);
    cli_assert_failed (&generate, 2, "regenerate");
    g_assert_false (cli_exists ("finer-2.png"));
  }
  files_remove ("models");
}

/* `sfumato info` of a result prints a command that makes the same file again. */
static void
repeat (const char *environment, const char *first, const char *second)
{
  g_auto (CliRun) info = run_with_models ("info", cli_path (first)), again = { 0 };
  g_auto (GStrv) words = NULL;
  g_auto (GStrv) lines = NULL;

  cli_assert_done (&info);
  lines = g_strsplit (g_strchomp (info.out), "\n", -1);
  g_assert_true (g_shell_parse_argv (lines[g_strv_length (lines) - 1], NULL, &words, NULL));
  for (char **word = words; *word != NULL; word++)
    {
      g_autofree char *old = *word;

      *word = g_str_equal (old, "IN")            ? g_strdup (cli_path ("in.png"))
              : g_str_equal (old, "OUT")         ? g_strdup (cli_path (second))
              : g_str_equal (old, "--mask=MASK") ? g_strconcat ("--mask=", cli_path ("mask.png"), NULL)
                                                 : g_steal_pointer (&old);
    }
  again = cli_run_with (&(CliHow) { .environment = environment }, (const char *const *) words + 1);
  cli_assert_done (&again);
  cli_assert_same_file (first, second);
}

static void
test_repeat (void)
{
  g_autofree char *environment = models_environment ();

  write_models ();
  {
    g_auto (CliRun) made = run_with_models ("generate", cli_path ("rep-1.png"), "--model=two", "--class=1", "--steps=3", "--width=12", "--height=9");
    g_auto (CliRun) changed = run_with_models ("regenerate", cli_path ("in.png"), cli_path ("rep-3.png"), "--mask", cli_path ("mask.png"),
                                               "--model=plain (1)", "--noise-process=cosine-1000", "--steps=4");
    g_auto (CliRun) led = run_with_models ("fill", cli_path ("in.png"), cli_path ("rep-5.png"), "--mask", cli_path ("mask.png"), "--model=silent",
                                           "--noise-process=linear-1000", "--class=1", "--classifier=8", "--classifier-scale=2", "--steps=3");

    cli_assert_done (&made);
    cli_assert_done (&changed);
    cli_assert_done (&led);
  }
  repeat (environment, "rep-1.png", "rep-2.png");
  repeat (environment, "rep-3.png", "rep-4.png");
  repeat (environment, "rep-5.png", "rep-6.png");
  files_remove ("models");
}

/* Measured numbers lie beside the model, and info tells where; stopped, there are none. */
static void
test_gamma (void)
{
  g_autofree char *environment = models_environment (), *folder = files_path ("models/plain (1)"), *path = files_path ("models/plain (1)/gamma.json");

  write_models ();
  cli_write_texture ("small.png", "R'G'B' u8", 7, 9);
  {
    CliHow how = { .environment = environment, .interrupt_after = 700 };
    g_auto (CliRun) stopped = cli_run_with (&how, WORDS ("estimate-gamma", folder, cli_path ("in.png"), "--images=100000"));
    g_auto (CliRun) small = cli_run ("estimate-gamma", folder, cli_path ("in.png"), cli_path ("small.png"));
    g_auto (CliRun) none = cli_run ("estimate-gamma", folder);
    g_auto (CliRun) silent = run_with_models ("estimate-gamma", "silent", cli_path ("in.png"));

    g_assert_cmpint (stopped.status, ==, 130);
    cli_assert_failed (&small, 1, "small.png");
    cli_assert_failed (&none, 2, "estimate-gamma");
    cli_assert_failed (&silent, 1, "noise-process");
    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  }
  {
    g_auto (CliRun) run = cli_run ("estimate-gamma", folder, cli_path ("in.png"), "--images=2");
    g_auto (CliRun) info = cli_run ("info", folder);
    g_auto (CliRun) made = cli_run ("generate", cli_path ("analytic.png"), "--model", folder, "--sampler=analytic-ddpm", "--steps=5");

    cli_assert_done (&run);
    cli_assert_done (&info);
    cli_assert_done (&made);
    g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
    g_assert_nonnull (strstr (info.out, path));
  }
  files_remove ("models");
}

static void
add_tests (void)
{
  files_begin ();
  g_test_add_func ("/cli/models/list", test_list);
  g_test_add_func ("/cli/models/info", test_info);
  g_test_add_func ("/cli/models/absent", test_absent);
  g_test_add_func ("/cli/models/unknown-noise", test_unknown_noise);
  g_test_add_func ("/cli/models/bad", test_bad);
  g_test_add_func ("/cli/models/refused", test_refused);
  g_test_add_func ("/cli/models/generate", test_generate);
  g_test_add_func ("/cli/models/upsampler", test_upsampler);
  g_test_add_func ("/cli/models/repeat", test_repeat);
  g_test_add_func ("/cli/models/gamma", test_gamma);
}

int
main (int argc, char **argv)
{
  int status = cli_main (argc, argv, add_tests);

  files_end ();
  return status;
}
