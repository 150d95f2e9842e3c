/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contract of a denoiser, for the patch denoiser: shape, known pixels, what is made of sources stays, cancel. */
#include "denoisers/sf-denoiser-patch.h"

#include <math.h>
#include <string.h>

#include "diffusion/sf-sampler.h"
#include "picture.h"

#define SIDE 64
#define PERIOD 9

typedef struct
{
  SfTensor *picture, *x, *y;
  guint8 *state;
  SfPatchImage *image;
  SfDenoiser *denoiser;
} Setup;

static void
setup_clear (Setup *s)
{
  sf_denoiser_free (s->denoiser);
  sf_patch_image_free (s->image);
  sf_tensor_unref (s->picture);
  sf_tensor_unref (s->x);
  sf_tensor_unref (s->y);
  g_free (s->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Setup, setup_clear)

/* A periodic picture with a hole; x is the picture itself, so the hole in it is made of patches that exist elsewhere. */
static void
setup_init (Setup *s, int side, gboolean keep_content)
{
  SfPatchLevel level = { .keep_content = keep_content, .finest = TRUE, .seed = 3 };

  *s = (Setup) { .picture = picture_periodic (side, side, PERIOD, 2) };
  s->state = picture_hole (side, side, 20, 24, 15, 13);
  s->state[3] = SF_PIXEL_VOID;
  s->image = sf_patch_image_new (s->picture, s->state, side, side, keep_content, FALSE, NULL, NULL);
  level.image = s->image;
  level.frame = (SfPatchFrame) { .h = side, .w = side };
  s->denoiser = sf_denoiser_patch_new (&level, NULL, NULL);
  g_assert_nonnull (s->denoiser);
  s->x = sf_tensor_copy (s->picture, NULL);
  s->y = sf_tensor_new_like (s->x, NULL);
}

static void
assert_known_kept (const Setup *s)
{
  for (int i = 0; i < s->x->h * s->x->w; i++)
    if (s->state[i] == SF_PIXEL_KNOWN)
      g_assert_cmpmem (s->y->data + i * 3, 3 * sizeof (float), s->picture->data + i * 3, 3 * sizeof (float));
}

static double
hole_rms (const Setup *s, const SfTensor *a, const SfTensor *b)
{
  double sum = 0;
  int n = 0;

  for (int i = 0; i < s->x->h * s->x->w; i++)
    if (s->state[i] == SF_PIXEL_HOLE)
      for (int c = 0; c < 3; c++, n++)
        sum += pow (a->data[i * 3 + c] - b->data[i * 3 + c], 2);
  return sqrt (sum / n);
}

/* D (x, sigma -> 0) = x where x is made of source patches. */
static void
test_identity (void)
{
  static const double sigmas[] = { 0, 0.001, 0.02 };

  for (gsize i = 0; i < G_N_ELEMENTS (sigmas); i++)
    {
      g_auto (Setup) s;

      setup_init (&s, SIDE, FALSE);
      g_assert_true (sf_denoiser_predict (s.denoiser, s.x, &(SfNoiseLevel) { .sigma = sigmas[i] }, s.y, NULL, NULL, NULL));
      g_assert_cmpfloat (hole_rms (&s, s.x, s.y), <, 1e-3); /* exact patches, averaged in float */
      assert_known_kept (&s);
    }
}

/* D takes noise away: it is nearer to the truth than x, at every level of noise, and the less there is the nearer. */
static void
test_denoises (void)
{
  static const double sigmas[] = { 0.1, 0.3, 1 };
  double last = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (sigmas); i++)
    {
      g_auto (Setup) s;
      double error;

      setup_init (&s, SIDE, FALSE);
      sf_add_noise (s.x, sigmas[i], (SfRng) { 1, 2 });
      g_assert_true (sf_denoiser_predict (s.denoiser, s.x, &(SfNoiseLevel) { .sigma = sigmas[i] }, s.y, NULL, NULL, NULL));
      error = hole_rms (&s, s.y, s.picture);
      g_assert_cmpfloat (error, <, 0.5 * sigmas[i]);
      g_assert_true (error >= last - 0.01);
      last = error;
      assert_known_kept (&s);
    }
}

