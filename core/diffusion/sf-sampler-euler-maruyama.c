/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-sde.h"

const SfSampler sf_sampler_euler_maruyama = {
  .name = "euler-maruyama",
  .label = N_ ("Euler–Maruyama"),
  .description = N_ ("The plain step of the reverse SDE; grainy below some hundred steps, for study more than for pictures"),
  .family = SF_FAMILY_SDE, /* no order: its ODE (eta = 0) is of the first, but with several times the error of Euler's step */
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .keeps_scale = TRUE,
  .history = 1,
  .plan = sf_sde_euler_plan,
};
