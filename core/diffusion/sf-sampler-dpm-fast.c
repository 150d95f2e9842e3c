/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lu et al., "DPM-Solver: a fast ODE solver for diffusion probabilistic model sampling in around 10 steps" (2022), section 3.4:
 * DPM-Solver-3 with single steps, known by this name from k-diffusion.
 */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpm_fast = {
  .name = "dpm-fast",
  .label = N_ ("DPM fast"),
  .description = N_ ("Steps of the noise prediction in threes; the most precise with 10 to 20 steps and weak guidance"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 3,
  .evaluations = 1,
  .output = SF_OUTPUT_NOISE,
  .history = 3,
  .plan = sf_dpm_singlestep_plan,
};
