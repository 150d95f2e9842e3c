/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Song et al. 2021, appendix E: the reverse SDE discretised as the forward process is. */
#include <glib/gi18n.h>

#include "diffusion/sf-sde.h"

const SfSampler sf_sampler_reverse_diffusion = {
  .name = "reverse-diffusion",
  .label = N_ ("Reverse diffusion"),
  .description = N_ ("Undoes each step of the forward process; stays tame with few steps but is grainy, wants a hundred"),
  .family = SF_FAMILY_SDE, /* no order: its ODE (eta = 0) is of the first, but with several times the error of Euler's step */
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .keeps_scale = TRUE,
  .history = 1,
  .plan = sf_sde_reverse_plan,
};
