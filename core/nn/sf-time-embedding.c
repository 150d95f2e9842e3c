/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/sf-time-embedding.h"

#include <math.h>

/* In float32, in the order of the training code: phases reach thousands, where another rounding is another vector. */
static void
fourier (const float *frequencies, double t, float *out, int n)
{
  float x = logf ((float) t);

  for (int i = 0; i < n; i++)
    {
      float phase = x * frequencies[i] * 2 * (float) G_PI;

      out[i] = sinf (phase);
      out[n + i] = cosf (phase);
    }
}

static SfTensor *
look_up (const SfTimeEmbedding *self, SfContext *cx, const double *t, int n)
{
  g_autofree int *row = g_new (int, n);

  for (int i = 0; i < n; i++)
    row[i] = (int) CLAMP (round (t[i]), 0, self->n_table - 1);
  return sf_embedding (cx, self->table, row, n);
}

/* What the layers are given of the numbers @t. */
static SfTensor *
project (const SfTimeEmbedding *self, SfContext *cx, const double *t, int n)
{
  int c = self->kind == SF_TIME_FOURIER ? 2 * self->channels : self->channels;
  const float *frequencies = NULL;
  g_autoptr (SfTensor) y = NULL;

  if (self->kind == SF_TIME_LEARNED)
    return look_up (self, cx, t, n);
  y = sf_context_tensor (cx, n, 1, 1, c);
  if (self->kind == SF_TIME_FOURIER)
    frequencies = sf_parameter_get_floats (self->table, cx);
  if (y == NULL || sf_context_failed (cx))
    return NULL;
  for (int i = 0; i < n && !sf_context_is_dry (cx); i++)
    if (self->kind == SF_TIME_FOURIER)
      fourier (frequencies, t[i], y->data + (gsize) i * c, self->channels);
    else
      sf_waves (&self->waves, t[i], y->data + (gsize) i * c, c);
  return g_steal_pointer (&y);
}

static SfTensor *
two_layers (SfContext *cx, SfTensor *x, const SfLayer *first, const SfLayer *second)
{
  x = sf_linear (cx, x, first->w, first->b, NULL, 1);
  x = sf_activate (cx, x, SF_ACTIVATION_SILU);
  return sf_linear (cx, x, second->w, second->b, NULL, 1);
}

/* Each number for all channels of its item. */
static SfTensor *
repeat (SfContext *cx, const double *number, int n, int c)
{
  SfTensor *y = sf_context_tensor (cx, n, 1, 1, c);

  for (gsize i = 0; y != NULL && i < (gsize) n * c && !sf_context_is_dry (cx); i++)
    y->data[i] = (float) number[i / c];
  return y;
}

static SfTensor *
embed_classes (const SfTimeEmbedding *self, SfContext *cx, const int *classes, int n)
{
  g_autofree double *number = g_new (double, n);

  if (self->classes != NULL)
    return sf_embedding (cx, self->classes, classes, n);
  for (int i = 0; i < n; i++)
    number[i] = classes[i];
  if (self->class1.w == NULL)
    return repeat (cx, number, n, self->out);
  return two_layers (cx, project (self, cx, number, n), &self->class1, &self->class2);
}

SfTensor *
sf_time_embedding_forward (const SfTimeEmbedding *self, SfContext *cx, const double *t, const int *classes, int n)
{
  SfTensor *x = two_layers (cx, project (self, cx, t, n), &self->linear1, &self->linear2);

  if (classes != NULL)
    x = sf_add (cx, x, embed_classes (self, cx, classes, n), 1);
  return sf_activate (cx, x, self->activation);
}
