/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-model-files.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-description.h"
#include "denoisers/sf-gamma-file.h"

/* The best first: safe formats, full precision. */
static const char *const weight_names[] = {
  "diffusion_pytorch_model.safetensors",
  "diffusion_pytorch_model.safetensors.index.json",
  "diffusion_pytorch_model.fp16.safetensors",
  "diffusion_pytorch_model.bf16.safetensors",
  "model.safetensors",
  "model.safetensors.index.json",
  "diffusion_pytorch_model.bin",
  "diffusion_pytorch_model.bin.index.json",
  "diffusion_pytorch_model.fp16.bin",
  "pytorch_model.bin",
  "model.pt",
  NULL,
};

static const char *const checkpoint_suffixes[] = { ".safetensors", ".pt", ".pth", ".ckpt", ".bin", NULL };

static gboolean
has_suffix (const char *name, const char *const *suffixes)
{
  for (; *suffixes != NULL; suffixes++)
    if (g_str_has_suffix (name, *suffixes))
      return TRUE;
  return FALSE;
}

/* (transfer full) (nullable): the first of @names that is a file in @folder. */
static char *
find_file (const char *folder, const char *const *names)
{
  for (; *names != NULL; names++)
    {
      g_autofree char *path = g_build_filename (folder, *names, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&path);
    }
  return NULL;
}

#define FIND(folder, ...) find_file (folder, (const char *const[]) { __VA_ARGS__, NULL })

/* (transfer full) (nullable): the only checkpoint in @folder. */
static char *
find_single (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autofree char *found = NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (has_suffix (name, checkpoint_suffixes))
      {
        if (found != NULL)
          return NULL;
        found = g_build_filename (folder, name, NULL);
      }
  return g_steal_pointer (&found);
}

void
sf_model_refuse_latent (const char *name, const char *why, GError **error)
{
  g_set_error (error, SF_ERROR, SF_ERROR_MODEL,
               _ ("%s: this is a latent diffusion model (%s), which is not supported yet; models that work on pixels are"), name, why);
}

/* What the pipeline in model_index.json is made of. */
static gboolean
check_index (const char *path, GError **error)
{
  static const char *const latent[] = { "vae", "vqvae", "movq", "text_encoder", "tokenizer", "transformer", "image_encoder", "prior" };
  g_autoptr (JsonObject) object = sf_description_load (path, error);
  SfDescription index = { object, path };

  if (object == NULL)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (latent); i++)
    if (sf_description_has (&index, latent[i]))
      {
        g_autofree char *why = g_strdup_printf (_ ("it has the part “%s”"), latent[i]);

        sf_model_refuse_latent (path, why, error);
        return FALSE;
      }
  return TRUE;
}

static gboolean
read_folder (SfModelFiles *self, const char *folder, GError **error)
{
  g_autofree char *inner = g_build_filename (folder, "unet", NULL), *scheduler = g_build_filename (folder, "scheduler", NULL);
  g_autofree char *classifier = g_build_filename (folder, "classifier", NULL);
  g_autofree char *index = FIND (folder, "model_index.json");
  const char *unet = g_file_test (inner, G_FILE_TEST_IS_DIR) ? inner : folder;

  if (index != NULL && !check_index (index, error))
    return FALSE;
  self->folder = TRUE;
  if (self->weights == NULL)
    self->weights = find_file (unet, weight_names);
  if (self->weights == NULL)
    self->weights = find_single (unet);
  self->config = FIND (unet, "config.json");
  self->scheduler = FIND (scheduler, "scheduler_config.json");
  if (self->scheduler == NULL)
    self->scheduler = FIND (folder, "scheduler_config.json");
  self->manifest = FIND (folder, "sfumato.json");
  self->classes = FIND (folder, "classes.txt", "classes.json");
  self->gamma = g_build_filename (folder, SF_GAMMA_FILE, NULL);
  if (g_file_test (classifier, G_FILE_TEST_IS_DIR))
    self->classifier = g_steal_pointer (&classifier);
  return TRUE;
}

