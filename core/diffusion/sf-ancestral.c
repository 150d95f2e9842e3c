/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-ancestral.h"

#include <math.h>

#include "diffusion/sf-posterior.h"

void
sf_ancestral_plan (const SfSampling *s, int k, gboolean large, SfSamplerStage *stage)
{
  const SfNoiseLevel *to = &s->levels[k + 1];
  SfPosterior p = sf_posterior (&s->levels[k], to);
  gboolean learned = sf_variance_is_learned (s->variance);
  double variance = learned ? 1 : large ? p.large
                                        : p.small;

  /* The larger variance is not used for the step into the clean image. */
  if (to->sigma == 0 && large && !learned)
    variance = exp (sf_posterior_floor (s->process));
  stage->y = p.keep;
  stage->d[0] = 1 - p.keep;
  stage->per_element = learned;
  stage->variance = variance;
  stage->noise = to->sigma > 0 ? sqrt (variance) : 0;
}

gboolean
sf_ancestral_deviation (const SfSampling *s, int k, SfTensor *deviation, GError **error)
{
  sf_learned_deviation (s->variance, &s->levels[k], &s->levels[k + 1], sf_posterior_floor (s->process), s->second, deviation);
  return TRUE;
}
