/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lu et al. 2022b, algorithm 1, made ancestral by k-diffusion: DPM2 ancestral on the image instead of the noise. */
#include <glib/gi18n.h>

#include "diffusion/sf-slope.h"

const SfSampler sf_sampler_dpmpp_2s_ancestral = {
  .name = "dpmpp-2s-ancestral",
  .label = N_ ("DPM++ 2S ancestral"),
  .description = N_ ("Lively texture like Euler ancestral, more finely drawn; each step takes twice the time"),
  .family = SF_FAMILY_ANCESTRAL,
  .order = 2,
  .evaluations = 2,
  .extra = -1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .history = 1,
  .plan = sf_midpoint_plan,
};
