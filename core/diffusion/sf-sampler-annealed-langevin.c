/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Song & Ermon, "Generative modeling by estimating gradients of the data distribution" (2019), algorithm 1: steps of
 * alpha_i = eps sigma_i^2 / sigma_L^2, which is 2 delta sigma_i^2, so delta is the same at all levels.
 */
#include <glib/gi18n.h>

#include "diffusion/sf-langevin.h"

#define INNER 5   /* steps at each level; theirs are 100 at each of 10 levels */
#define DELTA 0.2 /* theirs is 0.1 */

static int
annealed_langevin_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  return sf_langevin_plan (s, k, INNER, DELTA, stages);
}

const SfSampler sf_sampler_annealed_langevin = {
  .name = "annealed-langevin",
  .label = N_ ("Annealed Langevin dynamics"),
  .description = N_ ("Five small shaken steps at each noise level; slow, and with fewer than a hundred levels noise stays"),
  .family = SF_FAMILY_SDE,
  .evaluations = INNER,
  .extra = 1 - INNER,
  .stochastic = TRUE,
  .history = 1,
  .plan = annealed_langevin_plan,
};
