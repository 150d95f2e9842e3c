/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DDPM with the larger of the two fixed variances of Ho et al. 2020, that of the forward step. */
#include <glib/gi18n.h>

#include "diffusion/sf-ancestral.h"

const SfSampler sf_sampler_ddpm_large = {
  .name = "ddpm-large",
  .label = N_ ("DDPM, large variance"),
  .description = N_ ("DDPM with all the noise of the forward step; only for hundreds of steps, with few it stays grainy"),
  .family = SF_FAMILY_ANCESTRAL,
  .evaluations = 1,
  .stochastic = TRUE,
  .history = 1,
  .plan = sf_ancestral_large_plan,
  .deviation = sf_ancestral_deviation,
};
