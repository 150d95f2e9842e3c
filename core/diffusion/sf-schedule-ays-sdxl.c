/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sabour et al., "Align your steps" (2024): ten steps optimised for SDXL. */
#include <glib/gi18n.h>

#include "diffusion/sf-schedule.h"

static const double table[] = { 14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141,
                                0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582 };

static double
ays_sigma (double u, double sigma_max, double sigma_min, double rho)
{
  return sf_table_sigma (table, u, sigma_max, sigma_min);
}

const SfSchedule sf_schedule_ays_sdxl = {
  .name = "ays-sdxl",
  .label = N_ ("Align your steps, SDXL"),
  .description = N_ ("Levels found by optimization for ten steps of SDXL"),
  .family = SF_SPACING_SIGMAS,
  .sigma_max = 14.6146412293,
  .sigma_min = 0.0291671582,
  .open = TRUE,
  .sigma = ays_sigma,
};
