/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A single section of improved-diffusion's space_timesteps(), and the trajectory "linear" of Analytic-DPM, which counts from 1. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

/* The sum is rounded, as there, and not a multiple of the stride: that differs where it is half a timestep. */
static int
strided_times (const SfSpacing *s, double *t, GError **error)
{
  double first = s->options->offset, sum = first, stride = s->n > 1 ? (s->last - 1.0) / (s->n - 1) : 1;

  for (int k = s->n - 1; k >= 0; k--, sum += stride)
    t[k] = rint (sum) - first;
  return s->n;
}

const SfSchedule sf_schedule_strided = {
  .name = "strided",
  .label = N_ ("Strided"),
  .description = N_ ("Equal strides through the timesteps, as the improved DDPM takes them; without a network the same as Uniform in time"),
  .family = SF_SPACING_TIMESTEPS,
  .whole = TRUE,
  .even = TRUE,
  .times = strided_times,
};
