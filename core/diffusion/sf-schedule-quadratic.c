/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "quad" of Song et al., "Denoising diffusion implicit models" (2021): squares of equal steps, up to 0.8 T. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

static int
quadratic_times (const SfSpacing *s, double *t, GError **error)
{
  for (int k = 0; k < s->n; k++)
    {
      double root = sf_linspace (0, sqrt (0.8 * s->last), s->intervals - k, s->intervals);

      t[k] = s->fractional ? root * root : trunc (root * root);
    }
  return s->n;
}

const SfSchedule sf_schedule_quadratic = {
  .name = "quadratic",
  .label = N_ ("Quadratic"),
  .description = N_ ("Steps grow with the noise: many for detail, from four fifths of full noise"),
  .family = SF_SPACING_TIMESTEPS,
  .whole = TRUE,
  .times = quadratic_times,
};
