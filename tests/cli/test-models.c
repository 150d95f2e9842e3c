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

static void
add_tests (void)
{
  files_begin ();
  g_test_add_func ("/cli/models/list", test_list);
  g_test_add_func ("/cli/models/info", test_info);
  g_test_add_func ("/cli/models/absent", test_absent);
  g_test_add_func ("/cli/models/unknown-noise", test_unknown_noise);
  g_test_add_func ("/cli/models/bad", test_bad);
}

int
main (int argc, char **argv)
{
  int status = cli_main (argc, argv, add_tests);

  files_end ();
  return status;
}
