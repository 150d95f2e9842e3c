/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "beta" of diffusers: Lee et al., "Beta sampling is all you need" (2024), on sigma. */
#include <glib/gi18n.h>

#include "diffusion/sf-schedule.h"

static double
beta_sigma (double u, double sigma_max, double sigma_min, double rho)
{
  return sigma_min + sf_beta_quantile (1 - u, 0.6) * (sigma_max - sigma_min);
}

const SfSchedule sf_schedule_beta = {
  .name = "beta",
  .label = N_ ("Beta"),
  .description = N_ ("Levels are densest at both ends of the noise"),
  .family = SF_SPACING_SIGMAS,
  .sigma = beta_sigma,
};
