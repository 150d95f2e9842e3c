/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reverse mode: the steps are walked from the last to the first; each takes the gradient of its result and adds to those of
 * what it was made from.  A step is freed as soon as it was walked over, and with it what it kept.
 *
 * Tensors are told apart by address: those with a place in the table are alive, as their step or the caller holds them.
 */
#include <string.h>

#include "base/sf-parallel.h"
#include "tensor/sf-context-private.h"

#define TILE 65536

typedef struct
{
  SfTensor *y;
  SfBackwardFunc backward;
  gpointer saved;
  GDestroyNotify saved_free;
} Step;

static void
step_clear (gpointer data)
{
  Step *step = data;

  step->saved_free (step->saved);
  sf_tensor_unref (step->y);
}

void
sf_context_start_tape (SfContext *self)
{
  sf_context_stop_tape (self);
  self->tape = g_array_new (FALSE, FALSE, sizeof (Step));
  g_array_set_clear_func (self->tape, step_clear);
}

void
sf_context_stop_tape (SfContext *self)
{
  g_clear_pointer (&self->tape, g_array_unref);
}

gboolean
sf_context_has_tape (const SfContext *self)
{
  return self->tape != NULL;
}

void
sf_context_record (SfContext *self, SfTensor *y, SfBackwardFunc backward, gpointer saved, GDestroyNotify saved_free)
{
  Step step = { y, backward, saved, saved_free };

  if (y == NULL)
    {
      saved_free (saved);
      return;
    }
  sf_tensor_ref (y);
  g_array_append_val (self->tape, step);
}

/*** Sums ***/

typedef struct
{
  const SfReal *a, *b;
  SfReal *sum;
} Sum;

static void
sum_tile (gsize begin, gsize end, gpointer data)
{
  const Sum *s = data;

  for (gsize i = begin; i < end; i++)
    s->sum[i] = s->a[i] + s->b[i];
}

/* Both (transfer full); in place where nobody else sees one of them. */
static SfTensor *
add (SfContext *self, SfTensor *a, SfTensor *b)
{
  SfTensor *sum = NULL;

  if (sf_tensor_is_unique (a))
    sum = sf_tensor_ref (a);
  else if (sf_tensor_is_unique (b))
    sum = sf_tensor_ref (b);
  else
    sum = sf_context_tensor (self, a->n, a->h, a->w, a->c);
  if (sum != NULL && !self->dry)
    sf_parallel_for (sf_tensor_size (sum), TILE, sum_tile, &(Sum) { a->data, b->data, sum->data }, sf_context_get_cancellable (self));
  sf_tensor_unref (a);
  sf_tensor_unref (b);
  return sum;
}

/*** Gradients ***/

gboolean
sf_context_wants_gradient (const SfContext *self, SfTensor *x)
{
  return g_hash_table_contains (self->gradients, x);
}

void
sf_context_add_gradient (SfContext *self, SfTensor *x, SfTensor *dx)
{
  g_autoptr (SfTensor) owned = dx;
  SfTensor *known = NULL;

  if (dx == NULL || !g_hash_table_steal_extended (self->gradients, x, NULL, (gpointer *) &known))
    return;
  g_assert (sf_tensor_same_shape (x, dx));
  g_hash_table_insert (self->gradients, x, known != NULL ? add (self, known, g_steal_pointer (&owned)) : g_steal_pointer (&owned));
}

static SfTensor *
zeros (SfContext *self, const SfTensor *like)
{
  SfTensor *x = sf_context_tensor (self, like->n, like->h, like->w, like->c);

  if (x != NULL && !self->dry)
    memset (x->data, 0, sf_tensor_size (x) * sizeof (SfReal));
  return x;
}

SfTensor *
sf_context_gradient (SfContext *self, SfTensor *y, SfTensor *dy, SfTensor *x)
{
  g_autoptr (GArray) steps = g_steal_pointer (&self->tape); /* backward functions may use ops, which must not be recorded */
  SfTensor *dx = NULL;

  g_assert (steps != NULL);
  self->gradients = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) sf_tensor_unref);
  for (guint i = 0; i < steps->len; i++)
    g_hash_table_insert (self->gradients, g_array_index (steps, Step, i).y, NULL);
  if (x != NULL)
    g_hash_table_insert (self->gradients, x, NULL);
  sf_context_add_gradient (self, y, dy);
  while (steps->len > 0 && !sf_context_failed (self))
    {
      Step *step = &g_array_index (steps, Step, steps->len - 1);
      SfTensor *known = g_hash_table_lookup (self->gradients, step->y);

      if (known != NULL)
        sf_tensor_ref (known);
      if (step->y != x)
        g_hash_table_remove (self->gradients, step->y);
      if (known != NULL)
        step->backward (self, known, step->saved);
      g_array_set_size (steps, steps->len - 1);
    }
  if (x != NULL && !sf_context_failed (self))
    {
      g_hash_table_steal_extended (self->gradients, x, NULL, (gpointer *) &dx);
      if (dx == NULL)
        dx = zeros (self, x);
    }
  g_clear_pointer (&self->gradients, g_hash_table_unref);
  return dx;
}
