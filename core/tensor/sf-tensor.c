/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-tensor.h"

#include <string.h>

#include "base/sf-error.h"

typedef struct
{
  SfTensor public;
  gatomicrefcount refs;
  SfTensor *base;    /* (nullable): what this is a view of */
  SfTensor *moments; /* (nullable) */
  SfTensorFreeFunc free_func;
  gpointer free_data;
} Tensor;

static SfTensor *
tensor_new (Tensor fields)
{
  Tensor *self = g_memdup2 (&fields, sizeof fields);

  g_atomic_ref_count_init (&self->refs);
  return &self->public;
}

static void
free_own (gpointer unused, gpointer data)
{
  g_free (data);
}

SfTensor *
sf_tensor_new (int n, int h, int w, int c, GError **error)
{
  gsize size;
  SfReal *data;

  g_return_val_if_fail (n > 0 && h > 0 && w > 0 && c > 0, NULL);

  if (!g_size_checked_mul (&size, (gsize) n * c, (gsize) h * w))
    size = G_MAXSIZE;
  data = sf_try_alloc (size, sizeof (SfReal), error);
  return data != NULL ? sf_tensor_new_for (n, h, w, c, data, free_own, NULL) : NULL;
}

SfTensor *
sf_tensor_new_like (const SfTensor *x, GError **error)
{
  return sf_tensor_new (x->n, x->h, x->w, x->c, error);
}

SfTensor *
sf_tensor_copy (const SfTensor *x, GError **error)
{
  SfTensor *y = sf_tensor_new_like (x, error);

  if (y != NULL)
    memcpy (y->data, x->data, sf_tensor_size (x) * sizeof (SfReal));
  return y;
}

SfTensor *
sf_tensor_new_for (int n, int h, int w, int c, SfReal *data, SfTensorFreeFunc free_func, gpointer free_data)
{
  return tensor_new ((Tensor) {
      .public = { .n = n, .h = h, .w = w, .c = c, .data = data },
      .free_func = free_func,
      .free_data = free_data,
  });
}

SfTensor *
sf_tensor_view (SfTensor *x, int n, int h, int w, int c, gsize offset)
{
  g_assert (offset + (gsize) n * h * w * c <= sf_tensor_size (x));
  return tensor_new ((Tensor) { .public = { .n = n, .h = h, .w = w, .c = c, .data = x->data + offset }, .base = x });
}

SfTensor *
sf_tensor_ref (SfTensor *x)
{
  if (x != NULL)
    g_atomic_ref_count_inc (&((Tensor *) x)->refs);
  return x;
}

void
sf_tensor_unref (SfTensor *x)
{
  Tensor *self = (Tensor *) x;

  if (x == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  if (self->base != NULL)
    sf_tensor_unref (self->base);
  else
    self->free_func (self->free_data, x->data);
  sf_tensor_unref (self->moments);
  g_free (self);
}

gboolean
sf_tensor_is_unique (const SfTensor *x)
{
  Tensor *self = (Tensor *) x;

  return g_atomic_ref_count_compare (&self->refs, 1) && (self->base == NULL || sf_tensor_is_unique (self->base));
}

gboolean
sf_tensor_same_shape (const SfTensor *a, const SfTensor *b)
{
  return a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c;
}

SfTensor *
sf_tensor_get_moments (const SfTensor *x)
{
  return ((const Tensor *) x)->moments;
}

void
sf_tensor_set_moments (SfTensor *x, SfTensor *moments)
{
  Tensor *self = (Tensor *) x;

  sf_tensor_unref (self->moments);
  self->moments = moments;
}
