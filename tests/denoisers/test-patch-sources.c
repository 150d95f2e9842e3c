/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-sources.h"

#include "kernels/sf-kernels.h"
#include "picture.h"

#define SIDE 64
#define HOLE 20
#define AT ((SIDE - HOLE) / 2)

/* Noise above, nothing but one colour below; the hole lies in the middle. */
static SfPatchImage *
make_image (void)
{
  g_autoptr (SfTensor) picture = picture_texture (SIDE, SIDE, 0, 5);
  g_autofree guint8 *state = picture_hole (SIDE, SIDE, AT, AT, HOLE, HOLE);

  for (int i = SIDE / 2 * SIDE * 3; i < SIDE * SIDE * 3; i++)
    picture->data[i] = 0.25f;
  return sf_patch_image_new (picture, state, SIDE, SIDE, FALSE, FALSE, NULL, NULL);
}

/* Noise has octaves more detail than what is flat, and the hole may have what is around it: more at the side of the noise. */
static void
test_detail (void)
{
  g_autoptr (SfPatchImage) image = make_image ();
  g_autofree float *detail = g_new (float, SIDE *SIDE), *budget = g_new (float, SIDE *SIDE);

  g_assert_true (sf_patch_detail_maps (image, detail, budget, NULL, NULL));
  for (int x = 8; x < SIDE - 8; x++)
    {
      g_assert_cmpfloat (detail[8 * SIDE + x], >, -3);
      g_assert_cmpfloat (detail[(SIDE - 8) * SIDE + x], <, -5);
    }
  for (int x = AT + 2; x < AT + HOLE - 2; x++)
    g_assert_cmpfloat (budget[AT * SIDE + x], >, budget[(AT + HOLE - 1) * SIDE + x] + 1);
  for (int i = 0; i < SIDE * SIDE; i++)
    if (image->state[i] == SF_PIXEL_HOLE)
      g_assert_cmpfloat (budget[i], <, 2); /* a limit */
    else
      g_assert_cmpfloat (budget[i], >, 8); /* none */
}

/* A ring of the same noise explains noise, and not what is flat. */
static void
test_ring (void)
{
  g_autoptr (SfPatchImage) image = make_image ();
  g_autofree float *map = g_new (float, SIDE *SIDE), *filled = g_memdup2 (image->rgb, (SIDE * SIDE + SF_PATCH_PAD) * 4 * sizeof (float));
  double unexplained;

  g_assert_true (sf_patch_ring_map (image, map, NULL, NULL));
  for (int i = 0; i < SIDE * SIDE; i++)
    g_assert_true (map[i] >= 0 && map[i] <= 1);
  g_assert_cmpfloat (map[(SIDE - 8) * SIDE + 8], ==, 0); /* flat, as a part of the ring is */
  g_assert_cmpfloat (map[8 * SIDE + 8], ==, 1);          /* no noise is like another */
  for (int i = 0; i < SIDE * SIDE; i++)
    for (int c = 0; c < 3 && image->state[i] == SF_PIXEL_HOLE; c++)
      filled[i * 4 + c] = 0.25f;
  unexplained = sf_patch_unexplained (image, filled, NULL, NULL);
  for (int i = 0; i < SIDE * SIDE; i++)
    for (int c = 0; c < 3 && image->state[i] == SF_PIXEL_HOLE; c++)
      filled[i * 4 + c] = -1;
  g_assert_cmpfloat (unexplained, <, sf_patch_unexplained (image, filled, NULL, NULL));
}

/* Whoever is told to stop makes nothing of it. */
static void
test_stopped (void)
{
  g_autoptr (SfPatchImage) image = make_image ();
  g_autofree float *detail = g_new0 (float, SIDE *SIDE), *budget = g_new0 (float, SIDE *SIDE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };

  g_cancellable_cancel (cancellable);
  g_assert_false (sf_patch_detail_maps (image, detail, budget, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  for (int i = 0; i < SIDE * SIDE; i++)
    {
      g_assert_cmpfloat (detail[i], ==, 0);
      g_assert_cmpfloat (budget[i], ==, 0);
    }
  g_clear_error (&error);
  g_assert_false (sf_patch_ring_map (image, detail, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpfloat (sf_patch_unexplained (image, image->rgb, &progress, NULL), <, 0);
  g_assert_cmpfloat (sf_patch_ring_detail (image, 12, &progress, NULL), <, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patch-sources/detail", test_detail);
  g_test_add_func ("/patch-sources/ring", test_ring);
  g_test_add_func ("/patch-sources/stopped", test_stopped);
  return g_test_run ();
}