/* x may be the output too, and its known pixels, whatever noise they hold, count for nothing. */
static void
test_in_place (void)
{
  g_auto (Setup) a, b;

  setup_init (&a, SIDE, FALSE);
  setup_init (&b, SIDE, FALSE);
  sf_add_noise (a.x, 0.3, (SfRng) { 1, 2 });
  memcpy (b.x->data, a.x->data, sf_tensor_size (a.x) * sizeof (float));
  for (int i = 0; i < SIDE * SIDE; i++)
    if (b.state[i] == SF_PIXEL_KNOWN)
      b.x->data[i * 3] += 5;
  g_assert_true (sf_denoiser_predict (a.denoiser, a.x, &(SfNoiseLevel) { .sigma = 0.3 }, a.y, NULL, NULL, NULL));
  g_assert_true (sf_denoiser_predict (b.denoiser, b.x, &(SfNoiseLevel) { .sigma = 0.3 }, b.x, NULL, NULL, NULL));
  g_assert_cmpmem (a.y->data, sf_tensor_size (a.y) * sizeof (float), b.x->data, sf_tensor_size (a.y) * sizeof (float));
}

/* With its content kept as a source, a pixel is not simply its own explanation. */
static void
test_exclusion (void)
{
  g_auto (Setup) s;
  SfPatchField *field;

  setup_init (&s, SIDE, TRUE);
  sf_add_noise (s.x, 0.05, (SfRng) { 1, 2 });
  g_assert_true (sf_denoiser_predict (s.denoiser, s.x, &(SfNoiseLevel) { .sigma = 0.05 }, s.y, NULL, NULL, NULL));
  field = sf_denoiser_patch_get_field (s.denoiser);
  for (int i = 0; i < field->n_queries; i++)
    g_assert_true (ABS (field->nn[i] / SIDE - field->query[i] / SIDE) >= 4 || ABS (field->nn[i] % SIDE - field->query[i] % SIDE) >= 4);
}

static void
test_cancelled (void)
{
  g_auto (Setup) s;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  g_autoptr (GError) error = NULL;

  setup_init (&s, SIDE, FALSE);
  g_cancellable_cancel (cancellable);
  g_assert_false (sf_denoiser_predict (s.denoiser, s.x, &(SfNoiseLevel) { .sigma = 0.1 }, s.y, NULL, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gpointer
cancel_later (gpointer data)
{
  g_usleep (3000);
  g_cancellable_cancel (data);
  return NULL;
}

/* In the middle of a search, exact and not. */
static void
test_cancel (void)
{
  for (int i = 0; i < 2; i++)
    {
      g_auto (Setup) s;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      SfProgress progress = { .cancellable = cancellable, .hi = 1 };
      g_autoptr (GError) error = NULL;
      GThread *thread;

      setup_init (&s, i == 0 ? SIDE : 200, FALSE);
      thread = g_thread_new ("cancel", cancel_later, cancellable);
      while (sf_denoiser_predict (s.denoiser, s.x, &(SfNoiseLevel) { .sigma = 0.1 }, s.y, NULL, &progress, &error))
        ;
      g_thread_join (thread);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/denoiser-patch/identity", test_identity);
  g_test_add_func ("/denoiser-patch/denoises", test_denoises);
  g_test_add_func ("/denoiser-patch/in-place", test_in_place);
  g_test_add_func ("/denoiser-patch/exclusion", test_exclusion);
  g_test_add_func ("/denoiser-patch/cancelled", test_cancelled);
  g_test_add_func ("/denoiser-patch/cancel", test_cancel);
  return g_test_run ();
}
