/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-context.h"

#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "kernels/sf-blas.h"
#include "tensor/sf-context-private.h"

#define DRY_BUDGET ((gsize) 1 << 60) /* what a run would take is to be learnt, however much it is */

static SfContext *
context_new (gsize budget, gboolean dry)
{
  SfContext *self = g_new0 (SfContext, 1);

  self->dry = dry;
  self->arena = sf_arena_new (budget, dry);
  return self;
}

SfContext *
sf_context_new (gsize budget)
{
  return context_new (budget, FALSE);
}

SfContext *
sf_context_new_dry (void)
{
  return context_new (DRY_BUDGET, TRUE);
}

void
sf_context_free (SfContext *self)
{
  if (self == NULL)
    return;
  sf_context_stop_tape (self);
  g_clear_error (&self->error);
  g_clear_pointer (&self->plan, g_array_unref);
  sf_arena_unref (self->arena);
  g_free (self);
}

gboolean
sf_context_is_dry (const SfContext *self)
{
  return self->dry;
}

SfArena *
sf_context_get_arena (SfContext *self)
{
  return self->arena;
}

void
sf_context_set_fast (SfContext *self, gboolean fast)
{
  self->fast = fast;
}

gboolean
sf_context_is_fast (const SfContext *self)
{
  return self->fast;
}

void
sf_context_rehearse (SfContext *self, const SfTensor *x, SfRunFunc run, gpointer data, gconstpointer key)
{
  const int shape[4] = { x->n, x->h, x->w, x->c };
  g_autoptr (SfContext) dry = NULL;

  if (self->tape != NULL || sf_context_failed (self))
    return;
  if (self->plan == NULL || self->rehearsed != key || memcmp (self->shape, shape, sizeof shape) != 0 || !sf_arena_has_followed (self->arena))
    {
      SfTensor *stand_in;

      dry = sf_context_new_dry ();
      dry->fast = self->fast;
      stand_in = sf_context_tensor (dry, x->n, x->h, x->w, x->c);
      sf_arena_record (dry->arena);
      sf_tensor_unref (run (dry, stand_in, data));
      g_clear_pointer (&self->plan, g_array_unref);
      self->plan = sf_arena_make_plan (dry->arena);
      self->rehearsed = key;
      memcpy (self->shape, shape, sizeof shape);
    }
  sf_arena_follow (self->arena, self->plan, &self->error);
}

/* Only as many threads as there is memory for to multiply matrices. */
static void
reserve_threads (SfContext *self)
{
  int wanted = sf_parallel_get_threads (), n = sf_blas_reserve (wanted, &self->error);

  if (n > 0 && n < wanted)
    sf_parallel_set_threads (n);
}

void
sf_context_begin (SfContext *self, const SfProgress *progress, double work)
{
  sf_context_stop_tape (self);
  g_clear_error (&self->error);
  self->progress = progress;
  self->expected = work;
  self->done = 0;
  sf_arena_follow (self->arena, NULL, NULL);
  if (!self->dry)
    reserve_threads (self);
}

gboolean
sf_context_end (SfContext *self, GError **error)
{
  sf_context_failed (self);
  sf_context_stop_tape (self);
  self->progress = NULL;
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

gboolean
sf_context_failed (SfContext *self)
{
  return self->error != NULL || sf_progress_stopped (self->progress, &self->error);
}

void
sf_context_fail (SfContext *self, GError *error)
{
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
}

GCancellable *
sf_context_get_cancellable (SfContext *self)
{
  return self->progress != NULL ? self->progress->cancellable : NULL;
}

static void
give_back (gpointer arena, gpointer data)
{
  sf_arena_free (arena, data);
  sf_arena_unref (arena);
}

SfTensor *
sf_context_tensor (SfContext *self, int n, int h, int w, int c)
{
  gsize size;
  SfReal *data;

  g_assert (n > 0 && h > 0 && w > 0 && c > 0);
  if (sf_context_failed (self))
    return NULL;
  if (!g_size_checked_mul (&size, (gsize) n * c, (gsize) h * w) || !g_size_checked_mul (&size, size, sizeof (SfReal)))
    size = G_MAXSIZE;
  data = sf_arena_alloc (self->arena, size, &self->error);
  return data != NULL ? sf_tensor_new_for (n, h, w, c, data, give_back, sf_arena_ref (self->arena)) : NULL;
}

void
sf_context_work (SfContext *self, double flops)
{
  self->done += flops;
  if (self->expected > 0)
    sf_progress_set (self->progress, self->done / self->expected);
}

double
sf_context_get_work (const SfContext *self)
{
  return self->done;
}
