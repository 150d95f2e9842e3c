/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "time_quadratic" of DPM-Solver: the root of time in equal steps. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

static int
time_quadratic_times (const SfSpacing *s, double *t, GError **error)
{
  for (int k = 0; k < s->n; k++)
    {
      double root = sf_linspace (1, sqrt (s->last), s->intervals - k, s->intervals);

      t[k] = root * root - 1;
    }
  return s->n;
}

const SfSchedule sf_schedule_time_quadratic = {
  .name = "time-quadratic",
  .label = N_ ("Quadratic in time"),
  .description = N_ ("Steps grow with the noise: many for detail, few for the layout"),
  .family = SF_SPACING_TIMESTEPS,
  .times = time_quadratic_times,
};
