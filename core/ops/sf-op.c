/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ops/sf-ops-private.h"

#include "kernels/sf-kernels.h"

static gint plain; /* (atomic) */

void
sf_ops_force_plain (gboolean force)
{
  g_atomic_int_set (&plain, force);
}

gboolean
sf_ops_are_plain (void)
{
  return g_atomic_int_get (&plain);
}

gboolean
sf_op_wants_bf16 (SfContext *cx)
{
  return sf_context_is_fast (cx) && !sf_context_has_tape (cx) && sf_kernels ()->tile->multiply_bf16 != NULL;
}

gboolean
sf_op_failed (SfContext *cx, const SfOp *op, int n)
{
  for (int i = 0; i < n; i++)
    if (op->x[i] == NULL)
      return TRUE;
  return sf_context_failed (cx);
}

int
sf_op_channels (const SfTensor *x, const SfTensor *beside)
{
  if (beside == NULL)
    return x->c;
  g_assert (beside->n == x->n && beside->h == x->h && beside->w == x->w);
  return x->c + beside->c;
}

SfTensor *
sf_op_new_like (SfContext *cx, const SfTensor *x)
{
  return sf_context_tensor (cx, x->n, x->h, x->w, x->c);
}

SfTensor *
sf_op_reuse (SfContext *cx, SfTensor *x)
{
  if (sf_context_has_tape (cx) || !sf_tensor_is_unique (x))
    return sf_op_new_like (cx, x);
  sf_tensor_set_moments (x, NULL);
  return sf_tensor_ref (x);
}

gboolean
sf_op_run (SfContext *cx, gsize n, gsize grain, SfTileFunc func, gpointer op, double work)
{
  if (sf_context_failed (cx))
    return FALSE;
  if (!sf_context_is_dry (cx))
    sf_parallel_for (n, grain, func, op, sf_context_get_cancellable (cx));
  sf_context_work (cx, work);
  return !sf_context_failed (cx);
}

static void
op_free (gpointer data)
{
  SfOp *op = data;

  for (gsize i = 0; i < G_N_ELEMENTS (op->x); i++)
    sf_tensor_unref (op->x[i]);
  g_free (op);
}

void
sf_op_record (SfContext *cx, SfBackwardFunc backward, gconstpointer op, gsize size)
{
  SfOp *saved;

  if (!sf_context_has_tape (cx))
    return;
  saved = g_memdup2 (op, size);
  for (gsize i = 0; i < G_N_ELEMENTS (saved->x); i++)
    sf_tensor_ref (saved->x[i]);
  sf_context_record (cx, saved->y, backward, saved, op_free);
}
