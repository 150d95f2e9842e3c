/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The context by itself; with ops: tests/ops. */
#include "tensor/sf-context.h"

#include "base/sf-error.h"

static void
test_tensor (void)
{
  g_autoptr (SfContext) cx = sf_context_new (1 << 20);
  g_autoptr (SfTensor) x = sf_context_tensor (cx, 1, 2, 3, 4), absurd = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (sf_arena_get_live (sf_context_get_arena (cx)), ==, 128);
  absurd = sf_context_tensor (cx, G_MAXINT, G_MAXINT, G_MAXINT, G_MAXINT);
  g_assert_null (absurd);
  g_assert_true (sf_context_failed (cx));
  g_assert_null (sf_context_tensor (cx, 1, 1, 1, 1)); /* from now on */
  g_assert_false (sf_context_end (cx, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
}

/* A tensor may outlive its context. */
static void
test_outlive (void)
{
  SfContext *cx = sf_context_new (1 << 20);
  g_autoptr (SfTensor) x = sf_context_tensor (cx, 1, 1, 1, 1000);

  sf_context_free (cx);
  for (int i = 0; i < 1000; i++)
    x->data[i] = i;
}

/* The first error stays, the end takes it, and the next run begins without. */
static void
test_sticky (void)
{
  g_autoptr (SfContext) cx = sf_context_new (1 << 20);
  g_autoptr (GError) error = NULL;

  sf_context_begin (cx, NULL, 0);
  g_assert_false (sf_context_failed (cx));
  sf_context_fail (cx, g_error_new (SF_ERROR, SF_ERROR_MODEL, "first"));
  sf_context_fail (cx, g_error_new (SF_ERROR, SF_ERROR_MEMORY, "second"));
  g_assert_true (sf_context_failed (cx));
  g_assert_false (sf_context_end (cx, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_true (sf_context_end (cx, NULL));
  sf_context_fail (cx, g_error_new (SF_ERROR, SF_ERROR_MODEL, "of a run that nobody ended"));
  sf_context_begin (cx, NULL, 0);
  g_assert_true (sf_context_end (cx, NULL));
}

static void
note (double fraction, gpointer data)
{
  g_array_append_val ((GArray *) data, fraction);
}

static void
test_progress (void)
{
  g_autoptr (SfContext) cx = sf_context_new (1 << 20);
  g_autoptr (GArray) seen = g_array_new (FALSE, FALSE, sizeof (double));
  SfProgress progress = { .func = note, .data = seen, .lo = 0.5, .hi = 1 };

  sf_context_begin (cx, &progress, 200);
  sf_context_work (cx, 50);
  sf_context_work (cx, 150);
  g_assert_cmpfloat (sf_context_get_work (cx), ==, 200);
  g_assert_true (sf_context_end (cx, NULL));
  sf_context_begin (cx, &progress, 0); /* how much is not known */
  sf_context_work (cx, 50);
  g_assert_cmpfloat (sf_context_get_work (cx), ==, 50);
  g_assert_true (sf_context_end (cx, NULL));
  g_assert_cmpuint (seen->len, ==, 2);
  g_assert_cmpfloat (g_array_index (seen, double, 0), ==, 0.625);
  g_assert_cmpfloat (g_array_index (seen, double, 1), ==, 1);
}

static void
test_cancel (void)
{
  g_autoptr (SfContext) cx = sf_context_new (1 << 20);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  g_autoptr (GError) error = NULL;

  sf_context_begin (cx, &progress, 0);
  g_assert_true (sf_context_get_cancellable (cx) == cancellable);
  g_assert_false (sf_context_failed (cx));
  g_cancellable_cancel (cancellable);
  g_assert_false (sf_context_end (cx, &error)); /* though nobody asked since */
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/context/tensor", test_tensor);
  g_test_add_func ("/context/outlive", test_outlive);
  g_test_add_func ("/context/sticky", test_sticky);
  g_test_add_func ("/context/progress", test_progress);
  g_test_add_func ("/context/cancel", test_cancel);
  return g_test_run ();
}
