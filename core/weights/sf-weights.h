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
  /* Adds all arrays of the file's memory; errors need not name the file. */
  gboolean (*read) (SfWeights *self, const guint8 *data, gsize size, const SfProgress *progress, GError **error);
} SfFormat;

const SfFormat *const *sf_formats (int *n);

/**
 * sf_weights_open:
 * @path: a file of any format, or the index (".index.json") of a sharded checkpoint
 *
 * Returns: (transfer full) (nullable): %NULL with %SF_ERROR_MODEL that names the file and what is wrong in it
 */
SfWeights *sf_weights_open (const char *path, const SfProgress *progress, GError **error);
/* The same for a file that was read already: @data outlives the result, @path tells where its other parts are. */
SfWeights *sf_weights_read (const guint8 *data, gsize size, const char *path, const SfProgress *progress, GError **error);
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

/**
 * sf_weights_write_safetensors:
 * @names: (array length=n): UTF-8, all different
 * @arrays: (array length=n)
 * @metadata: (nullable): key, value, key, value, …, %NULL
 *
 * The file is written whole or not at all; one that was there is replaced, and can stay open.
 */
gboolean sf_weights_write_safetensors (const char *path, const char *const *names, const SfArray *arrays, int n,
                                       const char *const *metadata, GError **error);

/*** For formats ***/

/* Always FALSE: sets %SF_ERROR_MODEL; text from the file is made printable, and the message is kept short. */
gboolean sf_bad_file (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Sets @array->n from its shape, and @size to its bytes.  FALSE when they are more than can be. */
gboolean sf_array_measure (SfArray *array, gsize *size);
/* FALSE with %SF_ERROR_MODEL for a second array of that name, or one outside of the file's memory. */
gboolean sf_weights_add (SfWeights *self, const char *name, const SfArray *array, GError **error);
/* The first value of a key stays. */
void sf_weights_set_metadata (SfWeights *self, const char *key, const char *value);
/* Memory for arrays that cannot point into the file; freed with @self.  All of it together is at most the size of the file. */
gpointer sf_weights_alloc (SfWeights *self, gsize size, GError **error);
/* Adds the arrays of another file of the same folder, which has no parts itself. */
gboolean sf_weights_add_part (SfWeights *self, const char *name, const SfProgress *progress, GError **error);
