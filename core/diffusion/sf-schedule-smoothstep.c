/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "smoothstep" of stable-diffusion.cpp. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

/* t = v^2 (3 - 2 v) of the last timestep */
static int
smoothstep_times (const SfSpacing *s, double *t, GError **error)
{
  for (int k = 0; k < s->n; k++)
    {
      double v = 1 - (double) k / s->n;

      v = v * v * (3 - 2 * v) * (s->last - 1);
      t[k] = s->fractional ? v : floor (v + 0.5);
    }
  return s->n;
}

const SfSchedule sf_schedule_smoothstep = {
  .name = "smoothstep",
  .label = N_ ("Smoothstep"),
  .description = N_ ("Short steps at full and at weak noise, long ones in the middle"),
  .family = SF_SPACING_TIMESTEPS,
  .times = smoothstep_times,
};
