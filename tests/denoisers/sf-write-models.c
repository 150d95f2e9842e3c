/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sf-write-models FOLDER: small models with random weights, good ones and others, as tests of whole programs need them. */
#include "files.h"

#define SCHEDULER "{\"_class_name\": \"DDIMScheduler\"}"

/* A folder of diffusers. */
static void
write_network (const char *name, const NetShape *shape, const char *scheduler)
{
  g_autofree char *weights = g_build_filename (name, "diffusion_pytorch_model.safetensors", NULL);
  g_autofree char *config = g_build_filename (name, "config.json", NULL), *file = g_build_filename (name, "scheduler_config.json", NULL);

  files_write_unet2d (weights, shape);
  files_write_unet2d_config (config, shape);
  if (scheduler != NULL)
    files_write (file, scheduler);
}

static void
write_classifier (const char *name, int side)
{
  g_autofree char *weights = g_build_filename (name, "model.safetensors", NULL), *manifest = g_build_filename (name, "sfumato.json", NULL);
  g_autofree char *text = g_strdup_printf ("{\"format\": \"sfumato-model\", \"kind\": \"classifier\", \"size\": %d, \"architecture\": {\"num_heads\": 1}}", side);

  files_write_adm_classifier (weights, &(NetShape) { .classes = 3 });
  files_write (manifest, text);
}

int
main (int argc, char **argv)
{
  g_assert_cmpint (argc, ==, 2);
  files_begin_in (argv[1]);
  write_network ("plain", &(NetShape) { 0 }, SCHEDULER);
  write_network ("gray", &(NetShape) { .in = 1, .out = 1 }, SCHEDULER);
  write_network ("animals", &(NetShape) { .classes = 3, .out = 6 }, SCHEDULER);
  files_write ("animals/classes.txt", "red fox\ntabby cat\ntiger cat\n");
  write_network ("upsampler", &(NetShape) { .in = 6, .out = 6 }, SCHEDULER);
  write_network ("silent", &(NetShape) { 0 }, NULL); /* about its noise */
  write_network ("broken", &(NetShape) { .broken = TRUE }, SCHEDULER);
  write_classifier ("classifier", 8);
  write_classifier ("large-classifier", 16);
  files_write ("latent/model_index.json", "{\"vae\": [\"diffusers\", \"AutoencoderKL\"], \"unet\": [\"diffusers\", \"UNet2DConditionModel\"]}");
  return 0;
}
