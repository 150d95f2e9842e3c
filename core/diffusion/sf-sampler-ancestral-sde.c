/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Song et al. 2021, appendix F: the ancestral predictor, with all the noise of the forward step on VP processes and that of
 * the posterior on the others.
 */
#include <glib/gi18n.h>

#include "diffusion/sf-sde.h"

const SfSampler sf_sampler_ancestral_sde = {
  .name = "ancestral-sde",
  .label = N_ ("Ancestral predictor"),
  .description = N_ ("DDPM as the score literature writes it, by the process's own noise; only for hundreds of steps"),
  .family = SF_FAMILY_SDE,
  .evaluations = 1,
  .stochastic = TRUE,
  .keeps_scale = TRUE,
  .history = 1,
  .plan = sf_sde_ancestral_plan,
};
