/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inner loops of the layers between matrix products: activations, norms, softmax.  Part of SfKernels.
 *
 * A row is the @c channels of a pixel or token; rows are dense, but for those of @y where @y_row is the distance from one to the
 * next, in floats.  Results may overwrite the input.  NaN stays NaN.
 */
#pragma once

#include <glib.h>

#include "kernels/sf-activation.h"
#include "kernels/sf-tile.h"

typedef struct
{
  /* y = activation (x) */
  void (*activate) (SfActivation activation, const float *x, float *y, gsize n);
  /* y = activation (scale_c x + shift_c).  @stream: y, which is not x, is too large for the caches. */
  void (*scale_shift) (SfActivation activation, const float *x, const float *scale, const float *shift, gboolean stream, float *y,
                       gsize y_row, gsize rows, gsize c);
  /* For each channel the sums over all rows of x - pivot_c and of its square; the sums are accurate if the pivot is not
   * further from the mean than some standard deviations.  Those of a channel do not depend on which others are with it. */
  void (*moments) (const float *x, const float *pivot, double *sum, double *squares, gsize rows, gsize c);
  /* Each row: y = w_c (x - mean) / sqrt (variance + eps) + b_c */
  void (*layer_norm) (const float *x, const float *w, const float *b, float eps, float *y, gsize rows, gsize c);
  /* A block of rows of a softmax down the columns of s (rows x columns, a multiple of 16), in logarithms to base 2:
   *   m = max (maximum, max over rows of s);  s = 2^(s - m);  rescale = 2^(maximum - m);  maximum = m;
   *   sum = rescale sum + sum over rows of s
   * Begin with a maximum of -infinity and a sum of 0.  @p: s goes there instead, if @form is BF16, where rows is even, as
   * rows/2 x columns x 2; if it is FIXED, as a panel. */
  void (*softmax) (float *s, gsize rows, gsize columns, float *maximum, float *sum, float *rescale, SfForm form, gpointer p);
} SfLayerKernels;
