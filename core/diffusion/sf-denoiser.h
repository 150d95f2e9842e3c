/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one meaning of a denoiser: D(x, sigma), the estimate of the clean image (Karras et al. 2022).
 *
 * The state is "variance exploding": x = x0 + sigma * n, n ~ N(0, I), images in [-1, 1].  A DDPM state is
 * x * sqrt(alpha_bar) with sigma = sqrt((1 - alpha_bar) / alpha_bar).  What is known (the surroundings of a
 * selection) is the denoiser's own business: D returns it unchanged, so samplers never see a mask.
 */
#pragma once

#include "base/sf-progress.h"
#include "diffusion/sf-noise-process.h"
#include "tensor/sf-tensor.h"

typedef struct _SfDenoiser SfDenoiser;

/* What a denoiser knows of the spread around D, each as one number per element.  Names as in the literature:
 * Nichol & Dhariwal 2021 (learned, learned range), Bao et al. 2022 (SN, NPR).
 */
typedef enum
{
  SF_VARIANCE_NONE,          /* nothing */
  SF_VARIANCE_LEARNED,       /* log of the variance of the reverse step, of the state scaled to a x0 + s n */
  SF_VARIANCE_LEARNED_RANGE, /* v in [-1, 1] between the logs of the smaller and the larger variance of the reverse step */
  SF_VARIANCE_SN,            /* E[n^2 | x], second moment of the noise */
  SF_VARIANCE_NPR,           /* E[(n - n')^2 | x], error of the noise n' that belongs to D */
} SfVariance;

/* Whether it says the variance of the reverse step itself, by its logarithm. */
gboolean sf_variance_is_learned (SfVariance self);

/* What a denoiser is: the first member of every implementation. */
struct _SfDenoiser
{
  /* denoised (out): D(x, level->sigma), shape of x.  sigma may be 0.
   * variance (out) (nullable): of the shape of x, never asked for with SF_VARIANCE_NONE.
   */
  gboolean (*predict) (SfDenoiser *self, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised,
                       SfTensor *variance, const SfProgress *progress, GError **error);
  void (*free) (SfDenoiser *self);
  SfVariance variance; /* what it writes there */
  gboolean predicts_v; /* its network gives v = a n - s x0, not n: matters to samplers that extrapolate what a network gives */
};

/**
 * sf_denoiser_predict:
 * @x: n x h x w x c, the noisy state
 * @level: its noise level; sigma >= 0
 * @denoised: (out): D(x, sigma), same shape
 * @variance: (out) (nullable): see #SfVariance, same shape
 *
 * Stops within about 10 ms of a cancel.
 */
gboolean sf_denoiser_predict (SfDenoiser *self, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised,
                              SfTensor *variance, const SfProgress *progress, GError **error);
void sf_denoiser_free (SfDenoiser *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfDenoiser, sf_denoiser_free)
