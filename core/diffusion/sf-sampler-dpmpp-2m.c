/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lu et al., "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models" (2022), algorithm 2:
 * second order from one evaluation per step, by remembering the last one.
 */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpmpp_2m = {
  .name = "dpmpp-2m",
  .label = N_ ("DPM++ 2M"),
  .description = N_ ("Uses two steps at once; precise and quick, calm results"),
  .family = SF_FAMILY_COMMON,
  .order = 2,
  .evaluations = 1,
  .history = 2,
  .plan = sf_dpm_multistep_plan,
};
