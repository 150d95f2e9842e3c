/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-posterior.h"

#include <math.h>

/* keep = s^2 / r^2,  small = s^2 (r^2 - s^2) / r^2,  large = a_r^2 (r^2 - s^2) / a_s^2 */
SfPosterior
sf_posterior (const SfNoiseLevel *r, const SfNoiseLevel *s)
{
  double ratio = s->sigma / r->sigma, scale = r->a / s->a, step = (r->sigma - s->sigma) * (r->sigma + s->sigma);

  return (SfPosterior) { .keep = ratio * ratio, .small = s->sigma * s->sigma * (1 - ratio * ratio), .large = scale * scale * step };
}

double
sf_posterior_floor (const SfNoiseProcess *process)
{
  SfNoiseLevel first = sf_noise_process_level (process, process->kind != NULL ? process->kind->t_min : 0);
  gboolean has_step = process->kind == NULL && process->n > 1;
  SfNoiseLevel second = has_step ? sf_noise_process_level (process, 1) : first;

  return log (has_step ? sf_posterior (&second, &first).small : first.sigma * first.sigma) + 2 * log (first.a);
}

/* log variance of a_s y_s = v, or f log large + (1 - f) log small with f = (v + 1) / 2 (Nichol & Dhariwal 2021, equation 15) */
void
sf_learned_log_variance (SfVariance kind, const SfNoiseLevel *r, const SfNoiseLevel *s, double floor, double *offset, double *slope)
{
  SfPosterior p = sf_posterior (r, s);
  double scale = 2 * log (s->a), large = log (p.large), small = p.small > 0 ? log (p.small) : floor;
  gboolean range = kind == SF_VARIANCE_LEARNED_RANGE;

  *offset = range ? (large + small) / 2 : -scale;
  *slope = range ? (large - small) / 2 : 1;
}

void
sf_learned_deviation (SfVariance kind, const SfNoiseLevel *r, const SfNoiseLevel *s, double floor, const SfTensor *second,
                      SfTensor *deviation)
{
  double offset, slope;

  sf_learned_log_variance (kind, r, s, floor, &offset, &slope);
  for (gsize i = 0; i < sf_tensor_size (second); i++)
    deviation->data[i] = (SfReal) exp ((offset + slope * second->data[i]) / 2);
}
