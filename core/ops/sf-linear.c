/* SPDX-License-Identifier: GPL-3.0-or-later */
/* y = scale (x W^T + b + residual) for rows of channels: one product.  Backward, with g = scale dy: dx = g W, dW = g^T x. */
#include "ops/sf-linear-fast.h"
#include "ops/sf-ops-private.h"

typedef struct
{
  SfOp op; /* x, residual */
  SfParameter *w, *b;
  float scale;
} Linear;

static gsize
n_rows (const SfTensor *x)
{
  return (gsize) x->n * x->h * x->w;
}

static void
linear_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Linear *self = saved;
  SfTensor *x = self->op.x[0];
  g_autoptr (SfTensor) g = sf_affine (cx, dy, self->scale, 0);
  const float *w = sf_parameter_get_floats (self->w, cx);

  if (g == NULL || w == NULL)
    return;
  if (self->w->gradient != NULL)
    sf_op_product (cx, &(SfProduct) { .ta = TRUE, .m = g->c, .k = n_rows (x), .a = g->data, .lda = g->c, .b = x->data, .ldb = x->c, .to = { .y = self->w->gradient, .n = x->c, .residual = self->w->gradient, .scale = 1 } });
  sf_op_add_bias_gradient (cx, self->b, g);
  if (sf_context_wants_gradient (cx, x))
    {
      g_autoptr (SfTensor) dx = sf_op_new_like (cx, x);

      if (dx != NULL && sf_op_product (cx, &(SfProduct) { .m = n_rows (x), .k = g->c, .a = g->data, .lda = g->c, .b = w, .ldb = x->c, .to = { .y = dx->data, .n = x->c, .scale = 1 } }))
        sf_context_add_gradient (cx, x, g_steal_pointer (&dx));
    }
  if (self->op.x[1] != NULL)
    sf_context_add_gradient (cx, self->op.x[1], g_steal_pointer (&g));
}

static gboolean
forward_plain (SfContext *cx, const Linear *self, const float *bias)
{
  const SfTensor *x = self->op.x[0], *residual = self->op.x[1], *y = self->op.y;
  const float *w = sf_parameter_get_floats (self->w, cx);

  return w != NULL &&
         sf_op_product (cx, &(SfProduct) { .tb = TRUE, .m = n_rows (x), .k = x->c, .a = x->data, .lda = x->c, .b = w, .ldb = x->c, .to = { y->data, y->c, bias, residual != NULL ? residual->data : NULL, self->scale } });
}

/* (transfer none) (nullable): the packed weights, made at the first use. */
static gconstpointer
get_packed (SfContext *cx, SfParameter *w, SfForm form)
{
  static const char kinds[SF_N_FORMS];
  const SfKernels *kernels = sf_kernels ();
  gpointer packed = sf_parameter_find_packing (w, &kinds[form]);

  if (packed != NULL || sf_context_is_dry (cx))
    return packed;
  packed = sf_parameter_pack (w, cx, &kinds[form], sf_linear_packed_size (kernels, form, &w->array) / sizeof (float));
  if (packed != NULL)
    sf_linear_pack (kernels, form, &w->array, packed);
  return packed;
}

/* Weights that are being trained change: they are not worth packing. */
static gboolean
is_fast (const SfParameter *w)
{
  return !sf_ops_are_plain () && w->gradient == NULL;
}

static gboolean
forward_fast (SfContext *cx, const Linear *self, const SfTensor *beside, const float *bias)
{
  const SfTensor *x = self->op.x[0], *residual = self->op.x[1], *y = self->op.y;
  const SfForm form = sf_tile_choose (sf_kernels ()->tile, !sf_op_wants_bf16 (cx));
  const int k = sf_op_channels (x, beside);
  const SfLinearJob job = { .m = n_rows (x), .k = k, .n = y->c, .x = x->data, .beside = beside != NULL ? beside->data : NULL, .beside_c = k - x->c, .bias = bias, .scale = self->scale, .y = y->data, .residual = residual != NULL ? residual->data : NULL };
  gconstpointer packed = get_packed (cx, self->w, form);

  return !sf_context_failed (cx) && sf_linear_run (cx, sf_kernels (), form, &job, packed);
}

/* @beside: (transfer full) (nullable): channels after those of @x, where it is fast and not recorded. */
static SfTensor *
linear (SfContext *cx, SfTensor *x, SfTensor *beside, SfParameter *w, SfParameter *b, SfTensor *residual, float scale)
{
  const int n = w->array.dim[0];
  g_autoptr (SfTensor) input = x, more = beside, added = residual;
  g_autoptr (SfTensor) y = NULL;
  Linear self = { .op.x = { x, residual }, .w = w, .b = b, .scale = scale != 0 ? scale : 1 };
  const float *bias = NULL;
  SfTensor *place; /* (nullable): that the result may take */

  if (sf_op_failed (cx, &self.op, 1))
    return NULL;
  g_assert (w->array.n == (gsize) n * sf_op_channels (x, beside) && (b == NULL || b->array.n == (gsize) n));
  g_assert (residual == NULL || (n_rows (residual) == n_rows (x) && residual->c == n));
  place = residual != NULL ? residual : beside != NULL && x->c == n ? x
                                                                    : NULL;
  self.op.y = y = place != NULL ? sf_op_reuse (cx, place) : sf_context_tensor (cx, x->n, x->h, x->w, n);
  if (y == NULL || (b != NULL && (bias = sf_parameter_get_floats (b, cx)) == NULL))
    return NULL;
  if (!(is_fast (w) ? forward_fast (cx, &self, beside, bias) : forward_plain (cx, &self, bias)))
    return NULL;
  sf_op_record (cx, linear_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}

SfTensor *
sf_linear (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b, SfTensor *residual, float scale)
{
  return linear (cx, x, NULL, w, b, residual, scale);
}

SfTensor *
sf_linear_joined (SfContext *cx, SfTensor *x, SfTensor *beside, SfParameter *w, SfParameter *b)
{
  if (beside != NULL && (sf_context_has_tape (cx) || !is_fast (w)))
    x = sf_concat (cx, x, g_steal_pointer (&beside));
  return linear (cx, x, beside, w, b, NULL, 1);
}
