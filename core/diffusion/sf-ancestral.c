/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-ancestral.h"

#include <math.h>

#include "diffusion/sf-posterior.h"

/* What diffusers takes for a variance of 0, which matters only where the noise of the last step is kept. */
#define LEAST_VARIANCE 1e-20

static double
log_floor (const SfSampling *s)
{
  return s->options->noisy_end ? log (LEAST_VARIANCE) : sf_posterior_floor (s->process);
}

static int
plan (const SfSampling *s, int k, gboolean large, SfSamplerStage *stage)
{
  SfPosterior p = sf_posterior (&s->levels[k], &s->levels[k + 1]);
  gboolean learned = sf_variance_is_learned (s->variance);
  gboolean noisy = s->levels[k + 1].sigma > 0 || s->options->noisy_end;

  stage->y = p.keep;
  stage->d[0] = 1 - p.keep;
  stage->per_element = learned;
  stage->variance = learned ? 1 : large ? p.large
                                        : p.small;
  stage->noise = noisy ? sqrt (stage->variance) : 0;
  /* The larger variance is not used for the step into the clean image. */
  if (large && !learned && !noisy)
    stage->variance = exp (log_floor (s));
  return 1;
}

int
sf_ancestral_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  return plan (s, k, FALSE, stages);
}

int
sf_ancestral_large_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  return plan (s, k, TRUE, stages);
}

gboolean
sf_ancestral_deviation (const SfSampling *s, int k, SfTensor *deviation, GError **error)
{
  sf_learned_deviation (s->variance, &s->levels[k], &s->levels[k + 1], log_floor (s), s->second, deviation);
  return TRUE;
}
