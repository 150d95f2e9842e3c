/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-gamma.h"

#include <string.h>

gboolean
sf_estimate_gamma (SfDenoiser *denoiser, const SfNoiseProcess *process, const SfTensor *data, const SfSamplerOptions *options,
                   SfRng rng, double *gamma, double *each, const SfProgress *progress, GError **error)
{
  g_autoptr (SfTensor) y = sf_tensor_new_like (data, error);
  g_autoptr (SfTensor) denoised = y != NULL ? sf_tensor_new_like (data, error) : NULL;
  gsize n = sf_tensor_size (data) / data->n;

  g_return_val_if_fail (process->kind == NULL, FALSE);

  if (denoised == NULL)
    return FALSE;
  for (int t = 0; t < process->n; t++, rng.stream++)
    {
      SfNoiseLevel level = sf_noise_process_level (process, t);
      SfProgress part = sf_progress_sub (progress, (double) t / process->n, (t + 1.0) / process->n);

      sf_noisy_state (data, &level, options, t, rng, y);
      if (!sf_denoiser_predict (denoiser, y, &level, denoised, NULL, &part, error))
        return FALSE;
      gamma[t] = 0;
      for (int i = 0; i < data->n; i++)
        {
          double square = sf_sum_squares (y, denoised, i) / n / (level.sigma * level.sigma);

          gamma[t] += square / data->n;
          if (each != NULL)
            each[t * data->n + i] = square;
        }
      sf_progress_set (&part, 1);
    }
  return TRUE;
}
