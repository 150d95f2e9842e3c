/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Langevin dynamics, one step at each level: with levels that are all the same it is the dynamics of that one distribution. */
#include <glib/gi18n.h>

#include "diffusion/sf-langevin.h"

#define DELTA 0.5 /* a larger step leaves more noise in, a smaller one lags behind the falling levels */

static int
langevin_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  return sf_langevin_plan (s, k, 1, DELTA, stages);
}

const SfSampler sf_sampler_langevin = {
  .name = "langevin",
  .label = N_ ("Langevin dynamics"),
  .description = N_ ("Drifts towards the image while fresh noise shakes it; only for hundreds of steps, else noise stays"),
  .family = SF_FAMILY_SDE,
  .evaluations = 1,
  .stochastic = TRUE,
  .history = 1,
  .plan = langevin_plan,
};
