/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpmpp_3m = {
  .name = "dpmpp-3m",
  .label = N_ ("DPM++ 3M"),
  .description = N_ ("Uses three steps at once; calm results, for weak guidance and 15 steps or more"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 2,
  .evaluations = 1,
  .history = 3,
  .plan = sf_dpm_multistep_plan,
};
