/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPM-Solver-2 as Karras et al. 2022 and k-diffusion have it, by the slope. */
#include <glib/gi18n.h>

#include "diffusion/sf-slope.h"

const SfSampler sf_sampler_dpm2 = {
  .name = "dpm2",
  .label = N_ ("DPM2"),
  .description = N_ ("Takes the slope from the middle of each step; precise, each step takes twice the time"),
  .family = SF_FAMILY_ODE,
  .order = 2,
  .evaluations = 2,
  .extra = -1,
  .uses_churn = TRUE,
  .output = SF_OUTPUT_NOISE,
  .history = 1,
  .plan = sf_midpoint_plan,
};
