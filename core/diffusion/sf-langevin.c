/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-langevin.h"

#include <math.h>

#include "diffusion/sf-sde.h"

/* Mean over the images of the norm of x - y. */
static double
mean_norm (const SfTensor *x, const SfTensor *y)
{
  double sum = 0;

  for (int image = 0; image < x->n; image++)
    sum += sqrt (sf_sum_squares (x, y, image));
  return sum / x->n;
}

double
sf_langevin_delta (const SfCorrector *self, const SfNoiseLevel *level, double alpha, const SfTensor *y, const SfTensor *denoised,
                   const SfTensor *z)
{
  double ratio = self->snr, noise = self->kind == SF_CORRECTOR_LANGEVIN ? mean_norm (y, denoised) : 0;

  if (noise > 0)
    ratio *= level->sigma * mean_norm (z, NULL) / noise;
  return 2 * alpha * ratio * ratio;
}

int
sf_langevin_plan (const SfSampling *s, int k, int inner, double delta, SfSamplerStage *stages)
{
  const SfNoiseLevel *at = &s->levels[k], *to = &s->levels[k + 1];
  int first = 0;

  if (sf_sde_is_exact (s, k))
    {
      sf_sde_posterior (s, k, &stages[first++]);
      stages[0].new_base = TRUE;
      at = to;
    }
  for (int i = first; i < inner && at->sigma > 0; i++)
    stages[i] = (SfSamplerStage) {
      .y = 1 - delta,
      .d = { delta },
      .noise = at->sigma * sqrt (2 * delta),
      .level = i < inner - 1 ? *at : *to,
      .new_base = TRUE,
    };
  return at->sigma > 0 ? inner : 1;
}
