/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-gaussian.h"

#include <math.h>

#include "tensor/sf-pixel.h"

#define STEP 1e-5

/* 0 for the same distribution, else above, and its derivatives. */
static void
test_kl (void)
{
  for (double m = -1; m <= 1; m += 0.5)
    for (double l = -4; l <= 2; l++)
      {
        double kl, dm, dl, by_m, by_l;

        g_assert_cmpfloat_with_epsilon (sf_gaussian_kl (m, l, m, l, NULL, NULL), 0, 1e-15);
        kl = sf_gaussian_kl (0.3, -1.5, m, l, &dm, &dl);
        g_assert_cmpfloat (kl, >, 0);
        by_m = (sf_gaussian_kl (0.3, -1.5, m + STEP, l, NULL, NULL) - sf_gaussian_kl (0.3, -1.5, m - STEP, l, NULL, NULL)) / (2 * STEP);
        by_l = (sf_gaussian_kl (0.3, -1.5, m, l + STEP, NULL, NULL) - sf_gaussian_kl (0.3, -1.5, m, l - STEP, NULL, NULL)) / (2 * STEP);
        g_assert_cmpfloat_with_epsilon (dm, by_m, 1e-7 * MAX (1, fabs (dm)));
        g_assert_cmpfloat_with_epsilon (dl, by_l, 1e-7 * MAX (1, fabs (dl)));
      }
}

/* The bins of all 256 values share the whole distribution. */
static void
test_bins (void)
{
  for (double m = -1.2; m <= 1.2; m += 0.3)
    for (double l = -8; l <= 0; l++)
      {
        double sum = 0;

        for (int value = 0; value < 256; value++)
          sum += exp (sf_gaussian_log_bin (sf_pixel_from_u8 ((guint8) value), m, l, NULL, NULL));
        g_assert_cmpfloat_with_epsilon (sum, 1, 1e-9);
      }
}

static void
test_bins_derivatives (void)
{
  static const guint8 values[] = { 0, 1, 90, 254, 255 };

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    for (double offset = -0.02; offset <= 0.02; offset += 0.01)
      {
        double x = sf_pixel_from_u8 (values[i]), m = x + offset, l = -8, dm, dl, by_m, by_l;

        sf_gaussian_log_bin (x, m, l, &dm, &dl);
        by_m = (sf_gaussian_log_bin (x, m + STEP, l, NULL, NULL) - sf_gaussian_log_bin (x, m - STEP, l, NULL, NULL)) / (2 * STEP);
        by_l = (sf_gaussian_log_bin (x, m, l + STEP, NULL, NULL) - sf_gaussian_log_bin (x, m, l - STEP, NULL, NULL)) / (2 * STEP);
        g_assert_cmpfloat_with_epsilon (dm, by_m, 1e-4 * MAX (1, fabs (dm)));
        g_assert_cmpfloat_with_epsilon (dl, by_l, 1e-6 * MAX (1, fabs (dl)));
      }
  /* Where the share is no more than the floor there is nothing to follow. */
  double dm = 1, dl = 1;

  g_assert_cmpfloat_with_epsilon (sf_gaussian_log_bin (0, 0.9, -8, &dm, &dl), log (1e-12), 1e-12);
  g_assert_cmpfloat (dm, ==, 0);
  g_assert_cmpfloat (dl, ==, 0);
}

/* Half a value rounds to the even one; what is outside is the nearest; all values come back. */
static void
test_pixels (void)
{
  g_assert_cmpint (sf_pixel_to_u8 (0), ==, 128); /* 127.5 */
  g_assert_cmpint (sf_pixel_to_u8 (-1), ==, 0);
  g_assert_cmpint (sf_pixel_to_u8 (-1.3), ==, 0);
  g_assert_cmpint (sf_pixel_to_u8 (1.3), ==, 255);
  for (int value = 0; value < 256; value++)
    g_assert_cmpint (sf_pixel_to_u8 ((float) sf_pixel_from_u8 ((guint8) value)), ==, value);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gaussian/kl", test_kl);
  g_test_add_func ("/gaussian/bins", test_bins);
  g_test_add_func ("/gaussian/bins-derivatives", test_bins_derivatives);
  g_test_add_func ("/gaussian/pixels", test_pixels);
  return g_test_run ();
}
