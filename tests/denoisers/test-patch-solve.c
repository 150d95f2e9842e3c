/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-solve.h"

#include <math.h>

#include "picture.h"

#define SIDE 48
#define RADIUS 2

/* Laplace's equation between the values of a ramp has the ramp as its solution. */
static void
test_harmonic (void)
{
  const int h = 30, w = 37;
  g_autofree float *x = g_new0 (float, h *w * 4);
  g_autofree guint8 *fixed = g_malloc0 (h * w);

  for (int i = 0; i < h * w; i++)
    {
      int y = i / w, j = i % w;

      fixed[i] = y < 2 || j < 3 || y >= h - 4 || j >= w - 2;
      for (int c = 0; c < 3; c++)
        x[i * 4 + c] = fixed[i] ? 0.01f * (c + 1) * y - 0.02f * j : 0.7f;
    }
  g_assert_true (sf_patch_harmonic (x, fixed, h, w, NULL, NULL));
  for (int i = 0; i < h * w * 4; i++)
    if (i % 4 < 3)
      g_assert_true (fabs (x[i] - (0.01 * (i % 4 + 1) * (i / 4 / w) - 0.02 * (i / 4 % w))) <= 1e-4); /* iterated */
}

/* A start, not a solution: with little fixed, still between the fixed values. */
static void
test_harmonic_bounds (void)
{
  const int h = 40, w = 160;
  g_autofree float *x = g_new0 (float, h *w * 4);
  g_autofree guint8 *fixed = g_malloc0 (h * w);

  for (int y = 0; y < h; y++)
    {
      fixed[y * w] = fixed[y * w + w - 1] = 1;
      for (int c = 0; c < 3; c++)
        {
          x[(y * w) * 4 + c] = -0.5f;
          x[(y * w + w - 1) * 4 + c] = 0.5f;
        }
    }
  g_assert_true (sf_patch_harmonic (x, fixed, h, w, NULL, NULL));
  for (int i = 0; i < h * w * 4; i++)
    g_assert_true (fabsf (x[i]) <= 0.5f + 1e-3f);
}

/* Whoever is told to stop makes no pass. */
static void
test_harmonic_stopped (void)
{
  const guint8 fixed[9] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 };
  float x[9 * 4] = { 1 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };

  g_cancellable_cancel (cancellable);
  g_assert_false (sf_patch_harmonic (x, fixed, 3, 3, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  for (int i = 1; i < 9 * 4; i++)
    g_assert_cmpfloat (x[i], ==, 0);
}

/* A flat picture copied into the hole; the hole's colours are @offset too high.  Returns what is left of it. */
static double
polish_offset (float offset, float *outside)
{
  g_autoptr (SfTensor) image = sf_tensor_new (1, SIDE, SIDE, 3, NULL);
  g_autofree guint8 *state = picture_hole (SIDE, SIDE, 16, 16, 14, 14), *hole = g_malloc0 (SIDE * SIDE);
  g_autofree float *x = g_new0 (float, (SIDE * SIDE + 8) * 4);
  g_autoptr (SfPatchImage) level = sf_patch_image_new (image, state, SIDE, SIDE, FALSE, FALSE, NULL, NULL);
  SfPatchFrame frame = { .h = SIDE, .w = SIDE };
  g_autoptr (SfPatchField) field = NULL;
  double sum = 0;

  for (int i = 0; i < SIDE * SIDE; i++)
    {
      hole[i] = state[i] == SF_PIXEL_HOLE;
      for (int c = 0; c < 3; c++)
        x[i * 4 + c] = hole[i] ? offset : 0;
    }
  field = sf_patch_field_new (level, &frame, hole, hole, RADIUS, FALSE, NULL, NULL);
  for (int i = 0; i < field->n_queries; i++)
    field->nn[i] = field->sources[i % field->n_sources];
  g_assert_true (sf_patch_polish (field, NULL, hole, x, NULL, NULL));
  *outside = 0;
  for (int i = 0; i < SIDE * SIDE; i++)
    if (hole[i])
      sum += x[i * 4] / (14 * 14);
    else
      *outside = MAX (*outside, fabsf (x[i * 4]));
  return sum;
}

static void
test_polish (void)
{
  float outside;

  /* a step that could be a seam goes: lambda keeps less than half of it in the mean over a hole of this size */
  g_assert_cmpfloat (fabs (polish_offset (0.05f, &outside)), <, 0.02);
  g_assert_cmpfloat (outside, ==, 0);
  /* an edge stays */
  g_assert_cmpfloat (fabs (polish_offset (0.6f, &outside) - 0.6), <, 1e-3);
  g_assert_cmpfloat (outside, ==, 0);
  /* nothing to do */
  g_assert_cmpfloat (fabs (polish_offset (0, &outside)), <, 1e-6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patch-solve/harmonic", test_harmonic);
  g_test_add_func ("/patch-solve/harmonic-bounds", test_harmonic_bounds);
  g_test_add_func ("/patch-solve/harmonic-stopped", test_harmonic_stopped);
  g_test_add_func ("/patch-solve/polish", test_polish);
  return g_test_run ();
}
