/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-denoiser-keep.h"

#include "diffusion/sf-betas.h"
#include "diffusion/sf-sampler.h"
#include "diffusion/sf-schedule.h"

#define SIDE 6

/* D = 0 everywhere. */
static gboolean
inner_predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
               const SfProgress *progress, GError **error)
{
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    denoised->data[i] = 0;
  return TRUE;
}

static void
inner_free (SfDenoiser *denoiser)
{
  g_free (denoiser);
}

typedef struct
{
  SfTensor *known, *freedom;
  SfDenoiser *keep;
  double t_begin;
} Fixture;

/* Freedom goes from 0 at the left to 1 at the right. */
static void
setup (Fixture *self, gconstpointer data)
{
  SfDenoiser *inner = g_new0 (SfDenoiser, 1);

  *inner = (SfDenoiser) { .predict = inner_predict, .free = inner_free };
  self->known = sf_tensor_new (2, SIDE, SIDE, 3, NULL);
  self->freedom = sf_tensor_new (1, SIDE, SIDE, 1, NULL);
  for (gsize i = 0; i < sf_tensor_size (self->known); i++)
    self->known->data[i] = 1 + (float) i;
  for (int i = 0; i < SIDE * SIDE; i++)
    self->freedom->data[i] = (float) (i % SIDE) / (SIDE - 1);
  self->keep = sf_denoiser_keep_new (inner, self->known, self->freedom, &self->t_begin);
}

static void
teardown (Fixture *self, gconstpointer data)
{
  sf_denoiser_free (self->keep);
  sf_tensor_unref (self->known);
  sf_tensor_unref (self->freedom);
}

/* Pixels become free one after the other as t falls; those without freedom never. */
static void
test_threshold (Fixture *self, gconstpointer data)
{
  static const double times[] = { 500, 300, 100, 0 };
  g_autoptr (SfTensor) x = sf_tensor_new_like (self->known, NULL), y = sf_tensor_new_like (self->known, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      const SfNoiseLevel level = { .t = times[i], .sigma = 1, .a = 1 };

      g_assert_true (sf_denoiser_predict (self->keep, x, &level, y, NULL, NULL, NULL));
      for (gsize k = 0; k < sf_tensor_size (y); k++)
        {
          float freedom = self->freedom->data[k / 3 % (SIDE * SIDE)];
          gboolean free = freedom > 0 && freedom >= times[i] / 500;

          g_assert_cmpfloat (y->data[k], ==, free ? 0 : self->known->data[k]);
        }
    }
}

/* A sampler ends on what is known, to rounding, with fresh noise or without. */
static void
test_sampled (Fixture *self, gconstpointer data)
{
  static const char *const samplers[] = { "euler", "ddim", "ddpm", "dpmpp-2m", "heun" };

  for (gsize s = 0; s < G_N_ELEMENTS (samplers); s++)
    {
      g_autoptr (SfTensor) y = sf_tensor_copy (self->known, NULL);
      SfNoiseLevel levels[9];

      g_assert_cmpint (sf_schedule_fill (sf_schedule_find ("uniform"), sf_noise_process_ddpm (), NULL, 8, levels, NULL), ==, 8);
      sf_add_noise (y, levels[0].sigma, (SfRng) { 5, 0 });
      g_assert_true (sf_sample (sf_sampler_find (samplers[s]), self->keep, sf_noise_process_ddpm (), levels, 8, NULL, (SfRng) { 5, 1 }, y, NULL, NULL));
      for (gsize k = 0; k < sf_tensor_size (y); k++)
        if (k / 3 % SIDE == 0)
          g_assert_cmpfloat_with_epsilon (y->data[k], self->known->data[k], 1e-3);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/denoiser-keep/threshold", Fixture, NULL, setup, test_threshold, teardown);
  g_test_add ("/denoiser-keep/sampled", Fixture, NULL, setup, test_sampled, teardown);
  return g_test_run ();
}
