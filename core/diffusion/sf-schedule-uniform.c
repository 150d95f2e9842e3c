/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equal steps of time in the noise process of Ho et al., "Denoising diffusion probabilistic models" (2020). */
#include <glib/gi18n.h>

#include "diffusion/sf-noise-process.h"
#include "diffusion/sf-schedule.h"

/* sigma = sigma(t_max + u * (t_min - t_max)), t_max = t(sigma_max), t_min = t(sigma_min) */
static double
uniform_sigma (double u, double sigma_max, double sigma_min)
{
  const SfNoiseProcess *process = sf_noise_process_ddpm ();
  double t_max = sf_noise_process_t (process, sigma_max), t_min = sf_noise_process_t (process, sigma_min);

  return sf_noise_process_sigma (process, t_max + u * (t_min - t_max));
}

const SfSchedule sf_schedule_uniform = {
  .name = "uniform",
  .label = N_ ("Uniform in time"),
  .description = N_ ("Equal steps of the time in which networks are usually trained"),
  .sigma = uniform_sigma,
};
