/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sabour et al., "Align your steps" (2024): ten steps optimised for Stable Diffusion 1.5. */
#include <glib/gi18n.h>

#include "diffusion/sf-schedule.h"

static const double table[] = { 14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092,
                                0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582 };

static double
ays_sigma (double u, double sigma_max, double sigma_min, double rho)
{
  return sf_table_sigma (table, u, sigma_max, sigma_min);
}

const SfSchedule sf_schedule_ays_sd15 = {
  .name = "ays-sd15",
  .label = N_ ("Align your steps, Stable Diffusion 1.5"),
  .description = N_ ("Levels found by optimization for ten steps of Stable Diffusion 1.5"),
  .family = SF_SPACING_SIGMAS,
  .sigma_max = 14.6146412293,
  .sigma_min = 0.0291671582,
  .open = TRUE,
  .sigma = ays_sigma,
};
