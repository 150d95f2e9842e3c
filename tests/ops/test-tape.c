/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several ops together: sums of gradients where a tensor was used twice, what is freed when, rehearsals. */
#include "ops/sf-ops.h"

#include <math.h>

#include "base/sf-rng.h"

#define BUDGET (16 << 20)

static SfTensor *
noise (SfContext *cx, int h, int w, int c, guint64 stream)
{
  SfTensor *x = sf_context_tensor (cx, 1, h, w, c);

  g_assert_nonnull (x);
  sf_rng_normal ((SfRng) { 17, stream }, 0, x->data, sf_tensor_size (x));
  return x;
}

static SfTensor *
constant (SfContext *cx, const SfTensor *like, float value)
{
  SfTensor *x = sf_context_tensor (cx, like->n, like->h, like->w, like->c);

  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] = value;
  return x;
}

static gsize
live (SfContext *cx)
{
  return sf_arena_get_live (sf_context_get_arena (cx));
}

static void
check_all (const SfTensor *x, float value)
{
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    g_assert_cmpfloat_with_epsilon (x->data[i], value, 1e-6 * (1 + fabsf (value)));
}

/* y = 3 (x + 2 x + (2 x + 1)), by a tensor that three others are made of. */
static void
test_fan_out (void)
{
  g_autoptr (SfContext) cx = sf_context_new (BUDGET);
  g_autoptr (SfTensor) x = noise (cx, 4, 4, 3, 0), ones = constant (cx, x, 1), dx = NULL, d_double = NULL;

  for (int wanted = 0; wanted < 2; wanted++)
    {
      g_autoptr (SfTensor) y = NULL, twice = NULL;

      sf_context_start_tape (cx);
      twice = sf_affine (cx, sf_tensor_ref (x), 2, 0);
      y = sf_add (cx, sf_tensor_ref (x), sf_tensor_ref (twice), 1);
      y = sf_add (cx, y, sf_affine (cx, sf_tensor_ref (twice), 1, 1), 3);
      if (wanted == 0)
        dx = sf_context_gradient (cx, y, sf_tensor_ref (ones), x);
      else
        d_double = sf_context_gradient (cx, y, sf_tensor_ref (ones), twice);
      g_assert_false (sf_context_has_tape (cx));
    }
  check_all (dx, 15);
  check_all (d_double, 6);
  check_all (ones, 1); /* nobody wrote to what was given */
}

/* A tensor that y does not depend on, y itself, and both addends being the same. */
static void
test_ends (void)
{
  g_autoptr (SfContext) cx = sf_context_new (BUDGET);
  g_autoptr (SfTensor) x = noise (cx, 2, 3, 4, 0), other = noise (cx, 5, 1, 2, 1), seven = constant (cx, x, 7);
  g_autoptr (SfTensor) y = NULL, zero = NULL, itself = NULL, both = NULL, leaf = NULL;

  sf_context_start_tape (cx);
  y = sf_activate (cx, sf_tensor_ref (x), SF_ACTIVATION_SILU);
  zero = sf_context_gradient (cx, y, sf_tensor_ref (seven), other);
  g_assert_true (sf_tensor_same_shape (zero, other));
  check_all (zero, 0);

  sf_context_start_tape (cx);
  itself = sf_context_gradient (cx, y, sf_tensor_ref (seven), y);
  check_all (itself, 7);

  sf_context_start_tape (cx);
  g_clear_pointer (&y, sf_tensor_unref);
  y = sf_add (cx, sf_tensor_ref (x), sf_tensor_ref (x), 0.5f);
  both = sf_context_gradient (cx, y, sf_tensor_ref (seven), x);
  check_all (both, 7);

  sf_context_start_tape (cx);
  leaf = sf_context_gradient (cx, x, sf_tensor_ref (seven), x);
  check_all (leaf, 7);
}

/* y = W W x: the gradient of W has a part from each use, and is a sum over runs.  No input's gradient is asked for. */
static void
test_parameters (void)
{
  const float weights[4] = { 1, 2, -3, 0.5f };
  SfArray array = { .dtype = SF_DTYPE_F32, .n_dims = 2, .dim = { 2, 2 }, .n = 4, .data = weights };
  g_autoptr (SfParameter) w = sf_parameter_new ("w", &array);
  g_autoptr (SfContext) cx = sf_context_new (BUDGET);
  g_autoptr (SfTensor) x = noise (cx, 1, 5, 2, 0), dy = noise (cx, 1, 5, 2, 1);
  gsize before = live (cx);

  sf_parameter_want_gradient (w);
  for (int run = 1; run <= 2; run++)
    {
      g_autoptr (SfTensor) y = NULL;

      sf_context_start_tape (cx);
      y = sf_linear (cx, sf_linear (cx, sf_tensor_ref (x), w, NULL, NULL, 1), w, NULL, NULL, 1);
      g_assert_null (sf_context_gradient (cx, y, sf_tensor_ref (dy), NULL));
      g_assert_false (sf_context_failed (cx));
      for (int i = 0; i < 4; i++)
        {
          double expected = 0;

          for (int p = 0; p < 5; p++)
            {
              const float *in = x->data + 2 * p, *out = dy->data + 2 * p;
              const float *row = weights + i % 2 * 2, *column = weights + i / 2; /* of W x, and of dy W */

              expected += out[i / 2] * (row[0] * in[0] + row[1] * in[1]) + (column[0] * out[0] + column[2] * out[1]) * in[i % 2];
            }
          g_assert_cmpfloat_with_epsilon (w->gradient[i], run * expected, 1e-4);
        }
    }
  g_assert_cmpuint (live (cx), ==, before);
}

