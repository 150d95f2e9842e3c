/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums and concatenation.  Bound by memory: each is one pass. */
#include <string.h>

#include "ops/sf-ops-private.h"

static gsize
n_pixels (const SfTensor *x)
{
  return (gsize) x->n * x->h * x->w;
}

static gsize
pixels_per_tile (int c)
{
  return MAX (SF_OP_TILE / c, 1);
}

/*** a x + b ***/

typedef struct
{
  SfOp op;
  float a, b;
} Affine;

static void
affine_tile (gsize begin, gsize end, gpointer data)
{
  const Affine *self = data;
  const float *x = self->op.x[0]->data;
  float *y = self->op.y->data;

  for (gsize i = begin; i < end; i++)
    y[i] = self->a * x[i] + self->b;
}

static void
affine_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Affine *self = saved;

  sf_context_add_gradient (cx, self->op.x[0], sf_affine (cx, dy, self->a, 0));
}

SfTensor *
sf_affine (SfContext *cx, SfTensor *x, float a, float b)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) y = NULL;
  Affine self = { .op.x = { x }, .a = a, .b = b };

  if (sf_op_failed (cx, &self.op, 1))
    return NULL;
  if (a == 1 && b == 0)
    return g_steal_pointer (&input);
  self.op.y = y = sf_op_reuse (cx, x);
  if (y == NULL || !sf_op_run (cx, sf_tensor_size (x), SF_OP_TILE, affine_tile, &self, sf_tensor_size (x)))
    return NULL;
  sf_op_record (cx, affine_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}

/*** Each item times a number of its own ***/

static void
scale_tile (gsize begin, gsize end, gpointer data)
{
  const SfOp *op = data;
  const gsize item = sf_tensor_size (op->y) / op->y->n;

  for (gsize i = begin; i < end; i++)
    op->y->data[i] = op->x[0]->data[i] * op->x[1]->data[i / item];
}

static void
scale_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const SfOp *op = saved;

  sf_context_add_gradient (cx, op->x[0], sf_scale_items (cx, dy, sf_tensor_ref (op->x[1])));
}

SfTensor *
sf_scale_items (SfContext *cx, SfTensor *x, SfTensor *factors)
{
  g_autoptr (SfTensor) input_x = x, input_factors = factors;
  g_autoptr (SfTensor) y = NULL;
  SfOp op = { .x = { x, factors } };

  if (sf_op_failed (cx, &op, 2))
    return NULL;
  g_assert (sf_tensor_size (factors) == (gsize) x->n);
  op.y = y = sf_op_reuse (cx, x);
  if (y == NULL || !sf_op_run (cx, sf_tensor_size (x), SF_OP_TILE, scale_tile, &op, sf_tensor_size (x)))
    return NULL;
  sf_op_record (cx, scale_backward, &op, sizeof op);
  return g_steal_pointer (&y);
}

/*** scale (x + y) ***/

typedef struct
{
  SfOp op;
  float scale;
  gsize share; /* pixels of x for one of y */
} Add;

static void
add_tile (gsize begin, gsize end, gpointer data)
{
  const Add *self = data;
  const int c = self->op.y->c;

  for (gsize i = begin; i < end; i++)
    {
      const float *x = self->op.x[0]->data + i * c, *y = self->op.x[1]->data + i / self->share * c;
      float *sum = self->op.y->data + i * c;

      for (int j = 0; j < c; j++)
        sum[j] = self->scale * (x[j] + y[j]);
    }
}

static void
add_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Add *self = saved;
  g_autoptr (SfTensor) g = sf_affine (cx, dy, self->scale, 0);

  if (g == NULL)
    return;
  if (sf_context_wants_gradient (cx, self->op.x[1]))
    sf_context_add_gradient (cx, self->op.x[1], self->share == 1 ? sf_tensor_ref (g) : sf_op_sum_pixels (cx, g));
  sf_context_add_gradient (cx, self->op.x[0], g_steal_pointer (&g));
}

SfTensor *
sf_add (SfContext *cx, SfTensor *x, SfTensor *y, float scale)
{
  g_autoptr (SfTensor) input_x = x, input_y = y;
  g_autoptr (SfTensor) sum = NULL;
  Add self = { .op.x = { x, y }, .scale = scale };

  if (sf_op_failed (cx, &self.op, 2))
    return NULL;
  g_assert (x->n == y->n && x->c == y->c && (sf_tensor_same_shape (x, y) || y->h * y->w == 1));
  self.share = n_pixels (x) / n_pixels (y);
  self.op.y = sum = self.share == 1 && !sf_tensor_is_unique (x) ? sf_op_reuse (cx, y) : sf_op_reuse (cx, x);
  if (sum == NULL || !sf_op_run (cx, n_pixels (x), pixels_per_tile (x->c), add_tile, &self, sf_tensor_size (x)))
    return NULL;
  sf_op_record (cx, add_backward, &self, sizeof self);
  return g_steal_pointer (&sum);
}

/*** Concatenation ***/

/* Channels [from, from + c) of each pixel of @x go to [to, to + c) of @y. */
typedef struct
{
  const SfTensor *x;
  SfTensor *y;
  int from, to, c;
} Copy;

static void
copy_tile (gsize begin, gsize end, gpointer data)
{
  const Copy *self = data;

  for (gsize i = begin; i < end; i++)
    memcpy (self->y->data + i * self->y->c + self->to, self->x->data + i * self->x->c + self->from, self->c * sizeof (float));
}

static gboolean
copy_channels (SfContext *cx, const SfTensor *x, int from, SfTensor *y, int to, int c)
{
  return sf_op_run (cx, n_pixels (x), pixels_per_tile (c), copy_tile, &(Copy) { x, y, from, to, c }, (double) n_pixels (x) * c);
}

static void
concat_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const SfOp *op = saved;
  g_autoptr (SfTensor) g = dy;

  for (int i = 0, from = 0; i < 2; from += op->x[i++]->c)
    if (sf_context_wants_gradient (cx, op->x[i]))
      {
        SfTensor *dx = sf_op_new_like (cx, op->x[i]);

        if (dx != NULL)
          copy_channels (cx, g, from, dx, 0, dx->c);
        sf_context_add_gradient (cx, op->x[i], dx);
      }
}

SfTensor *
sf_concat (SfContext *cx, SfTensor *x, SfTensor *y)
{
  g_autoptr (SfTensor) input_x = x, input_y = y;
  g_autoptr (SfTensor) joined = NULL;
  SfOp op = { .x = { x, y } };

  if (sf_op_failed (cx, &op, 2))
    return NULL;
  g_assert (x->n == y->n && x->h == y->h && x->w == y->w);
  op.y = joined = sf_context_tensor (cx, x->n, x->h, x->w, x->c + y->c);
  if (joined == NULL || !copy_channels (cx, x, 0, joined, 0, x->c) || !copy_channels (cx, y, 0, joined, x->c, y->c))
    return NULL;
  sf_op_record (cx, concat_backward, &op, sizeof op);
  return g_steal_pointer (&joined);
}
