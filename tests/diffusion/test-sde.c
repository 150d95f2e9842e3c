/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-betas.h"
#include "diffusion/sf-sde.h"

#include <math.h>

#include "analytic.h"
#include "base/sf-error.h"
#include "diffusion/sf-langevin.h"
#include "diffusion/sf-mixture.h"

#define DRAWS 100 /* squared */

/*** The predictors on every process ***/

static SfNoiseProcess *
process_new (const char *kind)
{
  const SfNoiseKind *row = sf_noise_kind_find (kind);
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process = row != NULL ? sf_noise_process_new_continuous (row, row->defaults, &error)
                                        : sf_noise_process_ref (sf_noise_process_ddpm ());

  g_assert_no_error (error);
  return process;
}

/* The worst moment of what is drawn, in standard errors. */
static double
worst_score (const char *sampler, const char *kind, double noise_scale)
{
  const int n = 300;
  g_autoptr (SfNoiseProcess) process = process_new (kind);
  SfScheduleOptions ends = { .sigma_max = 8, .sigma_min = 0.01 };
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  g_autoptr (SfDenoiser) mixture = sf_denoiser_mixture_new ();
  g_autoptr (SfTensor) y = sf_tensor_new (1, DRAWS, DRAWS, 2, NULL);
  g_autoptr (GError) error = NULL;
  double scores[MIXTURE_MOMENTS], worst = 0;

  sf_schedule_fill (sf_schedule_find ("exponential"), process, &ends, n, levels, &error);
  g_assert_no_error (error);
  sf_mixture_draw (y, levels[0].sigma, (SfRng) { 3, 5000 });
  options.noise_scale = noise_scale;
  g_assert_true (sf_sample (sf_sampler_find (sampler), mixture, process, levels, n, &options, (SfRng) { 3, 0 }, y, NULL, NULL));
  mixture_scores (y, 0.03, scores);
  for (int k = 0; k < MIXTURE_MOMENTS; k++)
    worst = MAX (worst, scores[k]);
  return worst;
}

static void
test_processes (void)
{
  static const char *const samplers[] = { "euler-maruyama", "reverse-diffusion", "ancestral-sde" };
  static const char *const kinds[] = { "discrete", "vp", "sub-vp", "ve", "flow" };

  for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (kinds); j++)
      {
        double score = worst_score (samplers[i], kinds[j], 1);

        g_test_message ("%s on %s: %.1f standard errors", samplers[i], kinds[j], score);
        g_assert_cmpfloat (score, <, 5);
      }
}

/* From pure noise, however few the steps: finite.  (Euler and Maruyama's step on VE grows where it is too long.) */
static void
test_pure (void)
{
  static const char *const samplers[] = { "euler-maruyama", "reverse-diffusion", "ancestral-sde", "langevin", "annealed-langevin" };
  static const char *const kinds[] = { "vp", "sub-vp", "ve", "flow" };

  for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (kinds); j++)
      for (int n = 1; n <= 4; n++)
        {
          g_autoptr (SfNoiseProcess) process = process_new (kinds[j]);
          g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);
          g_autoptr (SfDenoiser) mixture = sf_denoiser_mixture_new ();
          g_autoptr (SfTensor) y = sf_tensor_new (1, 8, 8, 2, NULL);

          for (int k = 0; k < n; k++)
            levels[k] = sf_noise_process_level (process, 1 - 0.9 * k / n);
          levels[n] = sf_noise_level_clean ();
          sf_add_noise (y, levels[0].sigma, (SfRng) { 1, 1000 });
          g_assert_true (sf_sample (sf_sampler_find (samplers[i]), mixture, process, levels, n, NULL, (SfRng) { 1, 0 }, y, NULL, NULL));
          for (gsize e = 0; e < sf_tensor_size (y); e++)
            g_assert_true (isfinite (y->data[e]));
        }
}

/*** The corrector ***/

#define MOMENTS 5

static void
moments (const SfTensor *y, double mean[MOMENTS], double deviation[MOMENTS])
{
  gsize n = sf_tensor_size (y) / 2;

  for (int k = 0; k < MOMENTS; k++)
    {
      double sum = 0, squares = 0;

      for (gsize i = 0; i < n; i++)
        {
          double a = y->data[2 * i], b = y->data[2 * i + 1];
          double value = (double[MOMENTS]) { a, b, a * a, b * b, a * b }[k];

          sum += value;
          squares += value * value;
        }
      mean[k] = sum / n;
      deviation[k] = sqrt ((squares / n - mean[k] * mean[k]) / n);
    }
}

