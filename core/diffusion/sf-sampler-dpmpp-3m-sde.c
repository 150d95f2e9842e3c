/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpmpp_3m_sde = {
  .name = "dpmpp-3m-sde",
  .label = N_ ("DPM++ 3M SDE"),
  .description = N_ ("Like DPM++ 2M SDE with one more step in memory; for 30 steps or more"),
  .family = SF_FAMILY_SDE,
  .order = 2,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .history = 3,
  .plan = sf_dpm_multistep_plan,
};