/*** Memory ***/

#define LAYERS 10

/* Consumes @x. */
static SfTensor *
chain (SfContext *cx, SfTensor *x)
{
  for (int i = 0; i < LAYERS; i++)
    x = sf_activate (cx, x, SF_ACTIVATION_GELU);
  return x;
}

/* Without a tape a chain runs in place; with one it keeps each result, but only two gradients at a time. */
static void
test_memory (void)
{
  g_autoptr (SfContext) cx = sf_context_new (BUDGET);
  g_autoptr (SfTensor) x = noise (cx, 16, 16, 4, 0), y = NULL, dx = NULL;
  gsize size = live (cx);

  y = chain (cx, noise (cx, 16, 16, 4, 1));
  g_assert_cmpuint (sf_arena_get_peak (sf_context_get_arena (cx)), ==, 2 * size);
  g_clear_pointer (&y, sf_tensor_unref);
  sf_context_start_tape (cx);
  y = chain (cx, sf_tensor_ref (x));
  g_assert_cmpuint (live (cx), ==, (1 + LAYERS) * size);
  dx = sf_context_gradient (cx, y, constant (cx, y, 1), x);
  g_assert_cmpuint (live (cx), ==, 3 * size); /* x, y, dx */
  g_assert_cmpuint (sf_arena_get_live_peak (sf_context_get_arena (cx)), <=, (1 + LAYERS + 2) * size);

  sf_context_start_tape (cx);
  sf_tensor_unref (chain (cx, sf_tensor_ref (x)));
  sf_context_stop_tape (cx);
  g_assert_cmpuint (live (cx), ==, 3 * size);
}

/*** Rehearsals ***/

static int runs;

/* Each tensor is larger than the one before, so that no hole that one leaves is large enough for the next. */
static SfTensor *
widen (SfContext *cx, SfTensor *x, gpointer steps)
{
  runs++;
  for (int i = 0; i < *(int *) steps; i++)
    x = sf_concat (cx, x, sf_context_tensor (cx, 1, 16, 16, 1));
  return x;
}

/* After a rehearsal less is lost between blocks; there is one for each shape, and after each surprise. */
static void
test_rehearsal (void)
{
  g_autoptr (SfContext) cx = sf_context_new (BUDGET), unprepared = sf_context_new (BUDGET);
  SfArena *arena = sf_context_get_arena (cx);
  int steps = 8;

  sf_tensor_unref (widen (unprepared, noise (unprepared, 16, 16, 4, 0), &steps));
  for (int i = 0; i < 3; i++)
    {
      SfTensor *x;

      sf_context_begin (cx, NULL, 0);
      x = noise (cx, 16, 16, 4, 0);
      runs = 0;
      sf_context_rehearse (cx, x, widen, &steps, &steps);
      g_assert_cmpint (runs, ==, i == 0 ? 1 : 0);
      sf_tensor_unref (widen (cx, x, &steps));
      g_assert_true (sf_context_end (cx, NULL));
      g_assert_true (sf_arena_has_followed (arena));
    }
  g_assert_cmpuint (sf_arena_get_peak (arena), <, sf_arena_get_peak (sf_context_get_arena (unprepared)));
  g_assert_cmpuint (sf_arena_get_live (arena), ==, 0);

  for (int i = 0; i < 2; i++)
    {
      SfTensor *x = noise (cx, 16, 16, 5, 0);

      runs = 0;
      sf_context_rehearse (cx, x, widen, &steps, &steps); /* another shape; then the last run was not as rehearsed */
      g_assert_cmpint (runs, ==, 1);
      sf_tensor_unref (widen (cx, sf_affine (cx, x, 2, 0), &(int) { 3 }));
      sf_tensor_unref (noise (cx, 9, 9, 9, 0));
      g_assert_false (sf_arena_has_followed (arena));
    }
  g_assert_cmpuint (sf_arena_get_live (arena), ==, 0);
}

/*** Cancel ***/

static void
cancel_at (double fraction, gpointer cancellable)
{
  if (fraction > 0.7)
    g_cancellable_cancel (cancellable);
}

/* Stopped on the way back, all is given back. */
static void
test_cancel (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SfProgress progress = { .cancellable = cancellable, .func = cancel_at, .data = cancellable, .hi = 1 };
  g_autoptr (SfContext) cx = sf_context_new (BUDGET);
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTensor) x = NULL, y = NULL;
  gsize size;

  sf_context_begin (cx, &progress, 0);
  x = noise (cx, 16, 16, 4, 0);
  size = live (cx);
  sf_context_begin (cx, &progress, 2 * LAYERS * 1024);
  sf_context_start_tape (cx);
  y = chain (cx, sf_tensor_ref (x));
  g_assert_nonnull (y);
  g_assert_null (sf_context_gradient (cx, y, constant (cx, y, 1), x));
  g_assert_false (sf_context_end (cx, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (live (cx), ==, 2 * size); /* x, y */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tape/fan-out", test_fan_out);
  g_test_add_func ("/tape/ends", test_ends);
  g_test_add_func ("/tape/parameters", test_parameters);
  g_test_add_func ("/tape/memory", test_memory);
  g_test_add_func ("/tape/rehearsal", test_rehearsal);
  g_test_add_func ("/tape/cancel", test_cancel);
  return g_test_run ();
}
