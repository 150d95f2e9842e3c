/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Half and double size through the filter 1 3 3 1 in both directions, as in StyleGAN2 (Karras et al. 2020) and NCSN++.
 * Outside of the picture there are zeros.  One is the other's transpose, up to a factor of 4.
 */
#include <string.h>

#include "ops/sf-ops-private.h"

typedef struct
{
  SfOp op;
  float factor;
} Fir;

static void
add_pixel (float *restrict to, float weight, const SfTensor *x, gsize item, int row, int column)
{
  const float *from = x->data + ((item * x->h + row) * x->w + column) * x->c;

  if (row >= 0 && row < x->h && column >= 0 && column < x->w)
    for (int j = 0; j < x->c; j++)
      to[j] += weight * from[j];
}

/* y[i, k] = factor / 64 * sum of f[a] f[b] x[2 i + a - 1, 2 k + b - 1].  Items are rows of the result. */
static void
down_tile (gsize begin, gsize end, gpointer data)
{
  static const float f[] = { 1, 3, 3, 1 };
  const Fir *self = data;
  const SfTensor *x = self->op.x[0], *y = self->op.y;

  for (gsize i = begin; i < end; i++)
    for (int column = 0; column < y->w; column++)
      {
        float *to = y->data + (i * y->w + column) * y->c;
        int top = (int) (i % y->h) * 2 - 1, left = column * 2 - 1;

        memset (to, 0, y->c * sizeof (float));
        for (int a = 0; a < 4; a++)
          for (int b = 0; b < 4; b++)
            add_pixel (to, self->factor / 64 * f[a] * f[b], x, i / y->h, top + a, left + b);
      }
}

/* The nearest row and column of x count 3/4, the next nearest 1/4; all times factor. */
static void
up_tile (gsize begin, gsize end, gpointer data)
{
  const Fir *self = data;
  const SfTensor *x = self->op.x[0], *y = self->op.y;

  for (gsize i = begin; i < end; i++)
    for (int column = 0; column < y->w; column++)
      {
        float *to = y->data + (i * y->w + column) * y->c;
        int row = (int) (i % y->h), r = row / 2, c = column / 2;
        int r2 = row % 2 != 0 ? r + 1 : r - 1, c2 = column % 2 != 0 ? c + 1 : c - 1;

        memset (to, 0, y->c * sizeof (float));
        add_pixel (to, self->factor * 9 / 16, x, i / y->h, r, c);
        add_pixel (to, self->factor * 3 / 16, x, i / y->h, r, c2);
        add_pixel (to, self->factor * 3 / 16, x, i / y->h, r2, c);
        add_pixel (to, self->factor * 1 / 16, x, i / y->h, r2, c2);
      }
}

/* @x: (transfer full) */
static SfTensor *
filter (SfContext *cx, SfTensor *x, int h, int w, SfTileFunc tile, float factor, SfBackwardFunc backward)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) y = sf_context_tensor (cx, x->n, h, w, x->c);
  Fir self = { .op = { .x = { x }, .y = y }, .factor = factor };

  if (y == NULL || !sf_op_run (cx, (gsize) x->n * h, MAX (SF_OP_TILE / 16 / ((gsize) w * x->c), 1), tile, &self, 8.0 * sf_tensor_size (y)))
    return NULL;
  sf_op_record (cx, backward, &self, sizeof self);
  return g_steal_pointer (&y);
}

static void
down_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  SfTensor *x = ((SfOp *) saved)->x[0];

  sf_context_add_gradient (cx, x, filter (cx, dy, x->h, x->w, up_tile, 0.25f, NULL));
}

static void
up_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  SfTensor *x = ((SfOp *) saved)->x[0];

  sf_context_add_gradient (cx, x, filter (cx, dy, x->h, x->w, down_tile, 4, NULL));
}

SfTensor *
sf_fir_downsample (SfContext *cx, SfTensor *x)
{
  g_assert (x == NULL || (x->h % 2 == 0 && x->w % 2 == 0));
  return x != NULL ? filter (cx, x, x->h / 2, x->w / 2, down_tile, 1, down_backward) : NULL;
}

SfTensor *
sf_fir_upsample (SfContext *cx, SfTensor *x)
{
  return x != NULL ? filter (cx, x, 2 * x->h, 2 * x->w, up_tile, 1, up_backward) : NULL;
}
