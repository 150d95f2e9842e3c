/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operations that networks are made of, forward and backward.
 *
 * Every op takes its tensors (transfer full) and returns (transfer full); keep one with sf_tensor_ref().  An op that holds the
 * only reference may write in place.  Parameters are borrowed.  %NULL in, or a failed context, gives %NULL out.
 * Shapes are checked with g_assert(): a network checks those of its file when it binds the parameters, and those of its input
 * before it runs.
 *
 * Tensors are n x h x w x c.  A sequence of tokens is n x 1 x tokens x c or n x h x w x c with h w tokens.
 */
#pragma once

#include "kernels/sf-activation.h"
#include "ops/sf-parameter.h"

/* y = activation (norm (x) (1 + m) + s): group norm (Wu and He 2018) with what follows it. */
typedef struct
{
  SfParameter *w, *b;      /* [c] */
  int groups;
  float eps;
  SfTensor *modulation;    /* (transfer full) (nullable): n x 1 x 1 x {m, s} of c each */
  SfActivation activation;
} SfNorm;

SfTensor *sf_group_norm (SfContext *cx, SfTensor *x, SfNorm norm) G_GNUC_WARN_UNUSED_RESULT;

/* y = scale (W norm (x) + b + shift + residual) */
typedef struct
{
  SfTensor *beside;             /* (transfer full) (nullable): channels after those of x; a norm reads both where they are */
  SfNorm norm;                  /* .w %NULL = none; where no gradient is wanted its result may never be in memory as a whole */
  int stride;                   /* 0 = 1 */
  int top, left, bottom, right; /* zero padding, of what the norm makes */
  SfTensor *shift;              /* (transfer full) (nullable): n x 1 x 1 x c: goes to all pixels */
  SfTensor *residual;           /* (transfer full) (nullable): of the shape of the result */
  float scale;                  /* 0 = 1 */
  SfActivation activation;      /* of the result; not with a residual */
} SfConv;

/* w: [out, in, kh, kw], b: (nullable) [out]. */
SfTensor *sf_conv2d (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b, SfConv conv) G_GNUC_WARN_UNUSED_RESULT;
/**
 * sf_conv2d_plan:
 * @parameters: all of a network; those that are no weights of a 3x3 convolution are passed over
 * @budget: bytes, 0 = half of the machine's memory
 *
 * The fastest convolutions keep weights of four times the size.  Where all together would be larger than the budget, the
 * largest become lean, so that they are transformed anew in each run: they work on the smallest images, where that matters least.
 *
 * Returns: bytes that packed convolutions will take
 */
gsize sf_conv2d_plan (SfParameter *const *parameters, int n, gsize budget);
/* Over channels, of every pixel or token.  w: [out, in] or [out, in, 1] or [out, in, 1, 1]; @residual: (transfer full) (nullable). */
SfTensor *sf_linear (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b, SfTensor *residual, float scale) G_GNUC_WARN_UNUSED_RESULT;
/* Of the channels of @x and, after them, of @beside: (transfer full) (nullable). */
SfTensor *sf_linear_joined (SfContext *cx, SfTensor *x, SfTensor *beside, SfParameter *w, SfParameter *b) G_GNUC_WARN_UNUSED_RESULT;

/* Over the channels of each token. */
SfTensor *sf_layer_norm (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b, float eps) G_GNUC_WARN_UNUSED_RESULT;

/* Where the heads lie in the channels: head i begins at channel offset + i * stride. */
typedef struct
{
  SfTensor *x; /* (transfer full) */
  int offset, stride;
} SfHeads;

/**
 * sf_attention:
 * @dim: channels of a head
 * @scale: of the product of query and key; 0 = 1 / sqrt (dim)
 *
 * softmax (scale q k^T) v for each head, never as a full matrix.  q, k and v may be the same tensor (each a reference of its own).
 * Returns: n x (h x w of q) x (heads * dim), head i at channel i * dim
 */
SfTensor *sf_attention (SfContext *cx, SfHeads q, SfHeads k, SfHeads v, int heads, int dim, float scale) G_GNUC_WARN_UNUSED_RESULT;

SfTensor *sf_activate (SfContext *cx, SfTensor *x, SfActivation activation) G_GNUC_WARN_UNUSED_RESULT;
/* scale * (x + y); y may be n x 1 x 1 x c: the same for all pixels. */
SfTensor *sf_add (SfContext *cx, SfTensor *x, SfTensor *y, float scale) G_GNUC_WARN_UNUSED_RESULT;
/* a x + b */
SfTensor *sf_affine (SfContext *cx, SfTensor *x, float a, float b) G_GNUC_WARN_UNUSED_RESULT;
/* Item i of x times factors[i]: n x 1 x 1 x 1, a constant.  Both (transfer full). */
SfTensor *sf_scale_items (SfContext *cx, SfTensor *x, SfTensor *factors) G_GNUC_WARN_UNUSED_RESULT;
/* Channels of x, then those of y. */
SfTensor *sf_concat (SfContext *cx, SfTensor *x, SfTensor *y) G_GNUC_WARN_UNUSED_RESULT;
/* Each pixel becomes 2 x 2. */
SfTensor *sf_upsample_nearest (SfContext *cx, SfTensor *x) G_GNUC_WARN_UNUSED_RESULT;
/* Mean of 2 x 2 pixels. */
SfTensor *sf_average_pool (SfContext *cx, SfTensor *x) G_GNUC_WARN_UNUSED_RESULT;
/* Twice and half the size by the weights 1, 3, 3, 1 along each axis, zeros outside; means of what is seen. */
SfTensor *sf_fir_upsample (SfContext *cx, SfTensor *x) G_GNUC_WARN_UNUSED_RESULT;
SfTensor *sf_fir_downsample (SfContext *cx, SfTensor *x) G_GNUC_WARN_UNUSED_RESULT;
/* The mean of all pixels as a token before them, and position: [c, 1 + h w] added.  Returns: n x 1 x (1 + h w) x c */
SfTensor *sf_prepend_mean (SfContext *cx, SfTensor *x, SfParameter *position) G_GNUC_WARN_UNUSED_RESULT;
/* Returns: n x 1 x 1 x c */
SfTensor *sf_first_token (SfContext *cx, SfTensor *x) G_GNUC_WARN_UNUSED_RESULT;
/* Of all pixels.  Returns: n x 1 x 1 x c */
SfTensor *sf_mean (SfContext *cx, SfTensor *x) G_GNUC_WARN_UNUSED_RESULT;
/* Row ids[i] of w: [rows, c] for item i, zeros for an id < 0.  Returns: n x 1 x 1 x c */
SfTensor *sf_embedding (SfContext *cx, SfParameter *w, const int *ids, int n) G_GNUC_WARN_UNUSED_RESULT;
