/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PNDM as latent diffusion uses it: Adams-Bashforth from the second step on, begun with a trapezoid (Rombach et al. 2022,
 * diffusers' PNDMScheduler with skip_prk_steps).
 */
#include <glib/gi18n.h>

#include "diffusion/sf-pndm.h"

/* Euler, then from the same state along the mean of the noise there and here; the second noise is not remembered. */
static int
plms_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  if (s->past > 0 || k + 1 == s->n)
    return sf_pndm_step (s, k, stages);
  sf_pndm_transfer (s, k, &s->levels[k + 1], 1, (double[]) { 1 }, &stages[0]);
  sf_pndm_transfer (s, k, &s->levels[k + 1], 2, (double[]) { 0.5, 0.5 }, &stages[1]);
  stages[1].forget = 1;
  return 2;
}

const SfSampler sf_sampler_plms = {
  .name = "plms",
  .label = N_ ("PLMS"),
  .description = N_ ("Remembers the noise of four steps; what Stable Diffusion was first used with, good from 20 steps"),
  .family = SF_FAMILY_ODE,
  .order = 2,
  .evaluations = 1,
  .extra = 1,
  .start = 1,
  .output = SF_OUTPUT_NETWORK,
  .history = 4,
  .plan = plms_plan,
};
