/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small checkpoints made in memory, right or wrong as tests need them. */
#pragma once

#include "weights/sf-weights.h"

/* Appends the @n low bytes of @number, the lowest first. */
void sample_number (GByteArray *out, guint64 number, int n);
void sample_bytes (GByteArray *out, gconstpointer data, gsize size);

/* A file with that header; its arrays are @size bytes that count up from 0. */
GByteArray *sample_safetensors (const char *header, gsize size);

typedef struct
{
  const char *name;
  gconstpointer data;
  gsize size;
} SampleEntry;

/* A zip archive; with @wide, all sizes and places in zip64 fields. */
GByteArray *sample_zip (const SampleEntry *entries, int n, gboolean wide);

/*** Pickles: each function appends what puts one value on the stack ***/

void pickle_text (GByteArray *out, const char *text);
void pickle_integer (GByteArray *out, int number);
void pickle_global (GByteArray *out, const char *module, const char *name);
/* What makes a tensor in the storage @key of @n elements; @shape and @strides: (array length=n_dims). */
void pickle_arguments (GByteArray *out, const char *storage, const char *key, int n, int offset, const int *shape, const int *strides, int n_dims);
void pickle_tensor (GByteArray *out, const char *storage, const char *key, int n, int offset, const int *shape, const int *strides, int n_dims);

/* What torch.save() would write: a pickle, and storages "0", "1", …; an archive, or the older row of parts. */
GByteArray *sample_archive (const GByteArray *pickle, const SampleEntry *storages, int n, gboolean wide);
GByteArray *sample_row (const GByteArray *pickle, const SampleEntry *storages, const int *elements, int n);

/*** A good file of each kind ***/

/* All have the arrays "a" [2, 3] = 0, 1, 2, 3, 4, 5 and "b.c" [3, 2], its transpose, as float32. */
typedef struct
{
  const char *name, *format;
  GByteArray *(*make) (void);
} Sample;

extern const Sample samples[];
extern const int n_samples;

/* (transfer full): where the samples are to be read, as the index needs a part in its folder; ends with the test program. */
const char *sample_path (void);
void assert_sample (const SfWeights *weights);
