/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-noise-process.h"

#include <glib.h>
#include <math.h>

#define T SF_NOISE_PROCESS_STEPS

const SfNoiseProcess *
sf_noise_process_ddpm (void)
{
  static SfNoiseProcess process;
  static gsize ready;

  if (g_once_init_enter (&ready))
    {
      double log_alpha_bar = 0;

      for (int t = 0; t < T; t++)
        {
          process.beta[t] = 1e-4 + (0.02 - 1e-4) * t / (T - 1);
          log_alpha_bar += log1p (-process.beta[t]);
          process.alpha_bar[t] = exp (log_alpha_bar);
          /* sigma^2 = (1 - alpha_bar) / alpha_bar = 1 / alpha_bar - 1, without cancelling at small t */
          process.log_sigma[t] = 0.5 * log (expm1 (-log_alpha_bar));
        }
      g_once_init_leave (&ready, 1);
    }
  return &process;
}

double
sf_noise_process_sigma (const SfNoiseProcess *self, double t)
{
  int low = (int) CLAMP (floor (t), 0, T - 2);
  const double *l = &self->log_sigma[low];

  return exp (l[0] + (t - low) * (l[1] - l[0]));
}

double
sf_noise_process_t (const SfNoiseProcess *self, double sigma)
{
  double target = log (sigma);
  const double *l = self->log_sigma;
  int low = 0, high = T - 1; /* l[low] <= target < l[high], where the table reaches so far */

  while (high - low > 1)
    {
      int middle = (low + high) / 2;

      if (l[middle] <= target)
        low = middle;
      else
        high = middle;
    }
  return low + (target - l[low]) / (l[high] - l[low]);
}
