/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusers' "leading".  With its own stride: "uniform" of the DDIM authors, and "ddimN" of improved-diffusion. */
#include <glib/gi18n.h>

#include "diffusion/sf-schedule.h"

static int
leading_times (const SfSpacing *s, double *t, GError **error)
{
  int stride = s->options->stride > 0 ? s->options->stride : s->last / (s->intervals + 1);
  int first = s->intervals + 1 - s->n;

  for (int k = 0; k < s->n; k++)
    t[k] = (s->n - 1 - k + first) * stride + s->options->offset;
  return s->n;
}

const SfSchedule sf_schedule_leading = {
  .name = "leading",
  .label = N_ ("Leading"),
  .description = N_ ("Whole strides from the cleanest timestep; may begin below full noise; without a network the same as Uniform in time"),
  .family = SF_SPACING_TIMESTEPS,
  .whole = TRUE,
  .even = TRUE,
  .times = leading_times,
};
