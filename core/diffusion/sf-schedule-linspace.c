/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusers' "linspace". */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

static int
linspace_times (const SfSpacing *s, double *t, GError **error)
{
  for (int k = 0; k < s->n; k++)
    t[k] = rint (sf_linspace (0, s->last - 1, s->intervals - k, s->intervals));
  return s->n;
}

const SfSchedule sf_schedule_linspace = {
  .name = "linspace",
  .label = N_ ("Uniform, whole timesteps"),
  .description = N_ ("Equal steps of time, rounded to the timesteps that the network has seen; without a network the same as Uniform in time"),
  .family = SF_SPACING_TIMESTEPS,
  .whole = TRUE,
  .even = TRUE,
  .times = linspace_times,
};
