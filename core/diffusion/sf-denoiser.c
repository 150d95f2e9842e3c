/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-denoiser.h"

gboolean
sf_variance_is_learned (SfVariance self)
{
  return self == SF_VARIANCE_LEARNED || self == SF_VARIANCE_LEARNED_RANGE;
}

gboolean
sf_denoiser_predict (SfDenoiser *self, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised,
                     SfTensor *variance, const SfProgress *progress, GError **error)
{
  g_return_val_if_fail (level->sigma >= 0 && sf_tensor_same_shape (x, denoised), FALSE);
  g_return_val_if_fail (variance == NULL || self->variance != SF_VARIANCE_NONE, FALSE);

  return !sf_progress_stopped (progress, error) &&
         self->predict (self, x, level, denoised, variance, progress, error);
}

void
sf_denoiser_free (SfDenoiser *self)
{
  if (self != NULL)
    self->free (self);
}
