/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Song, Meng, Ermon, "Denoising diffusion implicit models" (2021), equations 12 and 16, divided by sqrt(alpha_bar):
 * with sigma^2 = (1 - alpha_bar) / alpha_bar their sigma_t(eta) becomes up = eta (t / s) sqrt(s^2 - t^2).
 */
#include <glib/gi18n.h>

#include "diffusion/sf-sampling.h"

/* D + sqrt(t^2 - up^2) n + up z,  n = (y - D) / s the noise found in y, with D before it was clipped or after */
static int
ddim_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  double from = s->levels[k].sigma, direction;

  sf_ancestral_split (from, s->levels[k + 1].sigma, s->options->eta, &stage->noise, &direction);
  stage->y = direction / from;
  stage->d[0] = 1;
  stage->d[s->options->clip.keep_noise ? 1 : 0] -= direction / from;
  return 1;
}

const SfSampler sf_sampler_ddim = {
  .name = "ddim",
  .label = N_ ("DDIM"),
  .description = N_ ("Eta chooses between a repeatable path (0) and fresh noise at each step (1); the same step as Euler ancestral, from another theory"),
  .family = SF_FAMILY_COMMON,
  .order = 1,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .inverts = TRUE,
  .history = 1,
  .raw_noise = TRUE,
  .plan = ddim_plan,
};