/* What lies beside a checkpoint belongs to it if it has its name. */
static void
read_checkpoint (SfModelFiles *self)
{
  g_autofree char *folder = g_path_get_dirname (self->path), *name = g_path_get_basename (self->path);
  char *dot = strrchr (name, '.');
  g_autofree char *stem = g_strndup (name, dot != NULL ? (gsize) (dot - name) : strlen (name));
  g_autofree char *manifest = g_strconcat (stem, ".json", NULL), *lines = g_strconcat (stem, ".classes.txt", NULL);
  g_autofree char *list = g_strconcat (stem, ".classes.json", NULL), *gamma = g_strconcat (stem, "." SF_GAMMA_FILE, NULL);

  self->weights = g_strdup (self->path);
  self->manifest = FIND (folder, manifest);
  self->classes = FIND (folder, lines, list, "classes.txt", "classes.json");
  self->gamma = g_build_filename (folder, gamma, NULL);
}

/* A file of a folder stands for the folder: its configuration lies beside it. */
static char *
folder_of (const char *path)
{
  static const char *const descriptions[] = { "model_index.json", "config.json", "scheduler_config.json", NULL };
  g_autofree char *folder = g_path_get_dirname (path), *name = g_path_get_basename (path);
  g_autofree char *inner = g_path_get_basename (folder), *config = FIND (folder, "config.json");

  if (!g_strv_contains (descriptions, name) && !(g_strv_contains (weight_names, name) && config != NULL))
    return NULL;
  return g_str_equal (inner, "unet") || g_str_equal (inner, "scheduler") ? g_path_get_dirname (folder) : g_steal_pointer (&folder);
}

/* guided-diffusion's networks can be told by their arrays, diffusers' cannot. */
static void
list_missing (SfModelFiles *self)
{
  g_autofree char *name = self->weights != NULL ? g_path_get_basename (self->weights) : NULL;
  gboolean needs_config = self->folder && (name == NULL || g_str_has_prefix (name, "diffusion_pytorch_model"));
  g_autoptr (GStrvBuilder) missing = g_strv_builder_new ();

  if (self->weights == NULL)
    g_strv_builder_add (missing, weight_names[0]);
  if (needs_config && self->config == NULL)
    g_strv_builder_add (missing, "config.json");
  self->missing = g_strv_builder_end (missing);
}

SfModelFiles *
sf_model_files_new (const char *path, GError **error)
{
  g_autoptr (SfModelFiles) self = g_new0 (SfModelFiles, 1);
  g_autofree char *shown = g_filename_display_name (path), *folder = NULL;

  self->path = g_strdup (path);
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: there is no such file or folder"), shown);
      return NULL;
    }
  folder = g_file_test (path, G_FILE_TEST_IS_DIR) ? g_strdup (path) : folder_of (path);
  if (folder != NULL && has_suffix (path, checkpoint_suffixes) && !g_file_test (path, G_FILE_TEST_IS_DIR))
    self->weights = g_strdup (path);
  if (folder == NULL)
    read_checkpoint (self);
  else if (!read_folder (self, folder, error))
    return NULL;
  list_missing (self);
  return g_steal_pointer (&self);
}

void
sf_model_files_free (SfModelFiles *self)
{
  if (self == NULL)
    return;
  g_free (self->path);
  g_free (self->weights);
  g_free (self->config);
  g_free (self->scheduler);
  g_free (self->manifest);
  g_free (self->classes);
  g_free (self->classifier);
  g_free (self->gamma);
  g_strfreev (self->missing);
  g_free (self);
}

gboolean
sf_model_files_probe (const char *path)
{
  g_autofree char *unet = NULL, *found = NULL;

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return has_suffix (path, checkpoint_suffixes) && g_file_test (path, G_FILE_TEST_IS_REGULAR);
  unet = g_build_filename (path, "unet", NULL);
  return (found = FIND (path, "model_index.json", "config.json")) != NULL || (found = FIND (unet, "config.json")) != NULL ||
         (found = find_single (path)) != NULL;
}
