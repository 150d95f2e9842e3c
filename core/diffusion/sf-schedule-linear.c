/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>

#include "diffusion/sf-schedule.h"

/* sigma = sigma_max + u * (sigma_min - sigma_max) */
static double
linear_sigma (double u, double sigma_max, double sigma_min, double rho)
{
  return sigma_max + u * (sigma_min - sigma_max);
}

const SfSchedule sf_schedule_linear = {
  .name = "linear",
  .label = N_ ("Linear"),
  .description = N_ ("Equal steps of noise; most of the care goes into the layout, little into detail"),
  .family = SF_SPACING_COMMON,
  .sigma = linear_sigma,
};
