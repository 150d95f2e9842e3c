/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ho, Jain, Abbeel, "Denoising diffusion probabilistic models" (2020), equations 6 and 7 in sigma space: a draw from the
 * posterior of the next state given this one and D.  Its variance is the network's, where that has learned it (Nichol &
 * Dhariwal 2021), else the smaller of the two fixed ones.
 */
#include <glib/gi18n.h>

#include "diffusion/sf-ancestral.h"

const SfSampler sf_sampler_ddpm = {
  .name = "ddpm",
  .label = N_ ("DDPM"),
  .description = N_ ("The original random walk, the same as DDIM with eta 1; rich texture and much variety, wants many steps"),
  .family = SF_FAMILY_COMMON,
  .evaluations = 1,
  .stochastic = TRUE,
  .history = 1,
  .plan = sf_ancestral_plan,
  .deviation = sf_ancestral_deviation,
};
