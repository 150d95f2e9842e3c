/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-sampling.h"

/* y + (t - s) d = (t / s) y + (1 - t / s) D */
static int
euler_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  double ratio = s->levels[k + 1].sigma / s->levels[k].sigma;

  stage->y = ratio;
  stage->d[0] = 1 - ratio;
  return 1;
}

const SfSampler sf_sampler_euler = {
  .name = "euler",
  .label = N_ ("Euler"),
  .description = N_ ("The plain step; soft, calm results that depend on the seed only through the start"),
  .family = SF_FAMILY_COMMON,
  .order = 1,
  .evaluations = 1,
  .inverts = TRUE,
  .history = 1,
  .stages = 1,
  .plan = euler_plan,
};
