/* SPDX-License-Identifier: GPL-3.0-or-later */
/* y = (x - mean) / sqrt (variance + eps) w + b over the channels of each token (Ba, Kiros, Hinton 2016).
 *
 * Backward, with xhat = (x - mean) r and u = dy w:  dx = r (u - mean u - xhat mean (u xhat)),  dw = sum dy xhat,  db = sum dy
 */
#include <math.h>
#include <string.h>

#include "kernels/sf-kernels.h"
#include "ops/sf-ops-private.h"

typedef struct
{
  SfOp op; /* x; backward also dy */
  SfParameter *w, *b;
  float eps;
  const float *weights, *bias;
  float *xhat; /* (nullable) dy xhat of all tokens */
} LayerNorm;

static gsize
n_tokens (const SfTensor *x)
{
  return (gsize) x->n * x->h * x->w;
}

/* Mean, and one over the standard deviation. */
static void
measure (const float *x, int c, float eps, double *mean, double *r)
{
  double sum = 0, squares = 0;

  for (int j = 0; j < c; j++)
    sum += x[j];
  *mean = sum / c;
  for (int j = 0; j < c; j++)
    squares += (x[j] - *mean) * (x[j] - *mean);
  *r = 1 / sqrt (squares / c + eps);
}

static void
forward_tile (gsize begin, gsize end, gpointer data)
{
  const LayerNorm *self = data;
  const int c = self->op.y->c;

  for (gsize i = begin; i < end; i++)
    {
      const float *x = self->op.x[0]->data + i * c;
      float *y = self->op.y->data + i * c;
      double mean, r;

      measure (x, c, self->eps, &mean, &r);
      for (int j = 0; j < c; j++)
        y[j] = (float) ((x[j] - mean) * r) * self->weights[j] + self->bias[j];
    }
}

static void
fast_tile (gsize begin, gsize end, gpointer data)
{
  const LayerNorm *self = data;
  const gsize c = self->op.y->c;

  sf_kernels ()->layers->layer_norm (self->op.x[0]->data + begin * c, self->weights, self->bias, self->eps, self->op.y->data + begin * c,
                                     end - begin, c);
}

static void
backward_tile (gsize begin, gsize end, gpointer data)
{
  const LayerNorm *self = data;
  const int c = self->op.y->c;

  for (gsize i = begin; i < end; i++)
    {
      const float *x = self->op.x[0]->data + i * c, *dy = self->op.x[1]->data + i * c;
      float *dx = self->op.y->data + i * c, *product = self->xhat + i * c;
      double mean, r, u = 0, ux = 0;

      measure (x, c, self->eps, &mean, &r);
      for (int j = 0; j < c; j++)
        {
          product[j] = dy[j] * (x[j] - mean) * r;
          u += dy[j] * self->weights[j];
          ux += product[j] * self->weights[j];
        }
      for (int j = 0; j < c; j++)
        dx[j] = r * (dy[j] * self->weights[j] - u / c - (x[j] - mean) * r * ux / c);
    }
}

static void
layer_norm_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  LayerNorm self = *(LayerNorm *) saved;
  SfTensor *x = self.op.x[0];
  g_autoptr (SfTensor) g = dy;
  g_autoptr (SfTensor) dx = NULL, xhat = NULL;

  sf_op_add_bias_gradient (cx, self.b, g);
  dx = sf_op_new_like (cx, x);
  xhat = sf_op_new_like (cx, x);
  if (dx == NULL || xhat == NULL)
    return;
  self.op.x[1] = g;
  self.op.y = dx;
  self.xhat = xhat->data;
  if (!sf_op_run (cx, n_tokens (x), MAX (SF_OP_TILE / x->c, 1), backward_tile, &self, sf_tensor_size (x)))
    return;
  sf_op_add_bias_gradient (cx, self.w, xhat);
  sf_context_add_gradient (cx, x, g_steal_pointer (&dx));
}

SfTensor *
sf_layer_norm (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b, float eps)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) y = NULL;
  LayerNorm self = { .op.x = { x }, .w = w, .b = b, .eps = eps };

  if (sf_op_failed (cx, &self.op, 1))
    return NULL;
  g_assert (w->array.n == (gsize) x->c && b->array.n == (gsize) x->c);
  self.weights = sf_parameter_get_floats (w, cx);
  self.bias = sf_parameter_get_floats (b, cx);
  self.op.y = y = sf_op_reuse (cx, x);
  if (y == NULL || self.weights == NULL || self.bias == NULL ||
      !sf_op_run (cx, n_tokens (x), MAX (SF_OP_TILE / x->c, 1), sf_ops_are_plain () ? forward_tile : fast_tile, &self, sf_tensor_size (x)))
    return NULL;
  sf_op_record (cx, layer_norm_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}
