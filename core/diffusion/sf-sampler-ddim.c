/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Song, Meng, Ermon, "Denoising diffusion implicit models" (2021), equations 12 and 16, divided by sqrt(alpha_bar):
 * with sigma^2 = (1 - alpha_bar) / alpha_bar their sigma_t(eta) becomes up = eta (t / s) sqrt(s^2 - t^2).
 */
#include <glib/gi18n.h>

#include "diffusion/sf-sampler.h"

/* D + sqrt(t^2 - up^2) n + up z,  n = (y - D) / s the noise found in y */
static gboolean
ddim_step (SfSampling *s, int k, GError **error)
{
  double from = s->sigmas[k], to = s->sigmas[k + 1], up, direction;

  if (!sf_sampling_predict (s, s->y, from, error))
    return FALSE;
  sf_ancestral_split (from, to, s->eta, &up, &direction);
  sf_combine (s->y, 1 / from, s->y, -1 / from, s->denoised);
  sf_sampling_mix (s, direction, 1);
  sf_sampling_add_noise (s, up);
  return TRUE;
}

const SfSampler sf_sampler_ddim = {
  .name = "ddim",
  .label = N_ ("DDIM"),
  .description = N_ ("Eta chooses between a repeatable path (0) and fresh noise at each step (1)"),
  .order = 1,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .step = ddim_step,
};
