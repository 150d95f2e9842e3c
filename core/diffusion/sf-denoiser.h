/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one meaning of a denoiser: D(x, sigma), the estimate of the clean image (Karras et al. 2022).
 *
 * The state is "variance exploding": x = x0 + sigma * n, n ~ N(0, I), images in [-1, 1].  A DDPM state is
 * x * sqrt(alpha_bar) with sigma = sqrt((1 - alpha_bar) / alpha_bar).  What is known (the surroundings of a
 * selection) is the denoiser's own business: D returns it unchanged, so samplers never see a mask.
 */
#pragma once

#include "base/sf-progress.h"
#include "tensor/sf-tensor.h"

typedef struct _SfDenoiser SfDenoiser;

/* What a denoiser is: the first member of every implementation. */
struct _SfDenoiser
{
  /* denoised (out): D(x, sigma), shape of x.  sigma may be 0. */
  gboolean (*predict) (SfDenoiser *self, const SfTensor *x, double sigma, SfTensor *denoised,
                       const SfProgress *progress, GError **error);
  void (*free) (SfDenoiser *self);
};

/**
 * sf_denoiser_predict:
 * @x: 1 x h x w x c, the noisy state
 * @sigma: its noise level, >= 0
 * @denoised: (out): D(x, sigma), same shape
 *
 * Stops within about 10 ms of a cancel.
 */
gboolean sf_denoiser_predict (SfDenoiser *self, const SfTensor *x, double sigma, SfTensor *denoised,
                              const SfProgress *progress, GError **error);
void sf_denoiser_free (SfDenoiser *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfDenoiser, sf_denoiser_free)
