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

static void
average (SfReal *x, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += x[i];
  for (gsize i = 0; i < n; i++)
    x[i] = (SfReal) (sum / n);
}

static void
fill_covariance (const SfSampling *s, const SfNoiseLevel *from, SfTensor *cov)
{
  gboolean told = s->variance == SF_VARIANCE_SN || s->variance == SF_VARIANCE_NPR;
  gsize size = sf_tensor_size (cov), n = size / cov->n;

  if (s->options->gamma != NULL)
    {
      double gamma = gamma_at (s->options->gamma, s->process->n, sf_sampling_time (s, from));

      for (gsize i = 0; i < size; i++)
        cov->data[i] = (SfReal) (1 - gamma);
      return;
    }
  fill_share (s, from->sigma, cov);
  if (s->options->spread == SF_SPREAD_IMAGE || (s->options->spread == SF_SPREAD_DEFAULT && !told))
    for (int i = 0; i < cov->n; i++)
      average (cov->data + i * n, n);
}

void
sf_analytic_deviation (const SfSampling *s, int k, double w, double known, SfTensor *deviation)
{
  const SfSamplerOptions *options = s->options;
  double sigma = s->levels[k].sigma, square = sigma * sigma, limit = G_MAXDOUBLE;
  /* An x0 in [-1, 1] has a variance in [0, 1].  Without clipping an estimate below 0 counts as long as the sum does not. */
  double least = options->clip.kind != SF_CLIP_NONE ? 0 : -G_MAXDOUBLE;
  double most = options->clip.kind != SF_CLIP_NONE ? 1 : G_MAXDOUBLE;

  if (options->deviation_max > 0 && k + 1 >= s->n - options->deviation_max_steps)
    limit = options->deviation_max / s->levels[k + 1].a;
  fill_covariance (s, &s->levels[k], deviation);
  for (gsize i = 0; i < sf_tensor_size (deviation); i++)
    {
      double cov = CLAMP (square * deviation->data[i], least, most);

      deviation->data[i] = (SfReal) MIN (sqrt (MAX (known + w * w * cov, 0)), limit);
    }
}
