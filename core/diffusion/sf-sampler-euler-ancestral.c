/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-sampling.h"

/* Euler down below the target, then noise up to it:
 * (down / s) y + (1 - down / s) D + up z,  up^2 + down^2 = t^2
 */
static int
euler_ancestral_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  double from = s->levels[k].sigma, down;

  sf_ancestral_split (from, s->levels[k + 1].sigma, s->options->eta, &stage->noise, &down);
  stage->y = down / from;
  stage->d[0] = 1 - down / from;
  return 1;
}

const SfSampler sf_sampler_euler_ancestral = {
  .name = "euler-ancestral",
  .label = N_ ("Euler ancestral"),
  .description = N_ ("Euler with fresh noise at each step; livelier texture and more variety"),
  .family = SF_FAMILY_COMMON,
  .order = 1,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .history = 1,
  .stages = 1,
  .plan = euler_ancestral_plan,
};
