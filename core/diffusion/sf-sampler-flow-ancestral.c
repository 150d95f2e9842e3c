/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Euler ancestral of flow matching (stable-diffusion.cpp), in its time f = sigma / (1 + sigma). */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-slope.h"

/* In that time down to f' (1 - q), q = eta (1 - f' / f), then noise up to f'. */
static int
flow_ancestral_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma;
  double q = s->options->eta * (from - to) / (from * (1 + to)), down = to * (1 - q) / (1 + to * q);

  *stage = sf_straight (s, from, down);
  stage->noise = sqrt ((to - down) * (to + down));
  return 1;
}

const SfSampler sf_sampler_flow_ancestral = {
  .name = "flow-ancestral",
  .label = N_ ("Flow ancestral"),
  .description = N_ ("Euler with fresh noise, measured in the time of flow matching; for flow models"),
  .family = SF_FAMILY_FLOW,
  .order = 1,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .history = 1,
  .plan = flow_ancestral_plan,
};
