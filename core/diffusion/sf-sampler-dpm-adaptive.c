/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPM-Solver-23 as k-diffusion has it. */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpm_adaptive = {
  .name = "dpm-adaptive",
  .label = N_ ("DPM adaptive"),
  .description = N_ ("Chooses its own steps, about 15 of three evaluations; precise, the number of steps is ignored"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 3,
  .extra = 45,
  .output = SF_OUTPUT_NOISE,
  .history = 3,
  .own_loop = TRUE,
  .run = sf_dpm_adaptive_run,
};
