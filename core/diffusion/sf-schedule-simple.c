/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "simple" of ComfyUI and stable-diffusion.cpp. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

static int
simple_times (const SfSpacing *s, double *t, GError **error)
{
  double stride = (double) s->last / s->n;

  for (int k = 0; k < s->n; k++)
    t[k] = s->last - 1 - trunc (k * stride);
  return s->n;
}

const SfSchedule sf_schedule_simple = {
  .name = "simple",
  .label = N_ ("Simple"),
  .description = N_ ("Whole strides from the noisiest timestep, rounded up; without a network the same as Uniform in time"),
  .family = SF_SPACING_TIMESTEPS,
  .whole = TRUE,
  .even = TRUE,
  .times = simple_times,
};
