/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flow matching with fresh noise, x = (1 - f) D + f z: in sigma space D + t z. */
#include <glib/gi18n.h>

#include "diffusion/sf-sampling.h"

/* D + t z */
static int
flow_stochastic_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  stage->d[0] = 1;
  stage->noise = s->levels[k + 1].sigma;
  return 1;
}

const SfSampler sf_sampler_flow_stochastic = {
  .name = "flow-stochastic",
  .label = N_ ("Flow stochastic"),
  .description = N_ ("Starts anew from the estimated image at each step; for flow models distilled for few steps"),
  .family = SF_FAMILY_DISTILLED,
  .evaluations = 1,
  .stochastic = TRUE,
  .history = 1,
  .plan = flow_stochastic_plan,
};
