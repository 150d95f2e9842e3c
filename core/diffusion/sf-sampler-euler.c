/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-sampler.h"

/* y + (t - s) d = (t / s) y + (1 - t / s) D */
static gboolean
euler_step (SfSampling *s, int k, GError **error)
{
  double from = s->sigmas[k], to = s->sigmas[k + 1];

  if (!sf_sampling_predict (s, s->y, from, error))
    return FALSE;
  sf_sampling_mix (s, to / from, 1 - to / from);
  return TRUE;
}

const SfSampler sf_sampler_euler = {
  .name = "euler",
  .label = N_ ("Euler"),
  .description = N_ ("The plain step; soft, calm results that depend on the seed only through the start"),
  .order = 1,
  .evaluations = 1,
  .step = euler_step,
};