/* Largest difference in standard errors between a draw at level sigma that many steps have moved, and another one. */
static double
moved (SfCorrectorKind kind, double noise_scale)
{
  const double sigma = 0.3;
  SfNoiseLevel level = sf_noise_process_level_at (sf_noise_process_ddpm (), sigma);
  const SfNoiseLevel levels[] = { level, level }; /* between which Euler's step does nothing */
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .corrector = { kind, 0.1, 150 } };
  g_autoptr (SfDenoiser) mixture = sf_denoiser_mixture_new ();
  g_autoptr (SfTensor) y = sf_tensor_new (1, 3 * DRAWS, 2 * DRAWS, 2, NULL);
  g_autoptr (SfTensor) before = NULL, other = sf_tensor_new_like (y, NULL);
  double a[MOMENTS], b[MOMENTS], da[MOMENTS], db[MOMENTS], worst = 0, far = 0;

  options.noise_scale = noise_scale;
  sf_mixture_draw (y, sigma, (SfRng) { 3, 5000 });
  before = sf_tensor_copy (y, NULL);
  sf_mixture_draw (other, sigma, (SfRng) { 4, 5000 });
  g_assert_true (sf_sample (sf_sampler_find ("euler"), mixture, sf_noise_process_ddpm (), levels, 1, &options, (SfRng) { 3, 0 }, y, NULL, NULL));
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    far = MAX (far, fabs (y->data[i] - before->data[i]));
  g_assert_cmpfloat (far, >, 0.5); /* it does move */
  moments (y, a, da);
  moments (other, b, db);
  for (int k = 0; k < MOMENTS; k++)
    worst = MAX (worst, fabs (a[k] - b[k]) / hypot (da[k], db[k]));
  return worst;
}

/* It leaves the distribution as it is, and would not with 5 % more noise. */
static void
test_corrector (void)
{
  for (SfCorrectorKind kind = SF_CORRECTOR_LANGEVIN; kind <= SF_CORRECTOR_ANNEALED; kind++)
    {
      double right = moved (kind, 1), wrong = moved (kind, 1.05);

      g_test_message ("%.1f standard errors, with 5 %% more noise %.1f", right, wrong);
      g_assert_cmpfloat (right, <, 5);
      g_assert_cmpfloat (wrong, >, 5);
    }
}

/* Its evaluations count, and what it cannot do is an error. */
static void
test_corrector_run (void)
{
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, 6);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .corrector = { SF_CORRECTOR_LANGEVIN, 0.16, 2 } };
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autoptr (SfTensor) y = sf_tensor_new (2, 8, 8, 3, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (sf_sample (sf_sampler_find ("dpmpp-2m"), denoiser, sf_noise_process_ddpm (), levels, 6, &options, (SfRng) { 3, 0 }, y, NULL, NULL));
  g_assert_cmpint (normal->calls, ==, 6 * 3);
  options.corrector.snr = 0;
  g_assert_false (sf_sample (sf_sampler_find ("dpmpp-2m"), denoiser, sf_noise_process_ddpm (), levels, 6, &options, (SfRng) { 3, 0 }, y, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
}

/* Norms are of each image, then averaged: an image of no noise at all halves them. */
static void
test_norms (void)
{
  SfCorrector corrector = { SF_CORRECTOR_LANGEVIN, 0.16, 1 };
  SfNoiseLevel level = { .sigma = 2, .a = 1 };
  g_autoptr (SfTensor) y = sf_tensor_new (2, 4, 4, 3, NULL), d = sf_tensor_new (2, 4, 4, 3, NULL), z = sf_tensor_new (2, 4, 4, 3, NULL);

  for (gsize i = 0; i < sf_tensor_size (y) / 2; i++)
    {
      y->data[i] = 4; /* norm of the noise in it: 2 per pixel */
      z->data[i] = 1;
    }
  g_assert_cmpfloat_with_epsilon (sf_langevin_delta (&corrector, &level, 0.9, y, d, z), 2 * 0.9 * 0.08 * 0.08, 1e-12);
  for (gsize i = sf_tensor_size (y) / 2; i < sf_tensor_size (y); i++)
    z->data[i] = 1;
  g_assert_cmpfloat_with_epsilon (sf_langevin_delta (&corrector, &level, 0.9, y, d, z), 2 * 0.9 * 0.16 * 0.16, 1e-12);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sde/processes", test_processes);
  g_test_add_func ("/sde/pure", test_pure);
  g_test_add_func ("/sde/corrector", test_corrector);
  g_test_add_func ("/sde/corrector-run", test_corrector_run);
  g_test_add_func ("/sde/norms", test_norms);
  return g_test_run ();
}
