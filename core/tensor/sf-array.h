/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A named block of a checkpoint as it lies in the file: its own layout, its own number format.
 *
 * Convolutions are [out, in, kernel height, kernel width], linear layers [out, in], norms and biases [channels].  What kernels
 * need is made from it once, by SfParameter.
 */
#pragma once

#include <glib.h>

#define SF_ARRAY_MAX_DIMS 6

typedef enum
{
  SF_DTYPE_F32,
  SF_DTYPE_F16,
  SF_DTYPE_BF16,
  SF_DTYPE_F64,
  SF_DTYPE_I64,
  SF_DTYPE_I32,
  SF_DTYPE_I16,
  SF_DTYPE_I8,
  SF_DTYPE_U8,
  SF_DTYPE_BOOL,
  SF_N_DTYPES,
} SfDtype;

/* "F32", as safetensors calls it. */
const char *sf_dtype_name (SfDtype self);
gsize sf_dtype_size (SfDtype self);

typedef struct
{
  SfDtype dtype;
  int n_dims;
  gsize dim[SF_ARRAY_MAX_DIMS];
  gsize n;          /* elements, product of dim */
  const void *data; /* of the machine's byte order, not necessarily aligned; (transfer none) */
} SfArray;

/* Elements [@first, @first + @n) as float. */
void sf_array_read (const SfArray *self, gsize first, gsize n, float *out);
/* "[128, 3, 3, 3]" */
char *sf_array_describe (const SfArray *self);
