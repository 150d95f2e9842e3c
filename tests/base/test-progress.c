/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-progress.h"

static void
store (double fraction, gpointer data)
{
  *(double *) data = fraction;
}

static void
test_sub (void)
{
  double seen = -1;
  SfProgress all = { .func = store, .data = &seen, .lo = 0, .hi = 1 };
  SfProgress half = sf_progress_sub (&all, 0.5, 1);
  SfProgress part = sf_progress_sub (&half, 0.5, 0.75);
  SfProgress none = sf_progress_sub (NULL, 0.2, 0.4);

  sf_progress_set (&part, 0);
  g_assert_cmpfloat_with_epsilon (seen, 0.75, 1e-12);
  sf_progress_set (&part, 1);
  g_assert_cmpfloat_with_epsilon (seen, 0.875, 1e-12);
  sf_progress_set (&part, 7); /* rounding of a caller must not run out of its range */
  g_assert_cmpfloat_with_epsilon (seen, 0.875, 1e-12);
  sf_progress_set (&none, 0.5);
  sf_progress_set (NULL, 0.5);
}

static void
test_stopped (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  SfProgress progress = { .cancellable = cancellable, .lo = 0, .hi = 1 };

  g_assert_false (sf_progress_stopped (NULL, &error));
  g_assert_false (sf_progress_stopped (&progress, &error));
  g_cancellable_cancel (cancellable);
  g_assert_no_error (error);
  g_assert_true (sf_progress_stopped (&progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (sf_progress_stopped (&progress, NULL));
}

/* Ten seconds of work at constant speed, told 1000 times with jitter: the remaining time is right within 15 %, and it
 * never grows.
 */
static void
test_eta (void)
{
  SfEta eta = { 0 };
  double last = G_MAXDOUBLE;
  int estimates = 0;

  for (int i = 0; i <= 1000; i++)
    {
      double f = i / 1000.0, jitter = 0.02 * (i * 7919 % 101 / 101.0 - 0.5);
      double left = sf_eta_update (&eta, CLAMP (f + jitter, 0, 1), G_USEC_PER_SEC + (gint64) (f * 10 * G_USEC_PER_SEC));

      if (left < 0)
        continue;
      g_assert_cmpfloat (left, <=, last);
      if (f > 0.2 && f < 0.9)
        g_assert_cmpfloat_with_epsilon (left, 10 * (1 - f), 1.5);
      last = left;
      estimates++;
    }
  g_assert_cmpint (estimates, >, 900);
}

/* Work that becomes slower than foreseen: the time stands still rather than grow. */
static void
test_eta_slows (void)
{
  SfEta eta = { 0 };
  double last = G_MAXDOUBLE;

  for (int i = 1; i <= 100; i++)
    {
      gint64 now = G_USEC_PER_SEC * (gint64) (i <= 50 ? i : 50 + (i - 50) * 20);
      double left = sf_eta_update (&eta, i / 100.0, now);

      if (left < 0)
        continue;
      g_assert_cmpfloat (left, <=, last);
      last = left;
    }
}

static void
test_eta_unknown (void)
{
  SfEta eta = { 0 };

  g_assert_cmpfloat (sf_eta_update (&eta, 0, 1), <, 0);
  g_assert_cmpfloat (sf_eta_update (&eta, 0, 5 * G_USEC_PER_SEC), <, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress/sub", test_sub);
  g_test_add_func ("/progress/stopped", test_stopped);
  g_test_add_func ("/progress/eta", test_eta);
  g_test_add_func ("/progress/eta-slows", test_eta_slows);
  g_test_add_func ("/progress/eta-unknown", test_eta_unknown);
  return g_test_run ();
}
