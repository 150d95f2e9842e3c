/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-model.h"

#include <string.h>

#include "arch/sf-network.h"
#include "base/sf-error.h"
#include "denoisers/sf-model-cost.h"
#include "files.h"

#define MANIFEST(members) "{\"format\": \"sfumato-model\"" members "}"
#define HEADS ", \"architecture\": {\"num_heads\": 2}" /* which no array tells */

static SfModel *
open_model (const char *name, GError **error)
{
  g_autofree char *path = files_path (name);
  g_autoptr (SfModel) model = sf_model_new (path, error);

  return model != NULL && sf_model_load (model, NULL, error) ? g_steal_pointer (&model) : NULL;
}

static SfModel *
open_good (const char *name)
{
  g_autoptr (GError) error = NULL;
  SfModel *model = open_model (name, &error);

  g_assert_no_error (error);
  return model;
}

static void
assert_fails (const char *name, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModel) model = open_model (name, &error);

  g_assert_null (model);
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("%s: no “%s” in: %s", name, part, error->message);
}

static void
assert_unusable (const SfModel *model, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sf_model_check_usable (model, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("no “%s” in: %s", part, error->message);
}

static void
assert_usable (const SfModel *model)
{
  g_autoptr (GError) error = NULL;

  sf_model_check_usable (model, &error);
  g_assert_no_error (error);
}

/*** Folders ***/

#define SCHEDULER "{\"_class_name\": \"DDPMScheduler\", \"beta_schedule\": \"squaredcos_cap_v2\"}"
#define INDEX "{\"_class_name\": \"DDPMPipeline\", \"unet\": [\"diffusers\", \"UNet2DModel\"], \"scheduler\": [\"diffusers\", \"DDPMScheduler\"]}"

static void
write_pipeline (const char *folder, const NetShape *shape)
{
  g_autofree char *index = g_strconcat (folder, "/model_index.json", NULL), *config = g_strconcat (folder, "/unet/config.json", NULL);
  g_autofree char *weights = g_strconcat (folder, "/unet/diffusion_pytorch_model.safetensors", NULL);
  g_autofree char *scheduler = g_strconcat (folder, "/scheduler/scheduler_config.json", NULL);

  files_write (index, INDEX);
  files_write_unet2d_config (config, shape);
  files_write_unet2d (weights, shape);
  files_write (scheduler, SCHEDULER);
}

static void
check_plain (const char *name)
{
  g_autoptr (SfModel) model = open_good (name);
  SfModelCost cost;

  assert_usable (model);
  g_assert_cmpstr (model->architecture, ==, "unet2d");
  g_assert_cmpint (model->kind, ==, SF_MODEL_DIFFUSION);
  g_assert_cmpint (model->width, ==, 8);
  g_assert_cmpint (model->height, ==, 8);
  g_assert_cmpint (model->n_classes, ==, 0);
  g_assert_cmpint (model->scheduler->prediction, ==, SF_PREDICTION_EPSILON);
  g_assert_cmpint (model->scheduler->variance, ==, SF_VARIANCE_NONE);
  g_assert_cmpstr (sf_model_get_likely_process (model)->name, ==, "cosine-1000");
  g_assert_cmpint (model->steps, ==, 50);
  g_assert_true (sf_model_measure (model, 8, 8, &cost, NULL));
  g_assert_cmpuint (cost.weights, ==, model->parameters * sizeof (float));
  g_assert_cmpuint (cost.activations, >=, 8 * 8 * (8 + 3) * sizeof (float));
  g_assert_cmpfloat (cost.work, >, 2.0 * 8 * 8 * 8 * 3 * 9);
}

/* Before anything was run the machine's speed counts, and that the weights have to be read and packed; then the evaluations do. */
static void
test_seconds (void)
{
  const SfModelCost cost = { .weights = 3000000000, .packed = 500000000 };
  const double speed = 100e9;
  SfModel model = { 0 };
  double other = sf_model_predict_seconds (&model, &cost, 0, speed), seconds = sf_model_predict_seconds (&model, &cost, 6e12, speed);

  g_assert_cmpfloat (other, ==, 3.5); /* a gigabyte per second */
  g_assert_cmpfloat (seconds - other, ==, 75); /* networks are slower than their convolutions */
  model.sound = TRUE;
  g_assert_cmpfloat (sf_model_predict_seconds (&model, &cost, 0, speed), ==, 0);
  model.rate = 50e9;
  g_assert_cmpfloat (sf_model_predict_seconds (&model, &cost, 6e12, speed), ==, 120);
  g_assert_cmpfloat (sf_model_predict_seconds (&model, &cost, 6e12, 0), ==, 120);
  model.rate = 0;
  g_assert_cmpfloat (sf_model_predict_seconds (&model, &cost, 6e12, 0), ==, 0); /* cannot be told */
}

/* A classifier takes what its gradient does. */
static void
test_classifier_cost (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfModel) model = NULL;
  const double t = 0;
  SfModelCost cost;
  SfTensor *x, *y, *dy, *dx;

  files_write ("gradient.json", MANIFEST (HEADS ", \"kind\": \"classifier\", \"size\": 8"));
  files_write_adm_classifier ("gradient.pt", &(NetShape) { .classes = 3 });
  model = open_good ("gradient.pt");
  g_assert_true (sf_model_measure (model, 8, 8, &cost, NULL));
  sf_context_begin (cx, NULL, 0);
  sf_context_start_tape (cx);
  x = sf_context_tensor (cx, 1, 8, 8, 3);
  memset (x->data, 0, sf_tensor_size (x) * sizeof *x->data);
  y = sf_network_forward (model->network, cx, sf_tensor_ref (x), &t, NULL);
  dy = sf_context_tensor (cx, y->n, y->h, y->w, y->c);
  memset (dy->data, 0, sf_tensor_size (dy) * sizeof *dy->data);
  dx = sf_context_gradient (cx, y, dy, x);
  g_assert_cmpfloat (cost.work, ==, sf_context_get_work (cx));
  g_assert_cmpuint (cost.activations, ==, sf_arena_get_peak (sf_context_get_arena (cx)));
  sf_tensor_unref (dx);
  sf_tensor_unref (y);
  sf_tensor_unref (x);
  g_assert_true (sf_context_end (cx, NULL));
}

