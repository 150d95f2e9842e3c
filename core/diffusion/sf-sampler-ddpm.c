/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ho, Jain, Abbeel, "Denoising diffusion probabilistic models" (2020), equations 6 and 7 with the smaller of the two
 * variances (FIXED_SMALL), in sigma space: a draw from the posterior of the next state given this one and D.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-sampler.h"

/* mean     = (t^2 / s^2) y + (1 - t^2 / s^2) D
 * variance = t^2 (s^2 - t^2) / s^2
 */
static gboolean
ddpm_step (SfSampling *s, int k, GError **error)
{
  double from = s->sigmas[k], to = s->sigmas[k + 1], keep = (to / from) * (to / from);

  if (!sf_sampling_predict (s, s->y, from, error))
    return FALSE;
  sf_sampling_mix (s, keep, 1 - keep);
  sf_sampling_add_noise (s, to * sqrt (1 - keep));
  return TRUE;
}

const SfSampler sf_sampler_ddpm = {
  .name = "ddpm",
  .label = N_ ("DDPM"),
  .description = N_ ("The original random walk; rich texture and much variety, wants many steps"),
  .order = 0, /* it follows no ODE */
  .evaluations = 1,
  .stochastic = TRUE,
  .step = ddpm_step,
};
