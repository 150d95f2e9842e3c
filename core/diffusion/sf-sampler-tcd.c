/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zheng et al., "Trajectory consistency distillation" (2024), algorithm 4: a jump to the time (1 - eta) t below the next one,
 * and noise up to that.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-sampling.h"

/* (1 - eta) t, rounded down where t is an entry of the table; not below the clean end of the process */
static SfNoiseLevel
jump (const SfSampling *s, const SfNoiseLevel *to)
{
  double t = sf_sampling_time (s, to), down = (1 - s->options->eta) * t;

  if (s->options->eta == 0 || to->sigma == 0 || t <= 0)
    return *to;
  return sf_noise_process_level (s->process, t == round (t) ? floor (down) : down);
}

/* (d / s) y + (1 - d / s) D + sqrt (t^2 - d^2) z */
static int
tcd_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  const SfNoiseLevel *to = &s->levels[k + 1];
  double from = s->levels[k].sigma, down = jump (s, to).sigma;

  stage->y = down / from;
  stage->d[0] = 1 - down / from;
  stage->noise = sqrt ((to->sigma - down) * (to->sigma + down));
  return 1;
}

const SfSampler sf_sampler_tcd = {
  .name = "tcd",
  .label = N_ ("TCD"),
  .description = N_ ("Only for networks distilled for it: 4 to 8 steps; eta is how much is drawn anew at each step"),
  .family = SF_FAMILY_DISTILLED,
  .order = 1,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .history = 1,
  .plan = tcd_plan,
};
