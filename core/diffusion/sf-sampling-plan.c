/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What samplers ask when they plan a step. */
#include "diffusion/sf-sampling.h"

#include <math.h>

SfNoiseLevel
sf_sampling_level (const SfSampling *s, double sigma)
{
  return sf_noise_process_level_at (s->process, sigma);
}

double
sf_sampling_time (const SfSampling *s, const SfNoiseLevel *level)
{
  double t = sf_noise_process_t (s->process, level->sigma), whole = round (t);

  return s->process->kind == NULL && fabs (t - whole) < 1e-6 ? whole : t;
}

int
sf_sampling_highest_order (const SfSampling *s)
{
  return s->options->order > 0 ? MIN (s->options->order, s->sampler->history) : s->sampler->history;
}

int
sf_sampling_order_within (const SfSampling *s, int k, int order, int past)
{
  int usable = 1;

  if (s->levels[k + 1].sigma == 0)
    return 1;
  order = MIN (order, past + 1);
  while (usable < order && s->levels[k - usable].sigma != s->levels[k - usable + 1].sigma)
    usable++;
  return usable;
}

int
sf_sampling_order (const SfSampling *s, int k)
{
  int order = sf_sampling_highest_order (s);

  /* Few steps end with large ones, where high orders do harm (Lu et al. 2022). */
  if (s->n < 15 && !s->options->full_order_last)
    order = MIN (order, s->n - k);
  if (k == s->n - 1 && s->options->euler_last)
    order = 1;
  return sf_sampling_order_within (s, k, order, s->past);
}

void
sf_ancestral_split (double s, double t, double eta, double *up, double *down)
{
  *up = eta > 0 ? eta * t * sqrt ((s - t) * (s + t)) / s : 0;
  *down = t * sqrt ((1 - eta) * (1 + eta) + (eta * t / s) * (eta * t / s)); /* sqrt (t^2 - up^2), which would cancel */
}
