/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-analytic.h"

#include <math.h>

/* Gamma at a time that may lie between the entries. */
static double
gamma_at (const double *gamma, int n, double t)
{
  double inside = CLAMP (t, 0, n - 1);
  int low = (int) inside, high = MIN (low + 1, n - 1);

  return gamma[low] + (inside - low) * (gamma[high] - gamma[low]);
}

/* f of each element. */
static void
fill_share (const SfSampling *s, double sigma, SfTensor *f)
{
  const SfReal *y = s->state->data, *d = s->raw->data, *second = s->second != NULL ? s->second->data : NULL;
  gboolean npr = s->variance == SF_VARIANCE_NPR, sn = s->variance == SF_VARIANCE_SN;

  for (gsize i = 0; i < sf_tensor_size (f); i++)
    {
      SfReal n = (SfReal) ((y[i] - d[i]) / sigma);

      f->data[i] = npr ? second[i] : (sn ? second[i] : 1) - n * n;
    }
}

/* Whether nothing tells the spread. */
static gboolean
is_guess (const SfSampling *s)
{
  return s->options->gamma == NULL && s->options->spread == SF_SPREAD_DEFAULT && s->variance != SF_VARIANCE_SN && s->variance != SF_VARIANCE_NPR;
}

/* Every element becomes the mean, times @weight. */
static void
average (SfReal *x, gsize n, double weight)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += x[i];
  for (gsize i = 0; i < n; i++)
    x[i] = (SfReal) (sum / n * weight);
}

static void
fill_covariance (const SfSampling *s, const SfNoiseLevel *from, SfTensor *cov)
{
  gsize size = sf_tensor_size (cov), n = size / cov->n;
  double chance = from->sigma * from->sigma * sqrt (2.0 / n); /* deviation of sigma^2 times the mean of n^2 */

  if (s->options->gamma != NULL)
    {
      double gamma = gamma_at (s->options->gamma, s->process->n, sf_sampling_time (s, from));

      for (gsize i = 0; i < size; i++)
        cov->data[i] = (SfReal) (1 - gamma);
      return;
    }
  fill_share (s, from->sigma, cov);
  if (s->options->spread == SF_SPREAD_IMAGE || is_guess (s))
    for (int i = 0; i < cov->n; i++)
      average (cov->data + i * n, n, is_guess (s) ? 1 / (1 + chance * chance) : 1);
}

void
sf_analytic_deviation (const SfSampling *s, int k, double w, double known, SfTensor *deviation)
{
  const SfSamplerOptions *options = s->options;
  double sigma = s->levels[k].sigma, square = sigma * sigma;
  /* An x0 in [-1, 1] has a variance in [0, 1].  Else what is told or found counts, below 0 as long as the sum is not: where the
   * state has more noise than its level says, less is added.
   */
  gboolean clips = options->clip.kind != SF_CLIP_NONE;
  double least = clips ? 0 : -G_MAXDOUBLE, most = clips || is_guess (s) ? 1 : G_MAXDOUBLE;

  fill_covariance (s, &s->levels[k], deviation);
  for (gsize i = 0; i < sf_tensor_size (deviation); i++)
    {
      double cov = CLAMP (square * deviation->data[i], least, most);

      deviation->data[i] = (SfReal) sqrt (MAX (known + w * w * cov, 0));
    }
}
