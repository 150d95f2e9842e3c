/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Luo et al., "Latent consistency models" (2023): of the timesteps that the network was distilled for, evenly chosen ones. */
#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-error.h"
#include "diffusion/sf-schedule.h"

#define ORIGINAL 50

static int
lcm_times (const SfSpacing *s, double *t, GError **error)
{
  int original = s->options->original > 0 ? s->options->original : ORIGINAL;
  int used = (int) (original * (s->options->strength > 0 ? s->options->strength : 1));

  if (s->n > used || original > s->last)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                   _ ("Schedule “%s”: %d steps cannot be taken from the %d timesteps that the network was distilled for, of %d in all"),
                   s->name, s->n, used, s->last);
      return 0;
    }
  for (int k = 0; k < s->n; k++)
    t[k] = s->last / original * (used - floor (k * ((double) used / s->n))) - 1;
  return s->n;
}

const SfSchedule sf_schedule_lcm = {
  .name = "lcm",
  .label = N_ ("Latent consistency"),
  .description = N_ ("The timesteps that LCM and TCD networks were distilled for; up to 50 steps"),
  .family = SF_SPACING_DISTILLED,
  .times = lcm_times,
};
