/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pools a picture: its mean, and the tokens of attention pooling (Radford et al. 2021), which are the mean and then the
 * pixels, each with its learned place added.  Small tensors: no threads.
 */
#include <string.h>

#include "ops/sf-ops-private.h"

/* dy / (h w) to all pixels of the item; @dy: (transfer none) n x 1 x 1 x c */
static SfTensor *
spread (SfContext *cx, const SfTensor *dy, gsize dy_stride, const SfTensor *like)
{
  SfTensor *dx = sf_op_new_like (cx, like);
  gsize pixels = (gsize) like->h * like->w;

  if (dx != NULL && !sf_context_is_dry (cx))
    for (gsize i = 0; i < like->n * pixels; i++)
      for (int j = 0; j < like->c; j++)
        dx->data[i * like->c + j] = dy->data[i / pixels * dy_stride + j] / pixels;
  return dx;
}

/*** Mean ***/

static void
mean_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  SfTensor *x = ((SfOp *) saved)->x[0];
  g_autoptr (SfTensor) g = dy;

  sf_context_add_gradient (cx, x, spread (cx, g, g->c, x));
}

SfTensor *
sf_mean (SfContext *cx, SfTensor *x)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) y = NULL;
  SfOp op = { .x = { x } };

  if (sf_op_failed (cx, &op, 1))
    return NULL;
  op.y = y = sf_op_sum_pixels (cx, x);
  if (y == NULL)
    return NULL;
  for (gsize i = 0; i < sf_tensor_size (y) && !sf_context_is_dry (cx); i++)
    y->data[i] /= (float) ((gsize) x->h * x->w);
  sf_op_record (cx, mean_backward, &op, sizeof op);
  return g_steal_pointer (&y);
}

/*** Tokens ***/

typedef struct
{
  SfOp op;
  SfParameter *place;
} Tokens;

static void
tokens_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Tokens *self = saved;
  g_autoptr (SfTensor) g = dy;
  SfTensor *x = self->op.x[0], *dx;
  int c = g->c, tokens = g->w;

  if (self->place->gradient != NULL && !sf_context_is_dry (cx))
    for (gsize i = 0; i < (gsize) g->n * tokens; i++)
      for (int j = 0; j < c; j++)
        self->place->gradient[(gsize) j * tokens + i % tokens] += g->data[i * c + j];
  dx = spread (cx, g, (gsize) tokens * c, x);
  if (dx != NULL && !sf_context_is_dry (cx))
    for (int i = 0; i < g->n; i++)
      for (gsize k = 0; k < (gsize) (tokens - 1) * c; k++)
        dx->data[(gsize) i * (tokens - 1) * c + k] += g->data[((gsize) i * tokens + 1) * c + k];
  sf_context_add_gradient (cx, x, dx);
}

SfTensor *
sf_pool_tokens (SfContext *cx, SfTensor *x, SfParameter *place)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) mean = NULL;
  g_autoptr (SfTensor) y = NULL;
  Tokens self = { .op.x = { x }, .place = place };
  const float *p;
  int tokens;

  if (sf_op_failed (cx, &self.op, 1))
    return NULL;
  tokens = x->h * x->w + 1;
  g_assert (place->array.dim[0] == (gsize) x->c && place->array.dim[1] == (gsize) tokens);
  p = sf_parameter_get_floats (place, cx);
  mean = sf_op_sum_pixels (cx, x);
  self.op.y = y = sf_context_tensor (cx, x->n, 1, tokens, x->c);
  if (p == NULL || mean == NULL || y == NULL)
    return NULL;
  for (gsize i = 0; i < (gsize) x->n * tokens && !sf_context_is_dry (cx); i++)
    {
      gsize item = i / tokens, token = i % tokens;
      const float *from = token > 0 ? x->data + (item * (tokens - 1) + token - 1) * x->c : mean->data + item * x->c;
      float scale = token > 0 ? 1 : 1.0f / (tokens - 1);

      for (int j = 0; j < x->c; j++)
        y->data[i * x->c + j] = scale * from[j] + p[(gsize) j * tokens + token];
    }
  sf_op_record (cx, tokens_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}

/*** The first ***/

static void
first_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  SfTensor *x = ((SfOp *) saved)->x[0];
  g_autoptr (SfTensor) g = dy;
  SfTensor *dx = sf_op_new_like (cx, x);
  gsize item = sf_tensor_size (x) / x->n;

  if (dx != NULL && !sf_context_is_dry (cx))
    {
      memset (dx->data, 0, sf_tensor_size (x) * sizeof (float));
      for (int i = 0; i < x->n; i++)
        memcpy (dx->data + i * item, g->data + (gsize) i * g->c, g->c * sizeof (float));
    }
  sf_context_add_gradient (cx, x, dx);
}

SfTensor *
sf_first_token (SfContext *cx, SfTensor *x)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) y = NULL;
  SfOp op = { .x = { x } };

  if (sf_op_failed (cx, &op, 1))
    return NULL;
  op.y = y = sf_context_tensor (cx, x->n, 1, 1, x->c);
  if (y == NULL)
    return NULL;
  for (int i = 0; i < x->n && !sf_context_is_dry (cx); i++)
    memcpy (y->data + (gsize) i * x->c, x->data + i * (sf_tensor_size (x) / x->n), x->c * sizeof (float));
  sf_op_record (cx, first_backward, &op, sizeof op);
  return g_steal_pointer (&y);
}
