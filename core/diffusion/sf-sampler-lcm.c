/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Luo et al., "Latent consistency models" (2023): the network leads straight to the clean image, and fresh noise leads up to
 * the next level.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-sampling.h"

#define USUAL_SCALE 10

/* D' = c_skip x + c_out D, with weights that make D' = x at the network's time 0;  D' + t z */
static int
lcm_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  const SfNoiseLevel *from = &s->levels[k];
  double scaled = (s->options->time_scale > 0 ? s->options->time_scale : USUAL_SCALE) * from->t, square = scaled * scaled + 0.25;

  stage->y = 0.25 / square * from->a;
  stage->d[0] = scaled / sqrt (square);
  stage->noise = s->levels[k + 1].sigma;
  return 1;
}

const SfSampler sf_sampler_lcm = {
  .name = "lcm",
  .label = N_ ("LCM"),
  .description = N_ ("Only for consistency models: 2 to 8 steps; with others it is smooth and poor in detail"),
  .family = SF_FAMILY_DISTILLED,
  .evaluations = 1,
  .stochastic = TRUE,
  .history = 1,
  .plan = lcm_plan,
};
