/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-image.h"

#include <math.h>
#include <string.h>

#include "picture.h"

/* Means of at most a few hundred floats of size 1, in another order. */
#define TOLERANCE 2e-6

/*** Area ***/

/* The mean over [y0, y1) x [x0, x1) of channel @c. */
static double
area_mean (const float *in, int w, int n_channels, int c, double y0, double y1, double x0, double x1)
{
  double sum = 0;

  for (int y = (int) y0; y < y1; y++)
    for (int x = (int) x0; x < x1; x++)
      sum += MAX (MIN (y + 1, y1) - MAX (y, y0), 0) * MAX (MIN (x + 1, x1) - MAX (x, x0), 0) * in[((gsize) y * w + x) * n_channels + c];
  return sum / ((y1 - y0) * (x1 - x0));
}

static void
check_area (int H, int W, int h, int w)
{
  g_autoptr (SfTensor) in = picture_texture (H, W, 0, 3);
  g_autofree float *out = g_new (float, h *w * 3);

  sf_area_resize (in->data, H, W, 3, out, h, w, NULL);
  for (int i = 0; i < h * w * 3; i++)
    {
      int y = i / 3 / w, x = i / 3 % w;
      double expected = area_mean (in->data, W, 3, i % 3, (double) y * H / h, (double) (y + 1) * H / h,
                                   (double) x * W / w, (double) (x + 1) * W / w);

      g_assert_true (fabs (out[i] - expected) <= TOLERANCE);
    }
}

static void
test_area (void)
{
  check_area (12, 20, 6, 5);
  check_area (37, 41, 26, 29);
  check_area (100, 9, 13, 9);
  check_area (5, 5, 1, 1);
  check_area (7, 8, 7, 8);
}

static void
test_bilinear (void)
{
  g_autoptr (SfTensor) ramp = sf_tensor_new (1, 8, 10, 1, NULL);
  float out[31 * 43];

  for (int i = 0; i < 80; i++)
    ramp->data[i] = 0.1f * (i / 10) - 0.05f * (i % 10);
  sf_bilinear_resize (ramp->data, 8, 10, 1, out, 31, 43, NULL);
  for (int y = 0; y < 31; y++)
    for (int x = 0; x < 43; x++)
      {
        double sy = CLAMP ((y + 0.5) * 8 / 31 - 0.5, 0, 7), sx = CLAMP ((x + 0.5) * 10 / 43 - 0.5, 0, 9);

        g_assert_true (fabs (out[y * 43 + x] - (0.1 * sy - 0.05 * sx)) <= TOLERANCE); /* a ramp stays one */
      }
}

/*** Distances ***/

static void
check_distance (const guint8 *mask, int h, int w, gboolean border)
{
  g_autofree float *distance = g_new (float, h *w);

  sf_distance_transform (mask, 1, h, w, border, distance, NULL);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      {
        double nearest = border ? MIN (MIN (y + 1, h - y), MIN (x + 1, w - x)) : INFINITY;

        for (int i = 0; i < h * w; i++)
          if (mask[i] != 1)
            nearest = MIN (nearest, hypot (i / w - y, i % w - x));
        if (mask[y * w + x] != 1)
          nearest = 0;
        if (isinf (nearest))
          g_assert_cmpfloat (distance[y * w + x], >, 1e4);
        else
          g_assert_true (fabs (distance[y * w + x] - nearest) <= 1e-5 * (1 + nearest)); /* squares up to 3000 in float */
      }
}

static void
test_distance (void)
{
  guint8 mask[33 * 41];

  for (int density = 0; density <= 1000; density += 111)
    {
      for (int i = 0; i < 33 * 41; i++)
        mask[i] = i * 7919 % 1000 >= density ? 1 : 2;
      check_distance (mask, 33, 41, FALSE);
      check_distance (mask, 33, 41, TRUE);
      check_distance (mask, 1, 41, FALSE);
      check_distance (mask, 33, 1, TRUE);
    }
}