/* The folder of a pipeline, its parts flat in one folder, and any file of it. */
static void
test_folder (void)
{
  static const NetShape plain = { 0 };

  write_pipeline ("Löwenzahn 蒲公英/my model", &plain);
  check_plain ("Löwenzahn 蒲公英/my model");
  check_plain ("Löwenzahn 蒲公英/my model/");
  check_plain ("Löwenzahn 蒲公英/my model/model_index.json");
  check_plain ("Löwenzahn 蒲公英/my model/unet/config.json");
  check_plain ("Löwenzahn 蒲公英/my model/unet/diffusion_pytorch_model.safetensors");
  files_write_unet2d ("flat/diffusion_pytorch_model.safetensors", &plain);
  files_write_unet2d_config ("flat/config.json", &plain);
  files_write ("flat/scheduler_config.json", SCHEDULER);
  check_plain ("flat");
  check_plain ("flat/config.json");
}

/* safetensors goes before others; half precision is taken if there is nothing else. */
static void
test_choice (void)
{
  static const NetShape plain = { 0 };
  g_autoptr (SfModel) model = NULL, half = NULL;

  write_pipeline ("choice", &plain);
  files_write ("choice/unet/diffusion_pytorch_model.bin", "no checkpoint");
  model = open_good ("choice");
  g_assert_true (g_str_has_suffix (model->files->weights, ".safetensors"));
  files_remove ("choice/unet/diffusion_pytorch_model.safetensors");
  assert_fails ("choice", "diffusion_pytorch_model.bin");
  files_write_unet2d ("choice/unet/diffusion_pytorch_model.fp16.safetensors", &plain);
  half = open_good ("choice");
  g_assert_true (g_str_has_suffix (half->files->weights, ".fp16.safetensors"));
}

