/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

/* log sigma falls as (1 - u)^rho */
static double
polyexponential_sigma (double u, double sigma_max, double sigma_min, double rho)
{
  return sigma_min * pow (sigma_max / sigma_min, pow (1 - u, rho));
}

const SfSchedule sf_schedule_polyexponential = {
  .name = "polyexponential",
  .label = N_ ("Polyexponential"),
  .description = N_ ("Exponential with longer first steps; more care for fine detail"),
  .family = SF_SPACING_SIGMAS,
  .rho = 2,
  .sigma = polyexponential_sigma,
};
