/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-bridge.h"

#include <math.h>

#include "picture.h"

#define SIDE 96

static GArray *
find (const SfTensor *picture, int hole)
{
  const int at = (SIDE - hole) / 2;
  g_autofree guint8 *state = picture_hole (SIDE, SIDE, at, at, hole, hole);
  g_autoptr (SfPatchImage) image = sf_patch_image_new (picture, state, SIDE, SIDE, FALSE, FALSE, NULL, NULL);
  GArray *strokes = sf_patch_find_strokes (image, NULL, NULL);

  g_assert_nonnull (strokes);
  return strokes;
}

static double
across (const SfEdgeEnd *end, double direction)
{
  return (end->y - (SIDE - 1) / 2.0 + direction * (end->x - (SIDE - 1) / 2.0)) / hypot (1, direction);
}

/* One edge that goes through: it is joined, along itself, over the whole hole.  It may be seen several times, and beside itself, as the
 * structure tensor is some pixels wide. */
static void
test_joined (void)
{
  static const double directions[] = { 0, 0.2, -0.3, 0.7 };

  for (gsize i = 0; i < G_N_ELEMENTS (directions); i++)
    {
      g_autoptr (SfTensor) picture = picture_edge (SIDE, SIDE, directions[i], -0.5f, 0.5f);
      g_autoptr (GArray) strokes = find (picture, 30);

      g_assert_cmpint (strokes->len, >=, 1);
      for (guint k = 0; k < strokes->len; k++)
        {
          const SfStroke *s = &g_array_index (strokes, SfStroke, k);
          double a = across (&s->a, directions[i]), b = across (&s->b, directions[i]);

          g_assert_cmpfloat (fabs (a), <, 6);
          g_assert_cmpfloat (fabs (a - b), <, 2.5);
          g_assert_cmpfloat (s->length, >, 29);
          g_assert_cmpfloat (s->length, <, 30 * hypot (1, directions[i]) + 12);
        }
    }
}

/* Painted, it shows one colour above and the other below, and nothing outside of the hole. */
static void
test_painted (void)
{
  g_autoptr (SfTensor) picture = picture_edge (SIDE, SIDE, 0, -0.5f, 0.5f);
  g_autofree guint8 *state = picture_hole (SIDE, SIDE, 33, 33, 30, 30);
  g_autoptr (SfPatchImage) image = sf_patch_image_new (picture, state, SIDE, SIDE, FALSE, FALSE, NULL, NULL);
  g_autoptr (GArray) strokes = sf_patch_find_strokes (image, NULL, NULL);
  g_autofree float *guide = g_new (float, (SIDE * SIDE + 8) * 4), *confidence = g_new (float, SIDE *SIDE);

  g_assert_true (sf_patch_paint_strokes (image, strokes, 1, NULL, guide, confidence, NULL, NULL));
  for (int i = 0; i < SIDE * SIDE; i++)
    {
      g_assert_true (confidence[i] >= 0 && confidence[i] <= 1);
      if (state[i] != SF_PIXEL_HOLE)
        g_assert_cmpfloat (confidence[i], ==, 0);
    }
  for (int x = 36; x < 60; x++)
    {
      g_assert_cmpfloat (confidence[47 * SIDE + x], >, 0.5);
      g_assert_cmpfloat (confidence[48 * SIDE + x], >, 0.5);
      g_assert_cmpfloat (guide[(46 * SIDE + x) * 4], <, -0.3);
      g_assert_cmpfloat (guide[(49 * SIDE + x) * 4], >, 0.3);
    }
}

static void
test_texture (void)
{
  for (int seed = 0; seed < 3; seed++)
    {
      g_autoptr (SfTensor) picture = picture_texture (SIDE, SIDE, 1, seed);
      g_autoptr (GArray) strokes = find (picture, 30);

      g_assert_cmpint (strokes->len, <=, 1); /* chance pairs are rare */
    }
}

static void
test_flat (void)
{
  g_autoptr (SfTensor) picture = sf_tensor_new (1, SIDE, SIDE, 3, NULL);
  g_autoptr (GArray) strokes = find (picture, 30);

  g_assert_cmpint (strokes->len, ==, 0);
}

static double
turn (const SfEdgeEnd *a, const SfEdgeEnd *b, const SfEdgeEnd *c)
{
  return (b->y - a->y) * (c->x - a->x) - (b->x - a->x) * (c->y - a->y);
}

/* Two bars that cross inside of the hole: whatever is joined, no two strokes cross. */
static void
test_crossing (void)
{
  g_autoptr (SfTensor) picture = sf_tensor_new (1, SIDE, SIDE, 3, NULL);
  g_autoptr (GArray) strokes = NULL;

  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++)
      for (int c = 0; c < 3; c++)
        picture->data[(y * SIDE + x) * 3 + c] = ABS (y - 48) < 6 ? 0.6f : ABS (x - 48) < 6 ? -0.7f
                                                                                           : 0;
  strokes = find (picture, 34);
  g_assert_cmpint (strokes->len, >, 0);
  for (guint i = 0; i < strokes->len; i++)
    for (guint j = 0; j < i; j++)
      {
        const SfStroke *s = &g_array_index (strokes, SfStroke, i), *t = &g_array_index (strokes, SfStroke, j);

        g_assert_false (turn (&s->a, &s->b, &t->a) * turn (&s->a, &s->b, &t->b) < 0 &&
                        turn (&t->a, &t->b, &s->a) * turn (&t->a, &t->b, &s->b) < 0);
      }
}

/* Degenerate pictures and holes at the border crash nothing. */
static void
test_small (void)
{
  for (int h = 1; h < 12; h += 2)
    for (int w = 1; w < 12; w += 3)
      {
        g_autoptr (SfTensor) picture = picture_texture (h, w, 0, 1);
        g_autofree guint8 *state = picture_hole (h, w, 0, 0, (h + 1) / 2, (w + 1) / 2);
        g_autoptr (SfPatchImage) image = sf_patch_image_new (picture, state, h, w, FALSE, FALSE, NULL, NULL);
        g_autoptr (GArray) strokes = sf_patch_find_strokes (image, NULL, NULL);
        g_autofree float *guide = g_new (float, (h * w + 8) * 4), *confidence = g_new (float, h *w);

        g_assert_nonnull (strokes);
        g_assert_true (sf_patch_paint_strokes (image, strokes, 1, NULL, guide, confidence, NULL, NULL));
      }
}

static void
test_stopped (void)
{
  g_autoptr (SfTensor) picture = picture_edge (SIDE, SIDE, 0, -0.5f, 0.5f);
  g_autofree guint8 *state = picture_hole (SIDE, SIDE, 33, 33, 30, 30);
  g_autoptr (SfPatchImage) image = sf_patch_image_new (picture, state, SIDE, SIDE, FALSE, FALSE, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };

  g_cancellable_cancel (cancellable);
  g_assert_null (sf_patch_find_strokes (image, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patch-bridge/joined", test_joined);
  g_test_add_func ("/patch-bridge/painted", test_painted);
  g_test_add_func ("/patch-bridge/texture", test_texture);
  g_test_add_func ("/patch-bridge/flat", test_flat);
  g_test_add_func ("/patch-bridge/crossing", test_crossing);
  g_test_add_func ("/patch-bridge/small", test_small);
  g_test_add_func ("/patch-bridge/stopped", test_stopped);
  return g_test_run ();
}
