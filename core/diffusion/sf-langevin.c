/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-langevin.h"

#include <math.h>

/* Mean over the images of the norm of x - y. */
static double
mean_norm (const SfTensor *x, const SfTensor *y)
{
  gsize n = sf_tensor_size (x) / x->n;
  double sum = 0;

  for (int image = 0; image < x->n; image++)
    {
      double square = 0;

      for (gsize i = image * n; i < (image + 1) * n; i++)
        {
          double d = y != NULL ? (double) x->data[i] - y->data[i] : x->data[i];

          square += d * d;
        }
      sum += sqrt (square);
    }
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
  const SfNoiseLevel *level = &s->levels[k];

  if (s->levels[k + 1].sigma == 0)
    {
      stages[0].d[0] = 1;
      return 1;
    }
  for (int i = 0; i < inner; i++)
    stages[i] = (SfSamplerStage) {
      .y = 1 - delta,
      .d = { delta },
      .noise = level->sigma * sqrt (2 * delta),
      .level = i < inner - 1 ? *level : s->levels[k + 1],
      .new_base = TRUE,
    };
  return inner;
}