static void
test_missing (void)
{
  static const NetShape plain = { 0 };

  assert_fails ("nowhere", "nowhere");
  files_write ("nothing/readme", "");
  assert_fails ("nothing", "diffusion_pytorch_model.safetensors");
  write_pipeline ("half", &plain);
  files_remove ("half/unet/config.json");
  assert_fails ("half", "config.json");
  files_remove ("half/unet/diffusion_pytorch_model.safetensors");
  assert_fails ("half", "diffusion_pytorch_model.safetensors");
}

static void
test_damaged (void)
{
  static const NetShape plain = { 0 };
  static const struct
  {
    const char *file, *text;
  } rows[] = {
    { "bad/model_index.json", "{" },
    { "bad/unet/config.json", "[]" },
    { "bad/unet/config.json", "{\"_class_name\": \"UNet2DModel\", \"sample_size\": \"x\", \"block_out_channels\": 3}" },
    { "bad/unet/config.json", "{\"_class_name\": 7}" },
    { "bad/unet/diffusion_pytorch_model.safetensors", "" },
    { "bad/unet/diffusion_pytorch_model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n" },
    { "bad/scheduler/scheduler_config.json", "{\"beta_schedule\": \"zigzag\"}" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *name = g_path_get_basename (rows[i].file);

      write_pipeline ("bad", &plain);
      files_write (rows[i].file, rows[i].text);
      assert_fails ("bad", strchr (name, '.') != NULL ? "bad" : name);
    }
}

/*** Classes ***/

static void
check_names (const char *names, const char *file)
{
  static const NetShape shape = { .classes = 3, .out = 6 };
  g_autofree char *path = g_strconcat ("classes/", file, NULL);
  g_autoptr (SfModel) model = NULL;
  g_autoptr (GError) error = NULL;

  write_pipeline ("classes", &shape);
  files_write (path, names);
  model = open_good ("classes");
  g_assert_cmpint (model->n_classes, ==, 3);
  g_assert_cmpstr (model->classes[0], ==, "red fox");
  g_assert_cmpstr (model->classes[2], ==, "Bär");
  g_assert_cmpint (model->scheduler->variance, ==, SF_VARIANCE_LEARNED_RANGE); /* as it has twice as many outputs */
  g_assert_true (sf_model_check_class (model, NULL, -1, NULL));
  g_assert_true (sf_model_check_class (model, NULL, 2, NULL));
  g_assert_false (sf_model_check_class (model, NULL, 3, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  files_remove ("classes");
}

static void
test_classes (void)
{
  static const NetShape shape = { .classes = 3 };
  static const char *const wrong[] = { "a\nb\n", "a\nb\nc\nd\n", "[\"a\"]", "{\"0\": \"a\", \"2\": \"b\", \"3\": \"c\"}", "[1, 2, 3]", "\xff\xfe\n", "{" };
  g_autoptr (SfModel) unnamed = NULL;

  check_names ("red fox\n\n hen \nBär", "classes.txt");
  check_names ("[\"red fox\", \"hen\", \"Bär\"]", "classes.json");
  check_names ("{\"0\": \"red fox\", \"1\": \"hen\", \"2\": \"Bär\"}", "classes.json");
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      write_pipeline ("classes", &shape);
      files_write ("classes/classes.txt", wrong[i]);
      assert_fails ("classes", "classes.txt");
    }
  files_remove ("classes/classes.txt");
  unnamed = open_good ("classes");
  g_assert_null (unnamed->classes);
  g_assert_cmpint (unnamed->n_classes, ==, 3);
}

/* id2label of the configuration. */
static void
test_labels (void)
{
  static const NetShape shape = { .classes = 2 };
  g_autofree char *path = files_path ("labels/config.json"), *text = NULL, *with = NULL;
  g_autoptr (SfModel) model = NULL;

  files_write_unet2d ("labels/diffusion_pytorch_model.safetensors", &shape);
  files_write_unet2d_config ("labels/config.json", &shape);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  with = g_strdup_printf ("{\"id2label\": {\"1\": \"dog\", \"0\": \"cat\"},%s", text + 1);
  files_write ("labels/config.json", with);
  model = open_good ("labels");
  g_assert_cmpstr (model->classes[0], ==, "cat");
  g_assert_cmpstr (model->classes[1], ==, "dog");
}

/*** Single files ***/

static void
assert_unknown (SfModel *model)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (model->scheduler);
  g_assert_false (sf_model_set_process (model, "auto", &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "noise-process"));
  g_assert_nonnull (strstr (error->message, sf_model_get_likely_process (model)->name));
}

/* A file that says nothing: everything but the noise is seen; that has to be told. */
static void
test_unknown (void)
{
  static const NetShape shape = { .out = 6 };
  g_autoptr (SfModel) model = NULL;
  g_autoptr (GError) error = NULL;

  files_write_adm ("my net.pt", &shape);
  assert_fails ("my net.pt", "num_heads");
  files_write ("my net.json", MANIFEST (HEADS ", \"size\": 16"));
  model = open_good ("my net.pt");
  g_assert_cmpstr (model->architecture, ==, "adm");
  assert_unknown (model);
  assert_unusable (model, "noise-process");
  g_assert_false (sf_model_set_process (model, "pink", &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_true (sf_model_set_process (model, "cosine-4000-rescaled", NULL));
  assert_usable (model);
  g_assert_cmpint (model->scheduler->process->n, ==, 4000);
  g_assert_cmpfloat (sf_noise_process_level (model->scheduler->process, 2000).t, ==, 500);
  g_assert_cmpint (model->scheduler->variance, ==, SF_VARIANCE_LEARNED_RANGE);
  g_assert_cmpstr (model->sampler, ==, "ddim");
}

/* The same with a manifest of its name beside it. */
static void
test_manifest (void)
{
  static const NetShape shape = { .classes = 2, .extra = "optimizer.step" };
  g_autoptr (SfModel) model = NULL;

  files_write_adm ("described.safetensors", &shape);
  files_write ("described.json", MANIFEST (HEADS ", \"label\": \"Described\", \"size\": 16, \"classes\": [\"a\", \"b\"], \"steps\": 7,"
                                                 " \"scheduler\": {\"beta_schedule\": \"sigmoid\", \"variance_type\": \"fixed_large\"}"));
  model = open_good ("described.safetensors");
  assert_usable (model);
  g_assert_cmpstr (model->label, ==, "Described");
  g_assert_cmpint (model->width, ==, 16);
  g_assert_cmpint (model->steps, ==, 7);
  g_assert_cmpstr (model->classes[1], ==, "b");
  g_assert_true (model->scheduler->fixed_large);
  g_assert_nonnull (model->unexpected);
  g_assert_cmpstr (model->unexpected[0], ==, "optimizer.step");
  files_write ("described.json", MANIFEST (", \"kind\": 3"));
  assert_fails ("described.safetensors", "kind");
}

/* A file with the name of a known checkpoint and something else in it is not taken for that. */
static void
test_impostor (void)
{
  static const NetShape shape = { 0 };
  g_autofree char *path = files_path ("64x64_diffusion.pt");
  g_autoptr (SfModel) model = NULL;
  g_autoptr (GError) error = NULL;

  files_write_adm ("64x64_diffusion.pt", &shape);
  model = sf_model_new (path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (model->id, ==, "guided-imagenet-64"); /* by its name … */
  g_assert_nonnull (model->scheduler);
  g_assert_false (sf_model_load (model, NULL, &error)); /* … but not by what is in it: how many heads? */
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_null (model->id);
  g_assert_null (model->classes);
  assert_unknown (model);
}

/* What only its name says of a checkpoint refuses nothing before it was opened. */
static void
test_uncertain (void)
{
  g_autofree char *path = files_path ("64x64_classifier.pt");
  g_autoptr (SfModel) model = NULL;
  g_autoptr (GError) error = NULL;

  files_write ("64x64_classifier.pt", "not opened");
  model = sf_model_new (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (model->kind, ==, SF_MODEL_CLASSIFIER);
  g_assert_true (sf_model_check_usable (model, NULL));
  g_assert_true (sf_model_check_class (model, NULL, 1000, NULL));
}

/* Its own description does, and its network knows which sizes it takes. */
static void
test_checks (void)
{
  g_autofree char *path = files_path ("judge.pt");
  g_autoptr (SfModel) judge = NULL, model = NULL;
  g_autoptr (GError) error = NULL;

  files_write ("judge.json", MANIFEST (", \"kind\": \"classifier\", \"size\": 12, \"classes\": 3"));
  files_write ("judge.pt", "not opened");
  judge = sf_model_new (path, &error);
  g_assert_no_error (error);
  assert_unusable (judge, "classifier");
  g_assert_true (sf_model_check_classifier (judge, NULL));
  g_assert_true (sf_model_check_class (judge, NULL, 2, NULL));
  g_assert_false (sf_model_check_class (judge, NULL, 3, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_clear_error (&error);
  files_write ("sides.json", MANIFEST (HEADS));
  files_write_adm ("sides.pt", &(NetShape) { 0 });
  model = open_good ("sides.pt");
  model->network->divisor = 4; /* as if it had three levels */
  g_assert_true (sf_model_check_size (model, 8, 12, NULL));
  g_assert_false (sf_model_check_size (model, 8, 10, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (sf_model_check_size (model, model->height, model->width, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "size"));
}

/* Of a network that the catalogue knows by its number of parameters, it also knows the noise. */
static void
test_likely (void)
{
  static const NetShape shape = { .out = 6, .classes = 5 };
  g_autofree char *folder = files_path ("likely"), *manifest = NULL;
  g_autoptr (SfModel) model = NULL;

  manifest = g_strdup_printf (MANIFEST (HEADS ", \"parameters\": %" G_GSIZE_FORMAT ", \"scheduler\": {\"num_train_timesteps\": 4000, \"beta_schedule\": \"squaredcos_cap_v2\"}"),
                              files_write_adm ("renamed.pt", &shape));
  files_write ("likely/original.json", manifest);
  g_setenv ("SFUMATO_MODELS", folder, TRUE);
  model = open_good ("renamed.pt");
  g_assert_null (model->scheduler);
  g_assert_cmpstr (sf_model_get_likely_process (model)->name, ==, "cosine-4000");
  g_unsetenv ("SFUMATO_MODELS");
}

/*** Other models ***/

static void
test_latent (void)
{
  static const char *const arrays[] = { "first_stage_model.encoder.conv_in.weight", "model.diffusion_model.input_blocks.0.0.weight",
                                        "double_blocks.0.img_mod.lin.weight", "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight" };
  static const NetShape plain = { 0 }, four = { .in = 4, .out = 4 }, nine = { .in = 9, .out = 4 };
  g_autoptr (SfModel) model = NULL, other = NULL;

  write_pipeline ("latent", &plain);
  files_write ("latent/model_index.json", "{\"unet\": [\"diffusers\", \"UNet2DModel\"], \"vae\": [\"diffusers\", \"AutoencoderKL\"]}");
  assert_fails ("latent", "latent");
  files_write ("latent/model_index.json", INDEX);
  files_write ("latent/unet/config.json", "{\"_class_name\": \"UNet2DConditionModel\", \"cross_attention_dim\": 768}");
  assert_fails ("latent", "latent");
  files_write ("latent/unet/config.json", "{\"_class_name\": \"PriorTransformer\"}");
  assert_fails ("latent", "latent");
  files_write ("latent/unet/config.json", "{\"_class_name\": \"UNet1DModel\"}");
  assert_fails ("latent", "UNet1DModel");
  for (gsize i = 0; i < G_N_ELEMENTS (arrays); i++)
    {
      files_write_adm ("latent.safetensors", &(NetShape) { .extra = arrays[i] });
      assert_fails ("latent.safetensors", "latent");
    }
  files_write ("four.json", MANIFEST (HEADS));
  files_write_adm ("four.pt", &four);
  model = open_good ("four.pt");
  assert_unusable (model, "latent");
  files_write ("nine.json", MANIFEST (HEADS));
  files_write_adm ("nine.pt", &nine);
  other = open_good ("nine.pt");
  assert_unusable (other, "latent");
}

/* It is known by its channels, of which its pictures have half, needs a noise process like others, and something to work on. */
static void
test_upsampler (void)
{
  static const NetShape shape = { .in = 6, .out = 6 }, odd = { .in = 6, .out = 9 };
  g_autofree char *path = files_path ("upsampler.pt");
  g_autoptr (SfModel) model = NULL, other = NULL, early = NULL;
  g_autoptr (GError) error = NULL;

  files_write ("upsampler.json", MANIFEST (HEADS));
  files_write_adm ("upsampler.pt", &shape);
  model = open_good ("upsampler.pt");
  g_assert_cmpint (model->kind, ==, SF_MODEL_UPSAMPLER);
  g_assert_cmpint (model->channels, ==, 3);
  g_assert_cmpint (model->factor, ==, 4);
  g_assert_false (sf_model_tells_noise (model));
  assert_unusable (model, "noise-process");
  g_assert_true (sf_model_set_process (model, "linear-1000", NULL));
  g_assert_cmpint (model->scheduler->variance, ==, SF_VARIANCE_LEARNED_RANGE);
  assert_usable (model);
  g_assert_true (sf_model_check_content (model, TRUE, NULL));
  g_assert_false (sf_model_check_content (model, FALSE, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_clear_error (&error);
  files_write ("upsampler.json", MANIFEST (HEADS ", \"kind\": \"upsampler\", \"factor\": 2"));
  files_write_adm ("upsampler.pt", &odd);
  early = sf_model_new (path, NULL);
  g_assert_false (sf_model_check_content (early, FALSE, NULL));
  other = open_good ("upsampler.pt");
  g_assert_cmpint (other->factor, ==, 2);
  assert_unusable (other, "9 channels");
}

/* The description and the network must agree on the variance. */
static void
test_variance (void)
{
  static const NetShape plain = { 0 };
  g_autofree char *path = files_path ("variance");
  g_autoptr (SfModel) model = NULL;

  write_pipeline ("variance", &plain);
  files_write ("variance/scheduler/scheduler_config.json", "{\"variance_type\": \"learned_range\"}");
  assert_fails ("variance", "variance");
  model = sf_model_new (path, NULL);
  g_assert_false (sf_model_load (model, NULL, NULL));
  g_assert_false (sf_model_load (model, NULL, NULL)); /* not even when asked again */
  g_assert_null (model->network);
}

/* What is no model at all. */
static void
test_other_files (void)
{
  g_autoptr (GError) error = NULL;

  files_write ("picture.png", "\x89PNG\r\n\x1a\n");
  assert_fails ("picture.png", "picture.png");
  g_assert_null (sf_model_new ("", &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  files_begin ();
  g_test_add_func ("/model/folder", test_folder);
  g_test_add_func ("/model/seconds", test_seconds);
  g_test_add_func ("/model/classifier-cost", test_classifier_cost);
  g_test_add_func ("/model/choice", test_choice);
  g_test_add_func ("/model/missing", test_missing);
  g_test_add_func ("/model/damaged", test_damaged);
  g_test_add_func ("/model/classes", test_classes);
  g_test_add_func ("/model/labels", test_labels);
  g_test_add_func ("/model/unknown", test_unknown);
  g_test_add_func ("/model/manifest", test_manifest);
  g_test_add_func ("/model/impostor", test_impostor);
  g_test_add_func ("/model/uncertain", test_uncertain);
  g_test_add_func ("/model/checks", test_checks);
  g_test_add_func ("/model/likely", test_likely);
  g_test_add_func ("/model/latent", test_latent);
  g_test_add_func ("/model/upsampler", test_upsampler);
  g_test_add_func ("/model/variance", test_variance);
  g_test_add_func ("/model/other-files", test_other_files);
  status = g_test_run ();
  files_end ();
  return status;
}
