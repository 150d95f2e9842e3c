/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-tensor.h"

#include <string.h>

#include "base/sf-error.h"

typedef struct
{
  SfTensor public;
  gatomicrefcount refs;
} Tensor;

SfTensor *
sf_tensor_new (int n, int h, int w, int c, GError **error)
{
  Tensor *self;
  gsize size;
  SfReal *data;

  g_return_val_if_fail (n > 0 && h > 0 && w > 0 && c > 0, NULL);

  if (!g_size_checked_mul (&size, (gsize) n * c, (gsize) h * w))
    size = G_MAXSIZE;
  data = sf_try_alloc (size, sizeof (SfReal), error);
  if (data == NULL)
    return NULL;
  self = g_new (Tensor, 1);
  self->public = (SfTensor) { .n = n, .h = h, .w = w, .c = c, .data = data };
  g_atomic_ref_count_init (&self->refs);
  return &self->public;
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
sf_tensor_ref (SfTensor *x)
{
  g_atomic_ref_count_inc (&((Tensor *) x)->refs);
  return x;
}

void
sf_tensor_unref (SfTensor *x)
{
  if (x == NULL || !g_atomic_ref_count_dec (&((Tensor *) x)->refs))
    return;
  g_free (x->data);
  g_free (x);
}

gboolean
sf_tensor_same_shape (const SfTensor *a, const SfTensor *b)
{
  return a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c;
}
