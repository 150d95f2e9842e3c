/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ref-counted block of float32 in N, H, W, C order.  Its memory is its own, or lent by an arena, or part of another tensor.
 *
 * Images are 1 x H x W x C with interleaved channels, perceptual R'G'B' in [-1, 1] unless said otherwise.
 *
 * The diffusion library is written for SfReal, which is float. The tests build it a second time with SF_DOUBLE, where it is
 * double, to compare the same code with the reference implementations to the last digits.
 */
#pragma once

#include <glib.h>

#ifdef SF_DOUBLE
typedef double SfReal;
#else
typedef float SfReal;
#endif

typedef struct _SfTensor SfTensor;

/* Read-only but for what @data points to. */
struct _SfTensor
{
  int n, h, w, c;
  SfReal *data;
};

typedef void (*SfTensorFreeFunc) (gpointer free_data, gpointer data);

/* Zero-filled; %NULL with %SF_ERROR_MEMORY when there is not enough memory. */
SfTensor *sf_tensor_new (int n, int h, int w, int c, GError **error) G_GNUC_WARN_UNUSED_RESULT;
SfTensor *sf_tensor_new_like (const SfTensor *x, GError **error) G_GNUC_WARN_UNUSED_RESULT;
SfTensor *sf_tensor_copy (const SfTensor *x, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/**
 * sf_tensor_new_for:
 * @data: n x h x w x c elements
 * @free_func: called with @free_data and @data after the last reference is gone
 */
SfTensor *sf_tensor_new_for (int n, int h, int w, int c, SfReal *data, SfTensorFreeFunc free_func, gpointer free_data) G_GNUC_WARN_UNUSED_RESULT;
/* Elements [@offset, @offset + n h w c) of @x (transfer full), whose memory they share. */
SfTensor *sf_tensor_view (SfTensor *x, int n, int h, int w, int c, gsize offset) G_GNUC_WARN_UNUSED_RESULT;
/* @x: (nullable), so that the code of a network needs no checks. */
SfTensor *sf_tensor_ref (SfTensor *x);
void sf_tensor_unref (SfTensor *x);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfTensor, sf_tensor_unref)

/* (transfer none) (nullable): what the op that made @x has found out about its numbers, for a norm after it: the moments of its channels, as in
 * ops/sf-moments.h.  Whoever writes to @x takes them away. */
SfTensor *sf_tensor_get_moments (const SfTensor *x);
/* @moments: (transfer full) (nullable) */
void sf_tensor_set_moments (SfTensor *x, SfTensor *moments);

/* Number of elements. */
static inline gsize
sf_tensor_size (const SfTensor *x)
{
  return (gsize) x->n * x->h * x->w * x->c;
}

/* Whether nobody else sees the memory: the caller's reference is the only one, and so on up to what it is a view of. */
gboolean sf_tensor_is_unique (const SfTensor *x);
gboolean sf_tensor_same_shape (const SfTensor *a, const SfTensor *b);
