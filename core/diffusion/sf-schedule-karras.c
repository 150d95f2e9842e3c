/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Karras et al., "Elucidating the design space of diffusion-based generative models" (2022), equation 5. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

/* sigma = (sigma_max^(1/rho) + u * (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho */
static double
karras_sigma (double u, double sigma_max, double sigma_min, double rho)
{
  double a = pow (sigma_max, 1 / rho), b = pow (sigma_min, 1 / rho);

  return pow (a + u * (b - a), rho);
}

const SfSchedule sf_schedule_karras = {
  .name = "karras",
  .label = N_ ("Karras"),
  .description = N_ ("Large steps first and small ones at the end; more care for fine detail"),
  .family = SF_SPACING_COMMON,
  .rho = 7,
  .sigma = karras_sigma,
};