/*** Gaussian ***/

static void
test_gaussian (void)
{
  const int h = 21, w = 27, radius = 8;
  g_autoptr (SfTensor) in = picture_texture (h, 3 * w, 0, 6); /* one channel of three times the width */
  g_autofree float *out = g_memdup2 (in->data, sizeof (float) * h * w);
  const double sigma = 2;

  sf_gaussian_blur (out, h, w, sigma, NULL);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      {
        double sum = 0, total = 0;

        for (int i = -radius; i <= radius; i++)
          for (int j = -radius; j <= radius; j++)
            {
              double weight = exp (-(i * i + j * j) / (2 * sigma * sigma));

              total += weight;
              sum += weight * in->data[CLAMP (y + i, 0, h - 1) * w + CLAMP (x + j, 0, w - 1)];
            }
        g_assert_true (fabs (out[y * w + x] - sum / total) <= TOLERANCE);
      }
}

/*** Dilation ***/

static void
check_dilate (int h, int w, int r, gboolean wrap_y, gboolean wrap_x)
{
  g_autofree guint8 *in = g_malloc (h * w), *out = NULL;

  for (int i = 0; i < h * w; i++)
    in[i] = i * 7919 % 1000 < 20 ? 2 : 0;
  out = g_memdup2 (in, h * w);
  sf_dilate (out, h, w, r, wrap_y, wrap_x, NULL);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      {
        guint8 expected = 0;

        for (int dy = -r; dy <= r; dy++)
          for (int dx = -r; dx <= r; dx++)
            {
              int yy = wrap_y ? (y + dy + r * h) % h : y + dy, xx = wrap_x ? (x + dx + r * w) % w : x + dx;

              if (yy >= 0 && xx >= 0 && yy < h && xx < w && in[yy * w + xx] != 0)
                expected = 1;
            }
        g_assert_cmpint (out[y * w + x], ==, expected);
      }
}

static void
test_dilate (void)
{
  for (int wrap = 0; wrap < 4; wrap++)
    for (int r = 0; r <= 3; r++)
      {
        check_dilate (31, 43, r, wrap & 1, wrap & 2);
        check_dilate (43, 2, r, wrap & 1, wrap & 2); /* narrower than what is looked at */
        check_dilate (1, 50, r, wrap & 1, wrap & 2);
      }
}

/*** Stop ***/

static void
assert_all (const guint8 *x, gsize n, guint8 value)
{
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint (x[i], ==, value);
}

/* Whoever is told to stop before the first rows makes none. */
static void
test_cancelled (void)
{
  const gsize n = 64 * 64;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree guint8 *mask = g_malloc (n), *out = g_malloc (n * sizeof (float));
  g_autofree float *in = g_new0 (float, n);

  g_cancellable_cancel (cancellable);
  memset (mask, 7, n);
  memset (out, 7, n * sizeof (float));
  sf_area_resize (in, 64, 64, 1, (float *) (gpointer) out, 32, 32, cancellable);
  sf_bilinear_resize (in, 64, 64, 1, (float *) (gpointer) out, 32, 32, cancellable);
  sf_distance_transform (mask, 7, 64, 64, TRUE, (float *) (gpointer) out, cancellable);
  sf_gaussian_blur ((float *) (gpointer) out, 64, 64, 2, cancellable);
  assert_all (out, n * sizeof (float), 7);
  sf_dilate (mask, 64, 64, 2, FALSE, FALSE, cancellable);
  assert_all (mask, n, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image/area", test_area);
  g_test_add_func ("/image/bilinear", test_bilinear);
  g_test_add_func ("/image/distance", test_distance);
  g_test_add_func ("/image/gaussian", test_gaussian);
  g_test_add_func ("/image/dilate", test_dilate);
  g_test_add_func ("/image/cancelled", test_cancelled);
  return g_test_run ();
}
