/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums over pixels, in double, in the order of the pixels: a tile has all pixels of an item and a cache line of channels. */
#include "ops/sf-ops-private.h"

#define COLUMNS 16

typedef struct
{
  const float *x; /* groups x rows x c */
  gsize rows;
  int c;
  float *sum;     /* groups x c */
  gboolean add;
} Sum;

static void
sum_tile (gsize begin, gsize end, gpointer data)
{
  const Sum *s = data;
  const gsize blocks = (s->c + COLUMNS - 1) / COLUMNS;

  for (gsize i = begin; i < end; i++)
    {
      gsize group = i / blocks;
      int first = i % blocks * COLUMNS, n = MIN (COLUMNS, s->c - first);
      double sum[COLUMNS] = { 0 };
      float *out = s->sum + group * s->c + first;

      for (gsize row = 0; row < s->rows; row++)
        {
          const float *x = s->x + (group * s->rows + row) * s->c + first;

          for (int j = 0; j < n; j++)
            sum[j] += x[j];
        }
      for (int j = 0; j < n; j++)
        out[j] = (s->add ? out[j] : 0) + sum[j];
    }
}

static gboolean
run (SfContext *cx, gsize groups, Sum sum)
{
  return sf_op_run (cx, groups * ((sum.c + COLUMNS - 1) / COLUMNS), 1, sum_tile, &sum, (double) groups * sum.rows * sum.c);
}

SfTensor *
sf_op_sum_pixels (SfContext *cx, const SfTensor *x)
{
  g_autoptr (SfTensor) y = sf_context_tensor (cx, x->n, 1, 1, x->c);

  if (y == NULL || !run (cx, x->n, (Sum) { x->data, (gsize) x->h * x->w, x->c, y->data, FALSE }))
    return NULL;
  return g_steal_pointer (&y);
}

void
sf_op_add_bias_gradient (SfContext *cx, SfParameter *b, const SfTensor *dy)
{
  if (b != NULL && b->gradient != NULL)
    run (cx, 1, (Sum) { dy->data, (gsize) dy->n * dy->h * dy->w, dy->c, b->gradient, TRUE });
}
