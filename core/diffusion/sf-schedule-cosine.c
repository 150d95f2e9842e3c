/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equal steps of time in the cosine noise process of Nichol and Dhariwal, "Improved denoising diffusion probabilistic
 * models" (2021): alpha_bar = cos^2 (angle), the angle linear in time, so sigma = tan (angle).  The same spacing minimises a
 * bound on the KL divergence (Sabour et al. 2024), by which name other programs have it.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

/* sigma = tan (atan (sigma_max) + u * (atan (sigma_min) - atan (sigma_max))) */
static double
cosine_sigma (double u, double sigma_max, double sigma_min, double rho)
{
  double a = atan (sigma_max), b = atan (sigma_min);

  return tan (a + u * (b - a));
}

const SfSchedule sf_schedule_cosine = {
  .name = "cosine",
  .label = N_ ("Cosine (KL-optimal)"),
  .description = N_ ("Leaves strong noise quickly and dwells at medium noise, where shapes are settled"),
  .family = SF_SPACING_COMMON,
  .sigma = cosine_sigma,
};
