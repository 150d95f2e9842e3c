/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpmpp_3s = {
  .name = "dpmpp-3s",
  .label = N_ ("DPM++ 3S"),
  .description = N_ ("Steps in threes that begin anew each time; precise, calm results"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 3,
  .evaluations = 1,
  .history = 3,
  .plan = sf_dpm_singlestep_plan,
};
