/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between a pixel and 2 x 2: each way is, up to a factor, the gradient of the other.
 * A last row or column that has no partner does not count for a mean.
 */
#include <string.h>

#include "ops/sf-ops-private.h"

typedef struct
{
  SfOp op;
  float factor;
} Resample;

/* Each pixel to 2 x 2, times factor.  Items are rows of the result. */
static void
spread_tile (gsize begin, gsize end, gpointer data)
{
  const Resample *self = data;
  const SfTensor *x = self->op.x[0], *y = self->op.y;
  const int c = x->c;

  for (gsize i = begin; i < end; i++)
    {
      gsize item = i / y->h;
      int row = i % y->h / 2;

      for (int column = 0; column < y->w; column++)
        {
          float *to = y->data + (i * y->w + column) * c;
          gsize from = ((item * x->h + row) * x->w + column / 2) * c;

          if (row >= x->h || column / 2 >= x->w)
            memset (to, 0, c * sizeof (float));
          else
            for (int j = 0; j < c; j++)
              to[j] = self->factor * x->data[from + j];
        }
    }
}

/* The sum of 2 x 2 pixels, times factor. */
static void
gather_tile (gsize begin, gsize end, gpointer data)
{
  const Resample *self = data;
  const SfTensor *x = self->op.x[0], *y = self->op.y;
  const int c = x->c;

  for (gsize i = begin; i < end; i++)
    {
      const float *upper = x->data + (i / y->h * x->h + i % y->h * 2) * x->w * c, *lower = upper + (gsize) x->w * c;

      for (int column = 0; column < y->w; column++, upper += 2 * c, lower += 2 * c)
        {
          float *to = y->data + (i * y->w + column) * c;

          for (int j = 0; j < c; j++)
            to[j] = self->factor * (upper[j] + upper[c + j] + lower[j] + lower[c + j]);
        }
    }
}

/* To @h x @w pixels.  @x: (transfer full) */
static SfTensor *
resample (SfContext *cx, SfTensor *x, int h, int w, SfTileFunc tile, float factor, SfBackwardFunc backward)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) y = sf_context_tensor (cx, x->n, h, w, x->c);
  Resample self = { .op = { .x = { x }, .y = y }, .factor = factor };

  if (y == NULL || !sf_op_run (cx, (gsize) x->n * h, MAX (SF_OP_TILE / ((gsize) w * x->c), 1), tile, &self,
                               MAX (sf_tensor_size (x), sf_tensor_size (y))))
    return NULL;
  sf_op_record (cx, backward, &self, sizeof self);
  return g_steal_pointer (&y);
}

static void
upsample_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  SfTensor *x = ((SfOp *) saved)->x[0];

  sf_context_add_gradient (cx, x, resample (cx, dy, x->h, x->w, gather_tile, 1, NULL));
}

static void
average_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  SfTensor *x = ((SfOp *) saved)->x[0];

  sf_context_add_gradient (cx, x, resample (cx, dy, x->h, x->w, spread_tile, 0.25f, NULL));
}

SfTensor *
sf_upsample_nearest (SfContext *cx, SfTensor *x)
{
  return x != NULL ? resample (cx, x, 2 * x->h, 2 * x->w, spread_tile, 1, upsample_backward) : NULL;
}

SfTensor *
sf_average_pool (SfContext *cx, SfTensor *x)
{
  g_assert (x == NULL || (x->h > 1 && x->w > 1));
  return x != NULL ? resample (cx, x, x->h / 2, x->w / 2, gather_tile, 0.25f, average_backward) : NULL;
}
