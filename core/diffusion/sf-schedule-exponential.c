/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

/* sigma = sigma_max * (sigma_min / sigma_max)^u */
static double
exponential_sigma (double u, double sigma_max, double sigma_min, double rho)
{
  return sigma_max * pow (sigma_min / sigma_max, u);
}

const SfSchedule sf_schedule_exponential = {
  .name = "exponential",
  .label = N_ ("Exponential"),
  .description = N_ ("Each step lowers the noise by the same factor; even care for layout and for detail"),
  .family = SF_SPACING_COMMON,
  .sigma = exponential_sigma,
};
