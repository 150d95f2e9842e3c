/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variational bound on the negative log likelihood of images (Sohl-Dickstein et al. 2015; Ho et al. 2020, equation 5;
 * Nichol & Dhariwal 2021), for every sampler whose step is a draw from N (keep y + (1 - keep) D, variance): DDPM with fixed and
 * with learned variances, Analytic-DPM and its kin.  Nats per element; SF_BITS makes them bits per dimension.
 *
 *     -log p (x0) <= KL (q (y_T | x0) || prior) + sum over steps of KL (q (y_s | y_r, x0) || p (y_s | y_r)) - log p (x0 | y_1)
 */
#pragma once

#include "diffusion/sf-sampler.h"

#define SF_BITS(nats) ((nats) / G_LN2)

/* One term, as a function of D and of the logarithm of the variance of p: the state itself cancels. */
typedef struct
{
  gboolean decoder;    /* the last step, into the clean image of 8-bit values */
  double share;        /* 1 - keep: weight of D in the mean */
  double log_variance; /* of q, in sigma space */
} SfBoundStep;

/* The step from level @r down to level @s. */
SfBoundStep sf_bound_step (const SfNoiseLevel *r, const SfNoiseLevel *s);
/* The term of one element.  @log_variance: of p, in sigma space.  @d_denoised, @d_log_variance: (out) (nullable): derivatives. */
double sf_bound_element (const SfBoundStep *self, double x0, double denoised, double log_variance, double *d_denoised,
                         double *d_log_variance);

/* Variance of the prior at @level in sigma space: processes end in unit noise, those that explode in all their noise. */
double sf_bound_prior_variance (const SfNoiseLevel *level);

/**
 * sf_bound:
 * @sampler: draws from p; with @options as in sf_sample()
 * @levels: (array length=n + 1): falling noise levels; the last is the clean one
 * @rng: of the noise, one stream for each step, where @options give none
 * @x0: images of 8-bit values, in [-1, 1]
 * @nats: (out) (array length=(n + 1) * images): terms per element, of each image: the prior's, then those of the steps
 * @mse: (out) (nullable) (array length=n * images): mean square error of D in each step; that of the noise is this / sigma^2
 *
 * Returns: %FALSE with @error from the denoiser, a cancel, or %SF_ERROR_ARGUMENT where the steps of @sampler are of another form
 */
gboolean sf_bound (const SfSampler *sampler, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels,
                   int n, const SfSamplerOptions *options, SfRng rng, const SfTensor *x0, double *nats, double *mse,
                   const SfProgress *progress, GError **error);
