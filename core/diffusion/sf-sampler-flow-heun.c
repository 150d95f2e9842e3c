/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heun in the time f = sigma / (1 + sigma) of flow matching, where x = (1 - f) x0 + f n and its velocity is u = n - x0. */
#include <glib/gi18n.h>

#include "diffusion/sf-slope.h"

/* y = x / (1 - f),  x' = x + (f' - f) (u + u') / 2,  u = (y - D) / s - D,  u' the same at the end of the Euler step */
static int
flow_heun_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma;
  double clean = 1 / (1 + to), half = (to / (1 + to) - from / (1 + from)) / 2 / clean;

  stages[0] = sf_straight (s, from, to);
  if (to == 0)
    return 1;
  stages[1].y = 1 / (1 + from) / clean + 2 * half / from;
  stages[1].d[0] = -half * (1 + 1 / to);
  stages[1].d[1] = half * ((1 - to / from) / to - 1 - 1 / from);
  return 2;
}

const SfSampler sf_sampler_flow_heun = {
  .name = "flow-heun",
  .label = N_ ("Flow Heun"),
  .description = N_ ("Heun with straight lines in the time of flow matching; for flow models, each step takes twice the time"),
  .family = SF_FAMILY_FLOW,
  .order = 2,
  .evaluations = 2,
  .extra = -1,
  .history = 2,
  .plan = flow_heun_plan,
};
