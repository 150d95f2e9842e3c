/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-image.h"

#include <math.h>

#include "picture.h"

/* Means of four floats of size 1, in another order. */
#define TOLERANCE 2e-6

/* Colours are means over known pixels; a pixel's state says what lies below it. */
static void
check_level (gboolean keep_content)
{
  const int H = 40, W = 52, h = 20, w = 26;
  g_autoptr (SfTensor) image = picture_texture (H, W, 0, 4);
  g_autofree guint8 *state = picture_hole (H, W, 11, 13, 9, 15);
  g_autoptr (SfPatchImage) level = NULL;

  for (int i = 0; i < 5; i++)
    state[30 * W + 20 + i] = SF_PIXEL_VOID;
  level = sf_patch_image_new (image, state, h, w, keep_content, TRUE, NULL, NULL);
  g_assert_cmpint (level->h, ==, h);
  g_assert_cmpint (level->w, ==, w);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      {
        double sum[3] = { 0 }, full[3] = { 0 };
        int n = 0, count[3] = { 0 };
        guint8 expected;

        for (int k = 0; k < 4; k++)
          {
            gsize i = (gsize) (2 * y + k / 2) * W + 2 * x + k % 2;
            gboolean source = state[i] == SF_PIXEL_KNOWN || (keep_content && state[i] == SF_PIXEL_HOLE);

            count[state[i]]++;
            n += source;
            for (int c = 0; c < 3; c++)
              {
                sum[c] += source ? image->data[i * 3 + c] : 0;
                full[c] += image->data[i * 3 + c] / 4;
              }
          }
        expected = count[SF_PIXEL_HOLE] > 0 ? SF_PIXEL_HOLE : count[SF_PIXEL_VOID] > 0 ? SF_PIXEL_VOID
                                                                                       : SF_PIXEL_KNOWN;
        g_assert_cmpint (level->state[y * w + x], ==, expected);
        for (int c = 0; c < 3; c++)
          {
            g_assert_true (fabs (level->rgb[(y * w + x) * 4 + c] - (n > 0 ? sum[c] / n : 0)) <= TOLERANCE);
            g_assert_true (fabs (level->full[(y * w + x) * 4 + c] - full[c]) <= TOLERANCE);
          }
        g_assert_cmpfloat (level->rgb[(y * w + x) * 4 + 3], ==, 0);
      }
}

static void
test_level (void)
{
  check_level (FALSE);
  check_level (TRUE);
}

/* At its own size a level is the picture itself, bit for bit. */
static void
test_level_same (void)
{
  g_autoptr (SfTensor) image = picture_texture (13, 17, 1, 5);
  g_autoptr (SfPatchImage) level = sf_patch_image_new (image, NULL, 13, 17, FALSE, FALSE, NULL, NULL);

  g_assert_null (level->full);
  for (int i = 0; i < 13 * 17; i++)
    {
      g_assert_cmpint (level->state[i], ==, SF_PIXEL_KNOWN);
      for (int c = 0; c < 3; c++)
        g_assert_cmpfloat (level->rgb[i * 4 + c], ==, image->data[i * 3 + c]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patch-image/level", test_level);
  g_test_add_func ("/patch-image/level-same", test_level_same);
  return g_test_run ();
}
