/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-trend.h"

#include <math.h>
#include <string.h>

#include "picture.h"

#define SIDE 60
#define HOLE_AT 15
#define HOLE 30

/* 60 x 60, known but for a hole in the middle; the trend found in it. */
static SfPatchTrend
fit (const SfTensor *picture)
{
  g_autofree guint8 *state = picture_hole (SIDE, SIDE, HOLE_AT, HOLE_AT, HOLE, HOLE);
  g_autoptr (SfPatchImage) image = sf_patch_image_new (picture, state, SIDE, SIDE, FALSE, FALSE, NULL, NULL);
  const SfPatchFrame frame = { HOLE, HOLE, HOLE_AT, HOLE_AT, FALSE, FALSE, FALSE };
  SfPatchTrend trend;

  g_assert_true (sf_patch_trend_fit (&trend, image, &frame, HOLE, 1, NULL, NULL));
  return trend;
}

static double
quadratic (double y, double x, int c)
{
  return 0.3 - 0.2 * c + 0.01 * y - 0.004 * x * c + 1e-4 * (x - 30) * (y - 20) - 2e-4 * (x - 30) * (x - 30);
}

/* What is left of a quadratic is a constant, in the hole too. */
static void
test_quadratic (void)
{
  g_autoptr (SfTensor) picture = sf_tensor_new (1, SIDE, SIDE, 3, NULL);
  SfPatchTrend trend;

  for (int i = 0; i < SIDE * SIDE * 3; i++)
    picture->data[i] = (float) quadratic (i / 3 / SIDE + 0.5, i / 3 % SIDE + 0.5, i % 3);
  trend = fit (picture);
  g_assert_cmpfloat (trend.strength, ==, 1);
  for (int y = 10; y < 50; y++)
    for (int x = 10; x < 50; x++)
      {
        float rest[3], *p = picture->data + (y * SIDE + x) * 3;

        memcpy (rest, p, sizeof rest);
        sf_patch_trend_add (&trend, -1, y + 0.5, x + 0.5, rest);
        for (int c = 0; c < 3; c++)
          g_assert_cmpfloat (fabs (rest[c] - trend.middle[c]), <, 0.02); /* ridge and bend */
        sf_patch_trend_add (&trend, 1, y + 0.5, x + 0.5, rest);
        for (int c = 0; c < 3; c++)
          g_assert_cmpfloat (fabsf (rest[c] - p[c]), <, 1e-6);
      }
}

/* Far away it is bounded. */
static void
test_bounded (void)
{
  g_autoptr (SfTensor) picture = sf_tensor_new (1, SIDE, SIDE, 3, NULL);
  SfPatchTrend trend;
  float rgb[3] = { 0 };

  for (int i = 0; i < SIDE * SIDE * 3; i++)
    picture->data[i] = (float) quadratic (i / 3 / SIDE + 0.5, i / 3 % SIDE + 0.5, i % 3);
  trend = fit (picture);
  sf_patch_trend_add (&trend, 1, 4000, 3000, rgb);
  for (int c = 0; c < 3; c++)
    g_assert_cmpfloat (fabsf (rgb[c]), <=, trend.reach[c] * 1.0001);
}

/* Texture, an edge and an even colour have none. */
static void
test_none (void)
{
  g_autoptr (SfTensor) texture = picture_texture (SIDE, SIDE, 1.5, 4);
  g_autoptr (SfTensor) edge = picture_edge (SIDE, SIDE, 0.3, -0.4f, 0.5f);
  g_autoptr (SfTensor) even = sf_tensor_new (1, SIDE, SIDE, 3, NULL);

  g_assert_cmpfloat (fit (texture).strength, ==, 0);
  g_assert_cmpfloat (fit (edge).strength, ==, 0);
  g_assert_cmpfloat (fit (even).strength, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patch-trend/quadratic", test_quadratic);
  g_test_add_func ("/patch-trend/bounded", test_bounded);
  g_test_add_func ("/patch-trend/none", test_none);
  return g_test_run ();
}
