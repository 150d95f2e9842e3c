/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equal steps of time in the cosine noise process of Nichol and Dhariwal, "Improved denoising diffusion probabilistic
 * models" (2021): alpha_bar = cos^2 (angle), the angle linear in time, so sigma = tan (angle).
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-schedule.h"

/* sigma = tan (atan (sigma_max) + u * (atan (sigma_min) - atan (sigma_max))) */
static double
cosine_sigma (double u, double sigma_max, double sigma_min)
{
  double a = atan (sigma_max), b = atan (sigma_min);

  return tan (a + u * (b - a));
}

const SfSchedule sf_schedule_cosine = {
  .name = "cosine",
  .label = N_ ("Cosine"),
  .description = N_ ("Leaves strong noise quickly and dwells at medium noise, where shapes are settled"),
  .sigma = cosine_sigma,
};
