/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fast convolutions on the register tile; sf_conv2d() chooses among them, and tests and benchmarks call each.
 *
 *   method      for                         weights in memory   error, RMS
 *   direct      any kernel and stride       1 x                 3e-7
 *   winograd-2  3x3, stride 1, small images 1.8 x               5e-7
 *   winograd-4  3x3, stride 1               4 x                 1.3e-6
 *
 * "Fixed": the products are done in fixed point, see kernels/sf-tile.h, where the CPU has instructions for it; 2e-6, and three
 * quarters of the memory.  "Lean" weights stay 1 x: Winograd's transform of them is made for 128 input channels at a time, just before the products.
 * The results are the same bits (but where OpenBLAS multiplies, which sums in another order).
 */
#pragma once

#include "kernels/sf-kernels.h"
#include "ops/sf-moments.h"
#include "ops/sf-ops.h"

#define SF_CONV_MAX_TAPS 49
#define SF_CONV_MAX_CHANNELS 8192 /* of the input */

typedef enum
{
  SF_CONV_DIRECT,
  SF_CONV_DIRECT_FIXED,
  SF_CONV_WINOGRAD_2,
  SF_CONV_WINOGRAD_4,
  SF_CONV_WINOGRAD_2_LEAN,
  SF_CONV_WINOGRAD_4_LEAN,
  SF_CONV_WINOGRAD_2_FIXED,
  SF_CONV_WINOGRAD_4_FIXED,
  SF_N_CONV_METHODS,
} SfConvMethod;

/* y = scale (W x + b + residual), n images; what is marked * only by Winograd's methods */
typedef struct
{
  int n, h, w, c;          /* of the input */
  int kernel_h, kernel_w, stride, top, left;
  int out_h, out_w, out_c;
  const float *x;
  const float *beside;     /* (nullable) * with @line: the last beside_c of the c channels, which x does not have */
  int beside_c;
  const float *line;       /* (nullable) * n x {p, q} x c: each number of x stands for activation (p x + q) */
  SfActivation activation; /* * of the input */
  const float *bias;       /* (nullable) */
  gsize bias_step;         /* * floats from the bias of one image to that of the next, 0 = it is that of all */
  const float *residual;   /* (nullable): may be @y */
  float scale;
  float *y;
  SfTensor **moments;      /* (out) (transfer full) (nullable): those of y, if the method makes them */
} SfConvJob;

/* "winograd-4" */
const char *sf_conv_method_name (SfConvMethod method);
gboolean sf_conv_method_can (const SfKernels *kernels, SfConvMethod method, const SfConvJob *job);
/* The one that should be fastest, by the sizes of @job alone. */
SfConvMethod sf_conv_method_choose (const SfKernels *kernels, const SfConvJob *job, gboolean lean);

/* Floats of the packed weights. */
gsize sf_conv_packed_size (const SfKernels *kernels, SfConvMethod method, const SfArray *w);
/* @w: [out, in, kernel height, kernel width]; @packed: (out): of that size.  FALSE: the context has failed. */
gboolean sf_conv_pack (SfContext *cx, const SfKernels *kernels, SfConvMethod method, const SfArray *w, float *packed);
/* FALSE: the context has failed. */
gboolean sf_conv_run (SfContext *cx, const SfKernels *kernels, SfConvMethod method, const SfConvJob *job, const float *packed);

/* Whether sf_conv_apply() can do what is marked *, with @w and the sizes of @job. */
gboolean sf_conv_joins (const SfParameter *w, const SfConvJob *job);
/**
 * sf_conv_apply:
 * @turned: whether w[o][i][y][x] is to mean w[i][o][height - 1 - y][width - 1 - x]: with that, a convolution makes the gradient of
 *          the input of one of stride 1 from that of its result.  Such weights are always lean
 *
 * Does @job with @w, whose packed form is made now if need be.  FALSE: the context has failed.
 */
gboolean sf_conv_apply (SfContext *cx, SfParameter *w, gboolean turned, const SfConvJob *job);

/*** Between the files of this folder ***/

typedef struct
{
  const char *name;
  int m; /* of Winograd's F(m x m, 3x3), 0 = direct */
  gboolean lean, fixed;
} SfConvMethodInfo;

gboolean sf_conv_run_direct (SfContext *cx, const SfKernels *kernels, const SfConvJob *job, const float *packed);
gboolean sf_conv_run_direct_fixed (SfContext *cx, const SfKernels *kernels, const SfConvJob *job, const float *packed);
gboolean sf_conv_run_winograd (SfContext *cx, const SfKernels *kernels, const SfConvMethodInfo *method, const SfConvJob *job, const float *packed);
/* So many zeros that stand for a pixel outside of the image. */
extern const float *const sf_conv_zeros;
