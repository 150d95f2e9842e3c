/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear layers on the register tile; sf_linear() calls them, and so do tests and benchmarks.
 *
 * bf16 arithmetic rounds weights and inputs to 8 bits of precision, where the CPU has an instruction for that: its RMS error is
 * some 2e-3 of the result, that of float32 3e-7.
 */
#pragma once

#include "kernels/sf-kernels.h"
#include "tensor/sf-array.h"
#include "tensor/sf-context.h"

/* y = scale (x W^T + bias + residual), rows dense */
typedef struct
{
  gsize m;               /* rows of x and y */
  int k, n;              /* channels of x, of y */
  const float *x;
  const float *bias;     /* (nullable) */
  const float *residual; /* (nullable): may be @y */
  float scale;
  float *y;
} SfLinearJob;

/* Bytes of the packed weights.  @bf16: only where the kernels have multiply_bf16. */
gsize sf_linear_packed_size (const SfKernels *kernels, gboolean bf16, const SfArray *w);
/* @w: [out, in, …]; @packed: (out): of that size. */
void sf_linear_pack (const SfKernels *kernels, gboolean bf16, const SfArray *w, gpointer packed);
/* FALSE: the context has failed. */
gboolean sf_linear_run (SfContext *cx, const SfKernels *kernels, gboolean bf16, const SfLinearJob *job, gconstpointer packed);
