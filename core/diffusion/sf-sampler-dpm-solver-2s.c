/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpm_solver_2s = {
  .name = "dpm-solver-2s",
  .label = N_ ("DPM-Solver 2S"),
  .description = N_ ("Steps of the noise prediction in pairs; precise with weak guidance"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 2,
  .evaluations = 1,
  .output = SF_OUTPUT_NOISE,
  .history = 2,
  .plan = sf_dpm_singlestep_plan,
};
