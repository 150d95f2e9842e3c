/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k-diffusion's singlestep solver of the reverse SDE, after Lu et al. 2022b. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-slope.h"

/* Ancestral to a level between, share r of the way in log sigma, and from the beginning ancestral to the end with
 * (1 - 1 / 2r) D(y, s) + (1 / 2r) D(y2, between)
 */
static int
dpmpp_sde_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma, r = s->options->ratio > 0 ? s->options->ratio : 0.5;
  double between = from * pow (to / from, r), noise, down, share;

  if (to == 0)
    {
      stages[0] = sf_straight (s, from, to);
      return 1;
    }
  sf_ancestral_split (from, between, s->options->eta, &noise, &down);
  stages[0] = sf_straight (s, from, down);
  stages[0].noise = noise;
  stages[0].level = sf_sampling_level (s, between);
  sf_ancestral_split (from, to, s->options->eta, &noise, &down);
  share = 1 - down / from;
  stages[1] = (SfSamplerStage) { .y = 1 - share, .d = { share / (2 * r), share * (1 - 1 / (2 * r)) }, .noise = noise };
  return 2;
}

const SfSampler sf_sampler_dpmpp_sde = {
  .name = "dpmpp-sde",
  .label = N_ ("DPM++ SDE"),
  .description = N_ ("Fresh noise twice in each step; rich detail from few steps, each takes twice the time"),
  .family = SF_FAMILY_SDE,
  .order = 2,
  .evaluations = 2,
  .extra = -1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .history = 2,
  .plan = dpmpp_sde_plan,
};
