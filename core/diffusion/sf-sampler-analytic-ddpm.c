/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-analytic.h"
#include "diffusion/sf-posterior.h"

/* keep y + (1 - keep) D, as DDPM */
static int
analytic_ddpm_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  const SfNoiseLevel *to = &s->levels[k + 1];
  SfPosterior p = sf_posterior (&s->levels[k], to);

  *stage = (SfSamplerStage) { .y = p.keep, .d = { 1 - p.keep }, .per_element = TRUE, .variance = 1, .noise = to->sigma > 0 };
  return 1;
}

static gboolean
analytic_ddpm_deviation (const SfSampling *s, int k, SfTensor *deviation, GError **error)
{
  SfPosterior p = sf_posterior (&s->levels[k], &s->levels[k + 1]);

  sf_analytic_deviation (s, k, 1 - p.keep, p.small, deviation);
  return TRUE;
}

const SfSampler sf_sampler_analytic_ddpm = {
  .name = "analytic-ddpm",
  .label = N_ ("Analytic DDPM"),
  .description = N_ ("DDPM with as much noise as the model's own uncertainty asks for, which is guessed where it is not known; good from 25 steps"),
  .family = SF_FAMILY_ANCESTRAL,
  .evaluations = 1,
  .stochastic = TRUE,
  .uses_gamma = TRUE,
  .history = 1,
  .raw_noise = TRUE,
  .plan = analytic_ddpm_plan,
  .deviation = analytic_ddpm_deviation,
};
