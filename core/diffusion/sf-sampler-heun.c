/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Karras et al., "Elucidating the design space of diffusion-based generative models" (2022), algorithm 1. */
#include <glib/gi18n.h>

#include "diffusion/sf-sampler.h"

/* d  = (y - D(y, s)) / s,  y2 = y + (t - s) d
 * d2 = (y2 - D(y2, t)) / t
 * y + (t - s) (d + d2) / 2;  into t = 0, where d2 has no meaning, Euler
 */
static gboolean
heun_step (SfSampling *s, int k, GError **error)
{
  double from = s->sigmas[k], to = s->sigmas[k + 1], half = (to - from) / 2;
  SfTensor *d, *y2;

  if (!sf_sampling_predict (s, s->y, from, error))
    return FALSE;
  if (to == 0)
    {
      sf_sampling_mix (s, 0, 1);
      return TRUE;
    }
  if ((d = sf_sampling_work (s, 0, error)) == NULL || (y2 = sf_sampling_work (s, 1, error)) == NULL)
    return FALSE;
  sf_combine (d, 1 / from, s->y, -1 / from, s->denoised);
  sf_combine (y2, 1, s->y, 2 * half, d);
  if (!sf_sampling_predict (s, y2, to, error))
    return FALSE;
  sf_combine (s->y, 1, s->y, half, d);
  sf_combine (d, 1 / to, y2, -1 / to, s->denoised);
  sf_combine (s->y, 1, s->y, half, d);
  return TRUE;
}

const SfSampler sf_sampler_heun = {
  .name = "heun",
  .label = N_ ("Heun"),
  .description = N_ ("Looks ahead and corrects each step; precise with few steps, each takes twice the time"),
  .order = 2,
  .evaluations = 2,
  .step = heun_step,
};
