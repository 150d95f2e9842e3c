/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoints: a file, or several, as a map from names to arrays.
 *
 * Files are untrusted: everything is validated before use, nothing in them is executed.  Arrays point into the mapped file
 * wherever the format allows.  A format is a descriptor: one file sf-format-NAME.c and one line in meson.build.
 */
#pragma once

#include "base/sf-progress.h"
#include "tensor/sf-array.h"

typedef struct _SfWeights SfWeights;

typedef struct
{
  const char *name;                         /* "safetensors" */
  const char *label;                        /* N_() */
  const char *const *suffixes;              /* %NULL-terminated: ".safetensors" */
  gboolean (*probe) (const guint8 *head, gsize n, gsize file_size); /* by the first @n <= 64 bytes */
  /* Adds all arrays of the mapped file. */
  gboolean (*read) (SfWeights *self, const guint8 *data, gsize size, const char *path, const SfProgress *progress, GError **error);
} SfFormat;

const SfFormat *const *sf_formats (int *n);

/**
 * sf_weights_open:
 * @path: a file of any format, or the index (".index.json") of a sharded checkpoint
 *
 * Returns: (transfer full) (nullable): %NULL with %SF_ERROR_MODEL that names the file and what is wrong in it
 */
SfWeights *sf_weights_open (const char *path, const SfProgress *progress, GError **error);
SfWeights *sf_weights_ref (SfWeights *self);
void sf_weights_unref (SfWeights *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfWeights, sf_weights_unref)

const char *sf_weights_get_path (const SfWeights *self);
/* (nullable) (transfer none) */
const SfArray *sf_weights_get (const SfWeights *self, const char *name);
int sf_weights_get_n (const SfWeights *self);
/* In the order of their names. */
const char *sf_weights_get_name (const SfWeights *self, int i);
/* (nullable): text that the file carries beside the arrays. */
const char *sf_weights_get_metadata (const SfWeights *self, const char *key);
/* Whether a file was changed, cut or replaced since it was opened: FALSE with %SF_ERROR_MODEL.  To be asked after a run. */
gboolean sf_weights_check (const SfWeights *self, GError **error);

/*** For formats ***/

/* FALSE with %SF_ERROR_MODEL for a second array of that name, or one outside of the file's memory. */
gboolean sf_weights_add (SfWeights *self, const char *name, const SfArray *array, GError **error);
void sf_weights_set_metadata (SfWeights *self, const char *key, const char *value);
/* Memory that arrays point to where they cannot point into the file; freed with @self. */
void sf_weights_own (SfWeights *self, gpointer data, GDestroyNotify free_func);
