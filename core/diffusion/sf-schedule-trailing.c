/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusers' "trailing"; Lin et al., "Common diffusion noise schedules and sample steps are flawed" (2024). */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

static int
trailing_times (const SfSpacing *s, double *t, GError **error)
{
  double next = s->last - (double) s->total / s->n, stride = s->last - next; /* as numpy's arange() rounds it: half a timestep may be a little less */
  int k = 0;

  for (; k < s->n && s->last - k * stride > 0; k++)
    t[k] = rint (s->last - k * stride) - 1;
  return k;
}

const SfSchedule sf_schedule_trailing = {
  .name = "trailing",
  .label = N_ ("Trailing"),
  .description = N_ ("Whole strides from the noisiest timestep; always begins at full noise; without a network the same as Uniform in time"),
  .family = SF_SPACING_TIMESTEPS,
  .whole = TRUE,
  .even = TRUE,
  .times = trailing_times,
};
