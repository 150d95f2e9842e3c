/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What attention pooling does besides attention: a token that stands for all pixels, and taking it out again. */
#include <string.h>

#include "ops/sf-ops-private.h"

typedef struct
{
  SfOp op; /* x, its mean over pixels */
  SfParameter *position;
  const float *positions; /* c x tokens */
} Tokens;

/* (transfer full) (nullable): of all pixels. */
static SfTensor *
mean_of (SfContext *cx, const SfTensor *x)
{
  SfTensor *mean = sf_op_sum_pixels (cx, x);

  for (gsize i = 0; mean != NULL && !sf_context_is_dry (cx) && i < sf_tensor_size (mean); i++)
    mean->data[i] /= x->h * x->w;
  return mean;
}

/* Items are tokens of the whole batch. */
static void
prepend_tile (gsize begin, gsize end, gpointer data)
{
  const Tokens *self = data;
  const SfTensor *x = self->op.x[0], *y = self->op.y;
  const int c = x->c;

  for (gsize i = begin; i < end; i++)
    {
      gsize item = i / y->w, token = i % y->w;
      const float *from = token == 0 ? self->op.x[1]->data + item * c : x->data + (item * (y->w - 1) + token - 1) * c;

      for (int j = 0; j < c; j++)
        y->data[i * c + j] = from[j] + self->positions[(gsize) j * y->w + token];
    }
}

/* op.x: x, dy; op.y: dx */
static void
prepend_backward_tile (gsize begin, gsize end, gpointer data)
{
  const Tokens *self = data;
  const SfTensor *dy = self->op.x[1], *dx = self->op.y;
  const int pixels = dy->w - 1, c = dx->c;

  for (gsize i = begin; i < end; i++)
    {
      const float *mean = dy->data + i / pixels * dy->w * c, *own = mean + (i % pixels + 1) * c;

      for (int j = 0; j < c; j++)
        dx->data[i * c + j] = own[j] + mean[j] / pixels;
    }
}

/* Items are channels. */
static void
position_tile (gsize begin, gsize end, gpointer data)
{
  const Tokens *self = data;
  const SfTensor *dy = self->op.x[1];

  for (gsize j = begin; j < end; j++)
    for (int item = 0; item < dy->n; item++)
      for (int token = 0; token < dy->w; token++)
        self->position->gradient[j * dy->w + token] += dy->data[((gsize) item * dy->w + token) * dy->c + j];
}

static void
prepend_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Tokens *forward = saved;
  SfTensor *x = forward->op.x[0];
  g_autoptr (SfTensor) g = dy, dx = sf_op_new_like (cx, x);
  Tokens self = { .op = { .x = { x, g }, .y = dx }, .position = forward->position };

  if (dx == NULL || (self.position->gradient != NULL && !sf_op_run (cx, x->c, x->c, position_tile, &self, 0)))
    return;
  if (sf_op_run (cx, (gsize) x->n * x->h * x->w, MAX (SF_OP_TILE / x->c, 1), prepend_backward_tile, &self, sf_tensor_size (x)))
    sf_context_add_gradient (cx, x, g_steal_pointer (&dx));
}

SfTensor *
sf_prepend_mean (SfContext *cx, SfTensor *x, SfParameter *position)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) mean = NULL, y = NULL;
  Tokens self = { .op.x = { x }, .position = position };
  const int tokens = x != NULL ? 1 + x->h * x->w : 0;

  if (sf_op_failed (cx, &self.op, 1))
    return NULL;
  g_assert (position->array.n == (gsize) x->c * tokens);
  self.positions = sf_parameter_get_floats (position, cx);
  mean = mean_of (cx, x);
  y = sf_context_tensor (cx, x->n, 1, tokens, x->c);
  if (sf_context_failed (cx))
    return NULL;
  self.op.x[1] = mean;
  self.op.y = y;
  if (!sf_op_run (cx, (gsize) x->n * tokens, MAX (SF_OP_TILE / x->c, 1), prepend_tile, &self, sf_tensor_size (y)))
    return NULL;
  self.op.x[1] = NULL; /* is not needed backwards */
  sf_op_record (cx, prepend_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}

/*** The mean alone ***/

/* x: dy; y: dx */
static void
mean_backward_tile (gsize begin, gsize end, gpointer data)
{
  const SfOp *op = data;
  const SfTensor *dy = op->x[0], *dx = op->y;
  const int pixels = dx->h * dx->w, c = dx->c;

  for (gsize i = begin; i < end; i++)
    for (int j = 0; j < c; j++)
      dx->data[i * c + j] = dy->data[i / pixels * c + j] / pixels;
}

static void
mean_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  SfTensor *x = ((SfOp *) saved)->x[0];
  g_autoptr (SfTensor) g = dy, dx = sf_op_new_like (cx, x);

  if (dx != NULL && sf_op_run (cx, (gsize) x->n * x->h * x->w, MAX (SF_OP_TILE / x->c, 1), mean_backward_tile, &(SfOp) { .x = { g }, .y = dx }, sf_tensor_size (x)))
    sf_context_add_gradient (cx, x, g_steal_pointer (&dx));
}

SfTensor *
sf_mean (SfContext *cx, SfTensor *x)
{
  g_autoptr (SfTensor) input = x;
  SfOp op = { .x = { x } };

  if (sf_op_failed (cx, &op, 1) || (op.y = mean_of (cx, x)) == NULL)
    return NULL;
  sf_op_record (cx, mean_backward, &op, sizeof op);
  return op.y;
}

/*** The first token ***/

static void
first_tile (gsize begin, gsize end, gpointer data)
{
  const SfOp *op = data;
  const SfTensor *x = op->x[0], *y = op->y;
  const gsize distance = (gsize) x->h * x->w * x->c;

  for (gsize i = begin; i < end; i++)
    memcpy (y->data + i * y->c, x->data + i * distance, y->c * sizeof (float));
}

/* x: dy; y: dx */
static void
first_backward_tile (gsize begin, gsize end, gpointer data)
{
  const SfOp *op = data;
  const SfTensor *dy = op->x[0], *dx = op->y;
  const gsize distance = (gsize) dx->h * dx->w * dx->c;

  for (gsize i = begin; i < end; i++)
    {
      memset (dx->data + i * distance, 0, distance * sizeof (float));
      memcpy (dx->data + i * distance, dy->data + i * dy->c, dy->c * sizeof (float));
    }
}

static void
first_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  SfTensor *x = ((SfOp *) saved)->x[0];
  g_autoptr (SfTensor) g = dy, dx = sf_op_new_like (cx, x);

  if (dx != NULL && sf_op_run (cx, x->n, 1, first_backward_tile, &(SfOp) { .x = { g }, .y = dx }, sf_tensor_size (x)))
    sf_context_add_gradient (cx, x, g_steal_pointer (&dx));
}

SfTensor *
sf_first_token (SfContext *cx, SfTensor *x)
{
  g_autoptr (SfTensor) input = x, y = NULL;
  SfOp op = { .x = { x } };

  if (sf_op_failed (cx, &op, 1))
    return NULL;
  op.y = y = sf_context_tensor (cx, x->n, 1, 1, x->c);
  if (y == NULL || !sf_op_run (cx, x->n, x->n, first_tile, &op, sf_tensor_size (y)))
    return NULL;
  sf_op_record (cx, first_backward, &op, sizeof op);
  return g_steal_pointer (&y);
}
