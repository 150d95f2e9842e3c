/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The discrete noise process of DDPM: x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) n, t = 0 … T - 1 (t = 0 is one
 * step of noise), seen in sigma space: sigma_t = sqrt((1 - alpha_bar_t) / alpha_bar_t).
 */
#pragma once

#define SF_NOISE_PROCESS_STEPS 1000

typedef struct
{
  double beta[SF_NOISE_PROCESS_STEPS];
  double alpha_bar[SF_NOISE_PROCESS_STEPS];
  double log_sigma[SF_NOISE_PROCESS_STEPS]; /* ascending */
} SfNoiseProcess;

/* (transfer none): the process of Ho et al. 2020, betas linear from 1e-4 to 0.02.  Computed once. */
const SfNoiseProcess *sf_noise_process_ddpm (void);

/**
 * sf_noise_process_sigma:
 * @t: may be fractional: log sigma is interpolated linearly.  Before the first and after the last entry the slope of
 *     the end goes on, so that the function is strictly increasing and sf_noise_process_t() is its inverse.
 */
double sf_noise_process_sigma (const SfNoiseProcess *self, double t);
/* The fractional t of @sigma > 0. */
double sf_noise_process_t (const SfNoiseProcess *self, double sigma);
