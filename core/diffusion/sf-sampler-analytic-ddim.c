/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-analytic.h"

/* D + down n = (1 - w) y + w D with w = 1 - down / s, as DDIM; up^2 is the variance that it has for known x0 */
static int
analytic_ddim_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma, up, down;

  sf_ancestral_split (from, to, s->options->eta, &up, &down);
  *stage = (SfSamplerStage) { .y = down / from, .d = { 1 }, .per_element = TRUE, .variance = 1, .noise = to > 0 };
  stage->d[s->options->clip.keep_noise ? 1 : 0] -= down / from;
  return 1;
}

static gboolean
analytic_ddim_deviation (const SfSampling *s, int k, SfTensor *deviation, GError **error)
{
  double from = s->levels[k].sigma, up, down;

  sf_ancestral_split (from, s->levels[k + 1].sigma, s->options->eta, &up, &down);
  sf_analytic_deviation (s, k, 1 - down / from, up * up, deviation);
  return TRUE;
}

const SfSampler sf_sampler_analytic_ddim = {
  .name = "analytic-ddim",
  .label = N_ ("Analytic DDIM"),
  .description = N_ ("DDIM that adds the noise which long steps lack; calm with few steps, eta adds more"),
  .family = SF_FAMILY_ANCESTRAL,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .always = TRUE,
  .uses_gamma = TRUE,
  .history = 1,
  .raw_noise = TRUE,
  .plan = analytic_ddim_plan,
  .deviation = analytic_ddim_deviation,
};
