/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zhang & Chen, "Fast sampling of diffusion models with exponential integrator" (2023), in the form log rho: the polynomial
 * through the last noises in x = log sigma, integrated over sigma.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-quadrature.h"

/* With x = log (sigma / s) the moments are  s * integral of x^m e^x,  by parts  X^m e^X - m M_(m - 1) */
static int
deis_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  int order = sf_sampling_order (s, k);
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma, end = log (to / from), power = 1;
  double node[SF_MAX_HISTORY], moment[SF_MAX_HISTORY] = { to - from };

  for (int j = 0; j < order; j++)
    node[j] = log (s->levels[k - j].sigma / from);
  for (int m = 1; m < order; m++)
    {
      power *= end;
      moment[m] = power * to - m * moment[m - 1];
    }
  stage->y = 1;
  sf_quadrature (node, order, moment, stage->d);
  return 1;
}

const SfSampler sf_sampler_deis = {
  .name = "deis",
  .label = N_ ("DEIS"),
  .description = N_ ("Remembers three slopes in log sigma; smooth and precise from 10 steps"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 2,
  .evaluations = 1,
  .output = SF_OUTPUT_NOISE,
  .history = 3,
  .plan = deis_plan,
};
