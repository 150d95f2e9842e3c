/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-slope.h"

const SfSampler sf_sampler_dpm2_ancestral = {
  .name = "dpm2-ancestral",
  .label = N_ ("DPM2 ancestral"),
  .description = N_ ("DPM2 with fresh noise at each step; lively and precise, each step takes twice the time"),
  .family = SF_FAMILY_ANCESTRAL,
  .order = 2,
  .evaluations = 2,
  .extra = -1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .output = SF_OUTPUT_NOISE,
  .history = 1,
  .plan = sf_midpoint_plan,
};
