/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-sampler.h"

/* Euler down below the target, then noise up to it:
 * (down / s) y + (1 - down / s) D + up z,  up^2 + down^2 = t^2
 */
static gboolean
euler_ancestral_step (SfSampling *s, int k, GError **error)
{
  double from = s->sigmas[k], to = s->sigmas[k + 1], up, down;

  if (!sf_sampling_predict (s, s->y, from, error))
    return FALSE;
  sf_ancestral_split (from, to, s->eta, &up, &down);
  sf_sampling_mix (s, down / from, 1 - down / from);
  sf_sampling_add_noise (s, up);
  return TRUE;
}

const SfSampler sf_sampler_euler_ancestral = {
  .name = "euler-ancestral",
  .label = N_ ("Euler ancestral"),
  .description = N_ ("Euler with fresh noise at each step; livelier texture and more variety"),
  .order = 1,
  .evaluations = 1,
  .uses_eta = TRUE,
  .stochastic = TRUE,
  .step = euler_ancestral_step,
};
