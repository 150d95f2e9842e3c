/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-slope.h"

#include <math.h>

/* Karras et al. 2022, algorithm 2: up from s to s' = s (1 + g), with noise of variance s'^2 - s^2. */
static gboolean
churn (const SfSampling *s, int k, SfSamplerStage *stage, double *sigma)
{
  const SfSamplerOptions *options = s->options;
  double from = *sigma, g = MIN (options->churn / s->n, G_SQRT2 - 1);

  if (g <= 0 || from < options->churn_min || from > options->churn_max)
    return FALSE;
  *sigma = from * (1 + g);
  *stage = (SfSamplerStage) {
    .y = 1,
    .noise = sqrt ((*sigma - from) * (*sigma + from)),
    .level = sf_sampling_level (s, *sigma),
    .no_evaluation = TRUE,
    .new_base = TRUE,
  };
  return TRUE;
}

SfSpan
sf_span (const SfSampling *s, int k, SfSamplerStage *stages)
{
  SfSpan span = { .from = s->levels[k].sigma, .to = s->levels[k + 1].sigma };

  if (s->sampler->uses_churn)
    span.stages = churn (s, k, stages, &span.from);
  if (s->sampler->uses_eta)
    sf_ancestral_split (span.from, span.to, s->options->eta, &span.noise, &span.to);
  return span;
}

/* y + (t - s) n = (t / s) y + (1 - t / s) D */
SfSamplerStage
sf_straight (const SfSampling *s, double from, double to)
{
  if (s->sampler->output == SF_OUTPUT_NOISE)
    return (SfSamplerStage) { .y = 1, .d = { to - from } };
  return (SfSamplerStage) { .y = to / from, .d = { 1 - to / from } };
}

int
sf_straight_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  SfSpan span = sf_span (s, k, stages);
  SfSamplerStage *stage = &stages[span.stages++];

  *stage = sf_straight (s, span.from, span.to);
  stage->noise = span.noise;
  return span.stages;
}

/* To the geometric mean of both ends, then again from the beginning with what was found there.  Into 0 straight. */
int
sf_midpoint_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  SfSpan span = sf_span (s, k, stages);
  double middle = sqrt (span.from * span.to);

  if (middle > 0)
    {
      stages[span.stages] = sf_straight (s, span.from, middle);
      stages[span.stages++].level = sf_sampling_level (s, middle);
    }
  stages[span.stages] = sf_straight (s, span.from, span.to);
  stages[span.stages++].noise = span.noise;
  return span.stages;
}
