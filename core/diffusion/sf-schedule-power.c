/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trajectory "powerP" of Analytic-DPM: long steps in weak noise for P > 1, none shorter than a timestep. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

/* n = (N - 1) (1 - u^(1/P)) + 1, made strictly rising; 1-based, which decides how halves are rounded */
static int
power_times (const SfSpacing *s, double *t, GError **error)
{
  for (int k = s->n - 1; k >= 0; k--)
    {
      double u = s->n > 1 ? (double) k / (s->n - 1) : 0;

      t[k] = rint ((s->last - 1) * (1 - pow (u, 1 / s->rho)) + 1) - 1;
      if (k < s->n - 1)
        t[k] = MAX (t[k], t[k + 1] + 1);
    }
  return s->n;
}

const SfSchedule sf_schedule_power = {
  .name = "power",
  .label = N_ ("Power"),
  .description = N_ ("Short steps in weak noise, ever longer ones towards full noise"),
  .family = SF_SPACING_TIMESTEPS,
  .rho = 2,
  .whole = TRUE,
  .times = power_times,
};
