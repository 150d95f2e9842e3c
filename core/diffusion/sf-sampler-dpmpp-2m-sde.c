/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPM-Solver++ for the reverse SDE (Lu et al. 2022b, section 3.4); eta as in k-diffusion. */
#include <glib/gi18n.h>

#include "diffusion/sf-dpm-solver.h"

const SfSampler sf_sampler_dpmpp_2m_sde = {
  .name = "dpmpp-2m-sde",
  .label = N_ ("DPM++ 2M SDE"),
  .description = N_ ("DPM++ 2M with fresh noise at each step; fine texture from 20 steps"),
  .family = SF_FAMILY_SDE,
  .order = 2,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .history = 2,
  .plan = sf_dpm_multistep_plan,
};
