/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gamma, and what Analytic-DPM makes of it: on a normal distribution both are known in closed form. */
#include <math.h>
#include <string.h>

#include "analytic.h"
#include "base/sf-error.h"
#include "diffusion/sf-betas.h"
#include "diffusion/sf-gamma.h"
#include "diffusion/sf-sampler.h"

#define MOST_SCORE 5.0 /* standard errors: a chance of 6e-7 each if all is right */

/* n = (y - mean) sigma / (v + sigma^2), so E [n^2] = sigma^2 / (v + sigma^2) */
static double
exact_gamma (const Normal *normal, double sigma)
{
  return sigma * sigma / (normal->deviation * normal->deviation + sigma * sigma);
}

/* Draws of @normal with more noise of deviation @sigma. */
static SfTensor *
draw (const Normal *normal, int images, int side, double sigma, guint64 stream)
{
  SfTensor *x = sf_tensor_new (images, side, side, 2, NULL);

  sf_add_noise (x, hypot (normal->deviation, sigma), (SfRng) { 21, stream });
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] += (SfReal) normal->mean;
  return x;
}

/*** The estimate ***/

#define TIMESTEPS 40
#define IMAGES 64

static void
test_estimate (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfNoiseProcess) process = sf_noise_process_new_named ("openai-linear", TIMESTEPS, 0, 0, &error);
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autoptr (SfTensor) data = draw (normal, IMAGES, 16, 0, 0);
  double gamma[TIMESTEPS], each[TIMESTEPS * IMAGES];

  g_assert_true (sf_estimate_gamma (denoiser, process, data, NULL, (SfRng) { 5, 100 }, gamma, each, NULL, &error));
  g_assert_cmpint (normal->calls, ==, TIMESTEPS);
  for (int t = 0; t < TIMESTEPS; t++)
    {
      double square = 0, mean = 0, exact = exact_gamma (normal, sf_noise_process_sigma (process, t));

      for (int i = 0; i < IMAGES; i++)
        mean += each[t * IMAGES + i] / IMAGES;
      for (int i = 0; i < IMAGES; i++)
        square += pow (each[t * IMAGES + i] - mean, 2) / (IMAGES - 1);
      g_assert_cmpfloat_with_epsilon (gamma[t], mean, 1e-12);
      g_assert_cmpfloat (fabs (gamma[t] - exact), <, MOST_SCORE * sqrt (square / IMAGES));
    }
}

static void
note_progress (double fraction, gpointer data)
{
  g_assert_cmpfloat (fraction, >=, *(double *) data);
  *(double *) data = fraction;
}

static void
test_cancel (void)
{
  g_autoptr (SfNoiseProcess) process = sf_noise_process_new_named ("openai-linear", TIMESTEPS, 0, 0, NULL);
  double gamma[TIMESTEPS], seen = 0;

  for (int at = 1; at <= TIMESTEPS + 1; at += 13)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      Normal *normal = normal_new ();
      g_autoptr (SfDenoiser) denoiser = &normal->parent;
      g_autoptr (SfTensor) data = draw (normal, 1, 8, 0, 0);
      SfProgress progress = { .cancellable = cancellable, .func = note_progress, .data = &seen, .lo = 0, .hi = 1 };

      seen = 0;
      normal->cancellable = cancellable;
      normal->cancel_at = at;
      g_assert_true (sf_estimate_gamma (denoiser, process, data, NULL, (SfRng) { 5, 0 }, gamma, NULL, &progress, &error) == (at > TIMESTEPS));
      g_assert_cmpint (normal->calls, ==, MIN (at, TIMESTEPS));
      if (at <= TIMESTEPS)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_cmpfloat (seen, ==, 1);
    }
}

/*** Analytic-DPM ***/

#define SIDE 256
#define N_STEPS 4

static const double times[N_STEPS] = { 999, 600, 250, 60 };

/* How far the variance of what a sampler draws in few long steps is from the right one, in standard errors; negative if it is
 * too small.
 */
static double
variance_score (const char *sampler, double eta, gboolean with_gamma)
{
  const SfNoiseProcess *process = sf_noise_process_ddpm ();
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autofree double *gamma = g_new (double, process->n);
  SfNoiseLevel levels[N_STEPS + 1];
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .gamma = with_gamma ? gamma : NULL };
  g_autoptr (SfTensor) y = NULL;
  double v = normal->deviation * normal->deviation, exact, variance = 0, last;

  for (int t = 0; t < process->n; t++)
    gamma[t] = exact_gamma (normal, sf_noise_process_sigma (process, t));
  for (int k = 0; k < N_STEPS; k++)
    levels[k] = sf_noise_process_level (process, times[k]);
  levels[N_STEPS] = sf_noise_level_clean ();
  last = levels[N_STEPS - 1].sigma;
  exact = v * v / (v + last * last); /* the last step adds no noise to D */
  y = draw (normal, 1, SIDE, levels[0].sigma, 7);
  options.eta = eta;
  g_assert_true (sf_sample (sf_sampler_find (sampler), denoiser, process, levels, N_STEPS, &options, (SfRng) { 5, 0 }, y, NULL, NULL));
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    variance += pow (y->data[i] - normal->mean, 2) / sf_tensor_size (y);
  return (variance / exact - 1) / sqrt (2.0 / sf_tensor_size (y));
}

/* A normal distribution is reproduced exactly in steps of any length, which DDPM and DDIM cannot do; without a table it is at
 * least nearer.
 */
static void
test_variance (gconstpointer data)
{
  gboolean ddpm = GPOINTER_TO_INT (data);
  const char *analytic = ddpm ? "analytic-ddpm" : "analytic-ddim";

  for (double eta = 0; eta <= 1; eta += 0.5)
    {
      double plain = variance_score (ddpm ? "ddpm" : "ddim", eta, FALSE);
      double exact = variance_score (analytic, eta, TRUE), guess = variance_score (analytic, eta, FALSE);

      g_test_message ("eta %g: %.1f standard errors, %.1f with a guess, %.1f without", eta, exact, guess, plain);
      g_assert_cmpfloat (fabs (exact), <, MOST_SCORE);
      g_assert_cmpfloat (plain, <, -10 * MOST_SCORE);
      g_assert_cmpfloat (fabs (guess), <, fabs (plain));
    }
}

/* A table belongs to the timesteps of a chain. */
static void
test_continuous (void)
{
  const SfNoiseKind *kind = sf_noise_kind_find ("vp");
  g_autoptr (SfNoiseProcess) process = sf_noise_process_new_continuous (kind, kind->defaults, NULL);
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autoptr (SfTensor) y = draw (normal, 1, 4, 1, 0);
  SfNoiseLevel levels[2] = { sf_noise_process_level (process, 1), sf_noise_level_clean () };
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .gamma = (double[]) { 1 } };
  g_autoptr (GError) error = NULL;

  g_assert_false (sf_sample (sf_sampler_find ("analytic-ddpm"), denoiser, process, levels, 1, &options, (SfRng) { 0 }, y, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "analytic-ddpm"));
  g_assert_nonnull (strstr (error->message, "vp"));
  g_assert_cmpint (normal->calls, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gamma/estimate", test_estimate);
  g_test_add_func ("/gamma/cancel", test_cancel);
  g_test_add_data_func ("/gamma/variance-ddpm", GINT_TO_POINTER (TRUE), test_variance);
  g_test_add_data_func ("/gamma/variance-ddim", GINT_TO_POINTER (FALSE), test_variance);
  g_test_add_func ("/gamma/continuous", test_continuous);
  return g_test_run ();
}
