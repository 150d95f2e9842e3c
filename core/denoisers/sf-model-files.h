/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files make a model: a folder as diffusers lays it out, or a single checkpoint.
 *
 *     FOLDER/model_index.json            NAME.safetensors, NAME.pt, …
 *     FOLDER/unet/config.json            NAME.json          (our manifest, optional)
 *     FOLDER/unet/….safetensors          NAME.classes.txt   (optional)
 *     FOLDER/scheduler/scheduler_config.json     NAME.gamma.json    (optional)
 *     FOLDER/classes.txt
 *     FOLDER/gamma.json
 *
 * All of a folder may also lie in the folder itself.  Nothing is opened here but model_index.json.
 */
#pragma once

#include <gio/gio.h>

typedef struct
{
  char *path;      /* as it was given: the folder or the checkpoint */
  gboolean folder;
  char *weights;   /* each (nullable): not there */
  char *config;
  char *scheduler;
  char *manifest;
  char *classes;
  char *classifier;
  char *gamma;     /* where it is once it was estimated */
  GStrv missing;   /* what the model cannot do without */
} SfModelFiles;

/* (transfer full) (nullable): %NULL with %SF_ERROR_MODEL where @path is not there, or is another kind of model. */
SfModelFiles *sf_model_files_new (const char *path, GError **error);
void sf_model_files_free (SfModelFiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfModelFiles, sf_model_files_free)

/* Whether something of the name @path could be a model; quick. */
gboolean sf_model_files_probe (const char *path);
/* SF_ERROR_MODEL: @name is a latent diffusion model, @why. */
void sf_model_refuse_latent (const char *name, const char *why, GError **error);
