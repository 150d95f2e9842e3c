/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analytic.h"

#include <math.h>
#include <string.h>

#include "diffusion/sf-sampler.h"

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

#define N_BLOBS 3
#define DEVIATION 0.15

static const double blobs[N_BLOBS][2] = { { -0.7, -0.2 }, { 0.6, -0.5 }, { 0.3, 0.8 } }; /* equally probable */

/* D = sum of p(blob | x) * (posterior mean in the blob) */
static gboolean
mixture_predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
                 const SfProgress *progress, GError **error)
{
  double v = DEVIATION * DEVIATION, total = v + level->sigma * level->sigma;

  for (gsize i = 0; i < sf_tensor_size (x); i += 2)
    {
      const SfReal *p = x->data + i;
      double sum = 0, d[2] = { 0 }, distance[N_BLOBS], nearest = G_MAXDOUBLE;

      for (int b = 0; b < N_BLOBS; b++)
        {
          distance[b] = (p[0] - blobs[b][0]) * (p[0] - blobs[b][0]) + (p[1] - blobs[b][1]) * (p[1] - blobs[b][1]);
          nearest = MIN (nearest, distance[b]);
        }
      for (int b = 0; b < N_BLOBS; b++)
        {
          double weight = exp ((nearest - distance[b]) / (2 * total));

          sum += weight;
          for (int j = 0; j < 2; j++)
            d[j] += weight * (blobs[b][j] + (p[j] - blobs[b][j]) * v / total);
        }
      for (int j = 0; j < 2; j++)
        denoised->data[i + j] = (SfReal) (d[j] / sum);
    }
  return TRUE;
}

SfDenoiser *
mixture_new (void)
{
  SfDenoiser *self = g_new0 (SfDenoiser, 1);

  *self = (SfDenoiser) { mixture_predict, free_plain };
  return self;
}

/* Fourth-order Runge-Kutta in log sigma: dy / dlog sigma = y - D. */
void
mixture_flow (SfTensor *y, double from, double to)
{
  const int n = 4000;
  double h = log (to / from) / n;
  g_autoptr (SfTensor) x = sf_tensor_new_like (y, NULL);
  g_autoptr (SfTensor) d = sf_tensor_new_like (y, NULL);
  g_autoptr (SfTensor) sum = sf_tensor_new_like (y, NULL);
  gsize size = sf_tensor_size (y);

  for (int k = 0; k < n; k++)
    {
      static const double at[] = { 0, 0.5, 0.5, 1 }, weight[] = { 1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0 };

      memset (sum->data, 0, size * sizeof (SfReal));
      for (int stage = 0; stage < 4; stage++)
        {
          SfNoiseLevel level = { .sigma = from * exp (h * (k + at[stage])) };

          for (gsize i = 0; i < size; i++) /* d: the slope of the stage before */
            x->data[i] = y->data[i] + (SfReal) (stage > 0 ? h * at[stage] * d->data[i] : 0);
          mixture_predict (NULL, x, &level, d, NULL, NULL, NULL);
          for (gsize i = 0; i < size; i++)
            {
              d->data[i] = x->data[i] - d->data[i];
              sum->data[i] += (SfReal) weight[stage] * d->data[i];
            }
        }
      for (gsize i = 0; i < size; i++)
        y->data[i] += (SfReal) h * sum->data[i];
    }
}

void
mixture_start (SfTensor *y, double sigma, SfRng rng)
{
  gsize n = sf_tensor_size (y);
  SfRng choice = { rng.seed, rng.stream + 1 };

  memset (y->data, 0, n * sizeof (SfReal));
  sf_add_noise (y, 1, rng);
  for (gsize i = 0; i < n; i++)
    {
      guint32 words[4];

      sf_rng_words (choice, i / 2, words);
      y->data[i] = (SfReal) (blobs[words[0] % N_BLOBS][i % 2] + sqrt (DEVIATION * DEVIATION + sigma * sigma) * y->data[i]);
    }
}

/* Half the squared distance to the nearest blob: on average the variance in it, as no two blobs touch. */
static double
spread (double a, double b)
{
  double nearest = G_MAXDOUBLE;

  for (int i = 0; i < N_BLOBS; i++)
    nearest = MIN (nearest, (a - blobs[i][0]) * (a - blobs[i][0]) + (b - blobs[i][1]) * (b - blobs[i][1]));
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
  const double v = DEVIATION * DEVIATION;
  const double round[MIXTURE_MOMENTS] = { 0, 0, v, v, 0, v }; /* what the width of the blobs adds */
  gsize n = sf_tensor_size (y) / 2;

  for (int k = 0; k < MIXTURE_MOMENTS; k++)
    {
      double expected = round[k], sum = 0, squares = 0, variance;

      for (int b = 0; b < N_BLOBS; b++)
        expected += moment (k, blobs[b][0], blobs[b][1]) / N_BLOBS;
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
