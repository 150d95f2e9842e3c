/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpm_solver_3m = {
  .name = "dpm-solver-3m",
  .label = N_ ("DPM-Solver 3M"),
  .description = N_ ("Uses the noise of three steps at once; quick, for weak guidance only"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 2,
  .evaluations = 1,
  .output = SF_OUTPUT_NOISE,
  .history = 3,
  .plan = sf_dpm_multistep_plan,
};
