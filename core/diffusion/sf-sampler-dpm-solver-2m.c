/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpm_solver_2m = {
  .name = "dpm-solver-2m",
  .label = N_ ("DPM-Solver 2M"),
  .description = N_ ("Uses the noise of two steps at once; quick, but unsteady with strong guidance"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 2,
  .evaluations = 1,
  .output = SF_OUTPUT_NOISE,
  .history = 2,
  .plan = sf_dpm_multistep_plan,
};
