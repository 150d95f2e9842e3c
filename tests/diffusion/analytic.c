/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analytic.h"

#include <math.h>
#include <string.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-mixture.h"

SfNoiseLevel *
levels_new (const char *schedule, double max, double min, int n)
{
  SfScheduleOptions ends = { .sigma_max = max, .sigma_min = min };
  SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);
  g_autoptr (GError) error = NULL;

  if (n == 0)
    levels[0] = sf_noise_level_clean ();
  else
    sf_schedule_fill (sf_schedule_find (schedule), sf_noise_process_ddpm (), &ends, n, levels, &error);
  g_assert_no_error (error);
  return levels;
}

/*** Normal ***/

double
normal_denoise (const Normal *self, double x, double sigma)
{
  double v = self->deviation * self->deviation;

  return self->mean + (x - self->mean) * v / (v + sigma * sigma);
}

/* dx/dsigma = (x - D) / sigma = (x - mean) sigma / (v + sigma^2), so x - mean is proportional to sqrt(v + sigma^2). */
double
normal_flow (const Normal *self, double x, double from, double to)
{
  double v = self->deviation * self->deviation;

  return self->mean + (x - self->mean) * sqrt ((v + to * to) / (v + from * from));
}

static gboolean
normal_predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
                const SfProgress *progress, GError **error)
{
  Normal *self = (Normal *) denoiser;

  self->calls++;
  if (self->cancellable != NULL && self->calls == self->cancel_at)
    g_cancellable_cancel (self->cancellable);
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    denoised->data[i] = (SfReal) normal_denoise (self, x->data[i], level->sigma);
  return !sf_progress_stopped (progress, error);
}

static void
free_plain (SfDenoiser *denoiser)
{
  g_free (denoiser);
}

Normal *
normal_new (void)
{
  Normal *self = g_new0 (Normal, 1);

  self->parent = (SfDenoiser) { normal_predict, free_plain };
  self->mean = 0.3;
  self->deviation = 0.5;
  return self;
}

/*** A network ***/

typedef struct
{
  SfDenoiser parent;
  Normal *normal;
  SfPrediction prediction;
  const SfNoiseProcess *process;
} Network;

/* What a network that is trained to predict so would give for the state @y, and D from it again. */
static gboolean
network_predict (SfDenoiser *denoiser, const SfTensor *y, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
                 const SfProgress *progress, GError **error)
{
  Network *self = (Network *) denoiser;
  SfNoiseLevel next = sf_noise_level_clean ();
  double state, output;

  if (self->prediction == SF_PREDICTION_PREVIOUS)
    {
      double t = sf_noise_process_t (self->process, level->sigma) - 1;

      if (t >= 0)
        next = sf_noise_process_level (self->process, t);
    }
  if (!normal_predict (&self->normal->parent, y, level, denoised, NULL, progress, error))
    return FALSE;
  sf_prediction_weights (self->prediction, level, &next, &state, &output);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    {
      SfReal given = (SfReal) ((denoised->data[i] - state * y->data[i]) / output);

      denoised->data[i] = (SfReal) (state * y->data[i] + output * given);
    }
  return TRUE;
}

static void
network_free (SfDenoiser *denoiser)
{
  g_free (((Network *) denoiser)->normal);
  g_free (denoiser);
}

SfDenoiser *
network_new (Normal *normal, SfPrediction prediction, const SfNoiseProcess *process)
{
  Network *self = g_new (Network, 1);

  *self = (Network) { { .predict = network_predict, .free = network_free }, normal, prediction, process };
  return &self->parent;
}

/*** Mixture ***/

static gboolean
consistency_predict (SfDenoiser *denoiser, const SfTensor *y, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
                     const SfProgress *progress, GError **error)
{
  const double end = 0.01; /* as good as 0: it adds (0.01 / 0.15)^2 = 0.4 % to the variance in a mode */

  memcpy (denoised->data, y->data, sf_tensor_size (y) * sizeof (SfReal));
  if (level->sigma > end)
    sf_mixture_flow (denoised, level->sigma, end, 24);
  return !sf_progress_stopped (progress, error);
}

SfDenoiser *
consistency_new (void)
{
  SfDenoiser *self = g_new (SfDenoiser, 1);

  *self = (SfDenoiser) { .predict = consistency_predict, .free = free_plain };
  return self;
}

/* Half the squared distance to the nearest mode: on average the variance in it, as no two modes touch. */
static double
spread (double a, double b)
{
  double nearest = G_MAXDOUBLE;

  for (int i = 0; i < SF_MIXTURE_MODES; i++)
    nearest = MIN (nearest, (a - sf_mixture_mean[i][0]) * (a - sf_mixture_mean[i][0]) + (b - sf_mixture_mean[i][1]) * (b - sf_mixture_mean[i][1]));
  return nearest / 2;
}

/* What moment @k is the mean of, at one point. */
static double
moment (int k, double a, double b)
{
  return (double[MIXTURE_MOMENTS]) { a, b, a * a, b * b, a * b, spread (a, b) }[k];
}

void
mixture_scores (const SfTensor *y, double slack, double scores[MIXTURE_MOMENTS])
{
  const double v = sf_mixture_deviation * sf_mixture_deviation;
  const double round[MIXTURE_MOMENTS] = { 0, 0, v, v, 0, v }; /* what the width of the modes adds */
  gsize n = sf_tensor_size (y) / 2;

  for (int k = 0; k < MIXTURE_MOMENTS; k++)
    {
      double expected = round[k], sum = 0, squares = 0, variance;

      for (int m = 0; m < SF_MIXTURE_MODES; m++)
        expected += moment (k, sf_mixture_mean[m][0], sf_mixture_mean[m][1]) / SF_MIXTURE_MODES;
      for (gsize i = 0; i < n; i++)
        {
          double value = moment (k, y->data[2 * i], y->data[2 * i + 1]);

          sum += value;
          squares += value * value;
        }
      variance = squares / n - (sum / n) * (sum / n);
      scores[k] = MAX (fabs (sum / n - expected) - slack * v, 0) / sqrt (variance / n);
    }
}
