/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPM-Solver-23 with the step size of its authors (Lu et al. 2022, algorithm 3). */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpm_solver_adaptive = {
  .name = "dpm-solver-adaptive",
  .label = N_ ("DPM-Solver adaptive"),
  .description = N_ ("Like DPM adaptive, but careful with the worst of several images; the number of steps is ignored"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 3,
  .extra = 45,
  .output = SF_OUTPUT_NOISE,
  .history = 3,
  .own_loop = TRUE,
  .run = sf_dpm_solver_adaptive_run,
};
