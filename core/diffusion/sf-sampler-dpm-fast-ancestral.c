/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpm_fast_ancestral = {
  .name = "dpm-fast-ancestral",
  .label = N_ ("DPM fast ancestral"),
  .description = N_ ("DPM fast with fresh noise after every third step; livelier, less precise"),
  .family = SF_FAMILY_ANCESTRAL,
  .order = 3,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .output = SF_OUTPUT_NOISE,
  .history = 3,
  .plan = sf_dpm_ancestral_plan,
};
