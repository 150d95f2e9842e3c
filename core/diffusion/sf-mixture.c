/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-mixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/sf-sampler.h"

const double sf_mixture_mean[SF_MIXTURE_MODES][2] = { { -0.7, -0.2 }, { 0.6, -0.5 }, { 0.3, 0.8 } };
const double sf_mixture_deviation = 0.15;

#define VARIANCE (sf_mixture_deviation * sf_mixture_deviation)

/* D = sum over modes of p(mode | x) * (posterior mean in the mode) */
static void
denoise_point (const SfReal *x, double sigma, SfReal *d)
{
  double total = VARIANCE + sigma * sigma, square[SF_MIXTURE_MODES], nearest = G_MAXDOUBLE, sum = 0, mean[2] = { 0 };

  for (int m = 0; m < SF_MIXTURE_MODES; m++)
    {
      const double *mu = sf_mixture_mean[m];

      square[m] = (x[0] - mu[0]) * (x[0] - mu[0]) + (x[1] - mu[1]) * (x[1] - mu[1]);
      nearest = MIN (nearest, square[m]);
    }
  for (int m = 0; m < SF_MIXTURE_MODES; m++)
    {
      double weight = exp ((nearest - square[m]) / (2 * total));

      sum += weight;
      for (int j = 0; j < 2; j++)
        mean[j] += weight * (sf_mixture_mean[m][j] + (x[j] - sf_mixture_mean[m][j]) * VARIANCE / total);
    }
  for (int j = 0; j < 2; j++)
    d[j] = (SfReal) (mean[j] / sum);
}

static gboolean
predict (SfDenoiser *self, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
         const SfProgress *progress, GError **error)
{
  for (gsize i = 0; i < sf_tensor_size (x); i += 2)
    denoise_point (x->data + i, level->sigma, denoised->data + i);
  return TRUE;
}

static void
free_plain (SfDenoiser *self)
{
  g_free (self);
}

SfDenoiser *
sf_denoiser_mixture_new (void)
{
  SfDenoiser *self = g_new (SfDenoiser, 1);

  *self = (SfDenoiser) { .predict = predict, .free = free_plain };
  return self;
}

void
sf_mixture_draw (SfTensor *y, double sigma, SfRng rng)
{
  SfRng choice = { rng.seed, rng.stream + 1 };
  gsize n = sf_tensor_size (y);

  memset (y->data, 0, n * sizeof (SfReal));
  sf_add_noise (y, sqrt (VARIANCE + sigma * sigma), rng);
  for (gsize i = 0; i < n; i++)
    {
      guint32 words[4];

      sf_rng_words (choice, i / 2, words);
      y->data[i] += (SfReal) sf_mixture_mean[words[0] % SF_MIXTURE_MODES][i % 2];
    }
}

/* dy / dlog sigma = y - D, point by point */
void
sf_mixture_flow (SfTensor *y, double from, double to, int steps)
{
  static const double at[] = { 0, 0.5, 0.5, 1 }, weight[] = { 1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0 };
  double h = log (to / from) / steps;

  for (gsize i = 0; i < sf_tensor_size (y); i += 2)
    for (int k = 0; k < steps; k++)
      {
        double slope[2] = { 0 }, sum[2] = { 0 };
        SfReal *p = y->data + i;

        for (int stage = 0; stage < 4; stage++)
          {
            SfReal x[2], d[2];

            for (int j = 0; j < 2; j++)
              x[j] = (SfReal) (p[j] + h * at[stage] * slope[j]);
            denoise_point (x, from * exp (h * (k + at[stage])), d);
            for (int j = 0; j < 2; j++)
              {
                slope[j] = x[j] - d[j];
                sum[j] += weight[stage] * slope[j];
              }
          }
        for (int j = 0; j < 2; j++)
          p[j] += (SfReal) (h * sum[j]);
      }
}

/*** Distance ***/

#define DIRECTIONS 8

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Cumulative distribution of the projection with the modes at @mean. */
static double
cumulative (const double mean[SF_MIXTURE_MODES], double x)
{
  double sum = 0;

  for (int m = 0; m < SF_MIXTURE_MODES; m++)
    sum += 0.5 * erfc ((mean[m] - x) / (sf_mixture_deviation * G_SQRT2));
  return sum / SF_MIXTURE_MODES;
}

/* Where it is (i + 1/2) / n for each i, going up through a fine grid and interpolating in it. */
static void
quantiles (const double mean[SF_MIXTURE_MODES], gsize n, double *x)
{
  const double end = 4, h = 1 / 512.0;
  double at = -end, below = 0, above = cumulative (mean, at + h);

  for (gsize i = 0; i < n; i++)
    {
      double p = (i + 0.5) / n;

      while (above < p && at < end)
        {
          at += h;
          below = above;
          above = cumulative (mean, at + h);
        }
      x[i] = at + h * (p - below) / (above - below);
    }
}

double
sf_mixture_distance (const SfTensor *y)
{
  gsize n = sf_tensor_size (y) / 2;
  g_autofree double *projected = g_new (double, n), *ideal = g_new (double, n);
  double sum = 0;

  for (int k = 0; k < DIRECTIONS; k++)
    {
      double c = cos (G_PI * k / DIRECTIONS), s = sin (G_PI * k / DIRECTIONS), mean[SF_MIXTURE_MODES];

      for (int m = 0; m < SF_MIXTURE_MODES; m++)
        mean[m] = c * sf_mixture_mean[m][0] + s * sf_mixture_mean[m][1];
      for (gsize i = 0; i < n; i++)
        projected[i] = c * y->data[2 * i] + s * y->data[2 * i + 1];
      qsort (projected, n, sizeof *projected, compare);
      quantiles (mean, n, ideal);
      for (gsize i = 0; i < n; i++)
        sum += (projected[i] - ideal[i]) * (projected[i] - ideal[i]);
    }
  return sqrt (sum / (DIRECTIONS * n));
}
