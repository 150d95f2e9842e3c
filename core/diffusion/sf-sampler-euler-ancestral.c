/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Euler down below the target, then noise up to it. */
#include <glib/gi18n.h>

#include "diffusion/sf-slope.h"

const SfSampler sf_sampler_euler_ancestral = {
  .name = "euler-ancestral",
  .label = N_ ("Euler ancestral"),
  .description = N_ ("Euler with fresh noise at each step; livelier texture and more variety"),
  .family = SF_FAMILY_COMMON,
  .order = 1,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .history = 1,
  .plan = sf_straight_plan,
};
