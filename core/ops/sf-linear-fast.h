/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear layers on the register tile; sf_linear() calls them, and so dotests and benchmarks.
 *
 *   form    operands                      error, RMS
 *   float   as they are                   3e-7
 *   fixed   three digits, see SfTile      4e-7, where a CPU multiplies bytes so fast that six products are less than one of float
 *   bf16    rounded to 8 bits             2e-3, where a CPU multiplies bf16
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
  const float *beside;   /* (nullable): the last beside_c channels of each row, which x does not have */
  int beside_c;
  const float *bias;     /* (nullable) */
  const float *residual; /* (nullable): may be @y */
  float scale;
  float *y;              /* may be @x with @beside, of as many channels */
} SfLinearJob;

/* Bytes of the packed weights. */
gsize sf_linear_packed_size (const SfKernels *kernels, SfForm form, const SfArray *w);
/* @w: [out, in, …]; @packed: (out): of that size. */
void sf_linear_pack (const SfKernels *kernels, SfForm form, const SfArray *w, gpointer packed);
/* FALSE: the context has failed. */
gboolean sf_linear_run (SfContext *cx, const SfKernels *kernels, SfForm form, const SfLinearJob *job, gconstpointer packed);
