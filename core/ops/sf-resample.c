/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Halving and doubling by the same weights k along each axis, k = 1, 1 or 1, 3, 3, 1 (that of Karras et al. 2020, StyleGAN2):
 *
 *   halved[i] = f sum_t k[t] x[2 i + t - o],   doubled[i] = f sum_t k[t] x[(i + o - t) / 2], where that is whole
 *
 * Up to the factor f each is the gradient of the other.  Outside is zero.
 */
#include <string.h>

#include "ops/sf-ops-private.h"

typedef struct
{
  int n, origin;
  float k[4];
} Taps;

static const Taps box = { 2, 0, { 1, 1 } };
static const Taps fir = { 4, 1, { 1, 3, 3, 1 } };

typedef struct
{
  SfOp op;
  const Taps *taps;
  float factor;
  gboolean doubles;
} Resample;

/* Which pixel of @size pixel @i of the result sees through tap @t; -1: none. */
static int
find (const Resample *self, int i, int t, int size)
{
  int at = self->doubles ? i + self->taps->origin - t : 2 * (2 * i + t - self->taps->origin);

  return at >= 0 && at % 2 == 0 && at / 2 < size ? at / 2 : -1;
}

/* Items are rows of the result. */
static void
resample_tile (gsize begin, gsize end, gpointer data)
{
  const Resample *self = data;
  const Taps *taps = self->taps;
  const SfTensor *x = self->op.x[0], *y = self->op.y;
  const int c = x->c;

  for (gsize i = begin; i < end; i++)
    {
      memset (y->data + i * y->w * c, 0, (gsize) y->w * c * sizeof (float));
      for (int ty = 0; ty < taps->n; ty++)
        {
          int row = find (self, i % y->h, ty, x->h);

          for (int column = 0; column < y->w && row >= 0; column++)
            for (int tx = 0; tx < taps->n; tx++)
              {
                int from = find (self, column, tx, x->w);
                const float k = self->factor * taps->k[ty] * taps->k[tx];
                const float *in = x->data + ((i / y->h * x->h + row) * x->w + MAX (from, 0)) * c;
                float *out = y->data + (i * y->w + column) * c;

                for (int j = 0; j < c && from >= 0; j++)
                  out[j] += k * in[j];
              }
        }
    }
}

static SfTensor *resample (SfContext *cx, SfTensor *x, int h, int w, const Taps *taps, float factor, gboolean doubles);

static void
resample_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Resample *self = saved;
  SfTensor *x = self->op.x[0];

  sf_context_add_gradient (cx, x, resample (cx, dy, x->h, x->w, self->taps, self->factor, !self->doubles));
}

/* To @h x @w pixels.  @x: (transfer full) (nullable) */
static SfTensor *
resample (SfContext *cx, SfTensor *x, int h, int w, const Taps *taps, float factor, gboolean doubles)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) y = sf_context_tensor (cx, x->n, h, w, x->c);
  Resample self = { .op = { .x = { x }, .y = y }, .taps = taps, .factor = factor, .doubles = doubles };

  if (y == NULL || !sf_op_run (cx, (gsize) x->n * h, MAX (SF_OP_TILE / ((gsize) w * x->c), 1), resample_tile, &self, sf_tensor_size (y)))
    return NULL;
  sf_op_record (cx, resample_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}

static SfTensor *
halve (SfContext *cx, SfTensor *x, const Taps *taps, float factor)
{
  g_assert (x == NULL || (x->h > 1 && x->w > 1));
  return x != NULL ? resample (cx, x, x->h / 2, x->w / 2, taps, factor, FALSE) : NULL;
}

static SfTensor *
twice (SfContext *cx, SfTensor *x, const Taps *taps, float factor)
{
  return x != NULL ? resample (cx, x, 2 * x->h, 2 * x->w, taps, factor, TRUE) : NULL;
}

SfTensor *
sf_upsample_nearest (SfContext *cx, SfTensor *x)
{
  return twice (cx, x, &box, 1);
}

SfTensor *
sf_average_pool (SfContext *cx, SfTensor *x)
{
  return halve (cx, x, &box, 1.0f / 4);
}

SfTensor *
sf_fir_upsample (SfContext *cx, SfTensor *x)
{
  return twice (cx, x, &fir, 1.0f / 16);
}

SfTensor *
sf_fir_downsample (SfContext *cx, SfTensor *x)
{
  return halve (cx, x, &fir, 1.0f / 64);
}
