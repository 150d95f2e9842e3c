/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "beta" of stable-diffusion.cpp and ComfyUI: Lee et al., "Beta sampling is all you need" (2024), on timesteps. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

static int
beta_times (const SfSpacing *s, double *t, GError **error)
{
  for (int k = 0; k < s->n; k++)
    {
      double v = sf_beta_quantile (1 - (double) k / s->n, 0.6) * (s->last - 1);

      t[k] = s->fractional ? v : floor (v + 0.5);
    }
  return s->n;
}

const SfSchedule sf_schedule_beta_time = {
  .name = "beta-time",
  .label = N_ ("Beta in time"),
  .description = N_ ("Timesteps are densest at full and at weak noise"),
  .family = SF_SPACING_TIMESTEPS,
  .times = beta_times,
};
