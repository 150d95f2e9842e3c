/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gamma of Analytic-DPM (Bao et al. 2022, equation 8): how large the noise is that a denoiser finds at each level.  From it
 * follows the variance of the clean image given the noisy one.  Estimated once for a model and stored with it
 * (denoisers/sf-gamma-file.h).
 */
#pragma once

#include "diffusion/sf-sampler.h"

/**
 * sf_estimate_gamma:
 * @process: discrete, with N levels
 * @data: n x h x w x c: clean images of the kind that the denoiser was made for
 * @options: (nullable): only the source of noise counts; draw t belongs to level t
 * @rng: the noise of level t is stream t after that of @rng
 * @gamma: (out) (array length=N): mean of ((y - D) / sigma)^2 over images and elements.  At most 1 for an exact denoiser; more
 *     is kept, since it shows where one is wrong
 * @each: (out) (nullable) (array length=N * n): the same for each image, for error bars
 *
 * Never clips D.  Needs memory for two more tensors of the size of @data.
 */
gboolean sf_estimate_gamma (SfDenoiser *denoiser, const SfNoiseProcess *process, const SfTensor *data,
                            const SfSamplerOptions *options, SfRng rng, double *gamma, double *each,
                            const SfProgress *progress, GError **error);
