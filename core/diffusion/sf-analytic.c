/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-analytic.h"

#include <math.h>

#include "base/sf-parallel.h"

#define TILE 16384

/* Gamma at a time that may lie between the entries. */
static double
gamma_at (const double *gamma, int n, double t)
{
  double inside = CLAMP (t, 0, n - 1);
  int low = (int) inside, high = MIN (low + 1, n - 1);

  return gamma[low] + (inside - low) * (gamma[high] - gamma[low]);
}

/* Whether nothing tells the spread. */
static gboolean
is_guess (const SfSampling *s)
{
  return s->options->gamma == NULL && s->options->spread == SF_SPREAD_DEFAULT && s->variance != SF_VARIANCE_SN && s->variance != SF_VARIANCE_NPR;
}

/* How f becomes the deviation. */
typedef struct
{
  const SfReal *y, *d, *second; /* second (nullable): of SN or NPR */
  gboolean npr;
  double sigma, known, square;  /* deviation^2 = known + square * covariance */
  double least, most;           /* of the covariance */
  SfReal *deviation;
} Spread;

static inline double
deviation_of (const Spread *self, double f)
{
  double cov = CLAMP (self->sigma * self->sigma * f, self->least, self->most);

  return sqrt (MAX (self->known + self->square * cov, 0));
}

static void
spread_tile (gsize begin, gsize end, gpointer data)
{
  const Spread *self = data;

  for (gsize i = begin; i < end; i++)
    {
      double n = self->npr ? 0 : (self->y[i] - self->d[i]) / self->sigma;

      self->deviation[i] = (SfReal) deviation_of (self, (self->second != NULL ? self->second[i] : 1) - n * n);
    }
}

/* f of one image, all of whose elements have the same. */
static double
image_share (const SfSampling *s, const Spread *self, int k, int image)
{
  double n = (double) sf_tensor_size (s->state) / s->state->n, square, chance;

  if (s->options->gamma != NULL)
    return 1 - gamma_at (s->options->gamma, s->process->n, sf_sampling_time (s, &s->levels[k]));
  square = self->npr ? 0 : sf_sum_squares (s->state, s->raw, image) / n / (self->sigma * self->sigma);
  if (self->second != NULL)
    return sf_sum_image (s->second, image) / n - square;
  chance = is_guess (s) ? self->sigma * self->sigma * sqrt (2 / n) : 0; /* deviation of sigma^2 times the mean of n^2 */
  return (1 - square) / (1 + chance * chance);
}

void
sf_analytic_deviation (const SfSampling *s, int k, double w, double known, SfTensor *deviation)
{
  const SfSamplerOptions *options = s->options;
  gboolean npr = s->variance == SF_VARIANCE_NPR, told = npr || s->variance == SF_VARIANCE_SN;
  /* An x0 in [-1, 1] has a variance in [0, 1].  Else what is told or found counts, below 0 as long as the sum is not: where the
   * state has more noise than its level says, less is added.
   */
  gboolean clips = options->clip.kind != SF_CLIP_NONE;
  Spread spread = {
    .y = s->state->data,
    .d = s->raw->data,
    .second = told ? s->second->data : NULL,
    .npr = npr,
    .sigma = s->levels[k].sigma,
    .known = known,
    .square = w * w,
    .least = clips ? 0 : -G_MAXDOUBLE,
    .most = clips || is_guess (s) ? 1 : G_MAXDOUBLE,
    .deviation = deviation->data,
  };
  gsize n = sf_tensor_size (deviation) / deviation->n;

  if (options->gamma == NULL && options->spread != SF_SPREAD_IMAGE && !is_guess (s))
    {
      sf_parallel_for (sf_tensor_size (deviation), TILE, spread_tile, &spread, NULL);
      return;
    }
  for (int image = 0; image < deviation->n; image++)
    {
      SfReal same = (SfReal) deviation_of (&spread, image_share (s, &spread, k, image));

      for (gsize i = image * n; i < (image + 1) * n; i++)
        deviation->data[i] = same;
    }
}
