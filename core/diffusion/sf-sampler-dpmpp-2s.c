/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpmpp_2s = {
  .name = "dpmpp-2s",
  .label = N_ ("DPM++ 2S"),
  .description = N_ ("Steps in pairs that begin anew each time; steady, for strong guidance"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 2,
  .evaluations = 1,
  .history = 2,
  .plan = sf_dpm_singlestep_plan,
};
