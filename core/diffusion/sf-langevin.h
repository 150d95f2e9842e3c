/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Langevin dynamics at one noise level: x += e score + sqrt(2 e) z leaves the distribution of x as it is, for small e.
 *
 * In sigma space, with score = (D - y) / (sigma^2 a) and delta = e / s^2 for x = a y:
 *
 *     y += delta (D - y) + sigma sqrt(2 delta) z
 */
#pragma once

#include "diffusion/sf-sampling.h"

/**
 * sf_langevin_delta:
 * @alpha: keep^2 of the forward step up to @level, 1 - beta
 * @denoised: D of @y
 * @z: the noise that will be added
 *
 * Returns: delta of a corrector's step: 2 alpha (snr |z| / |n|)^2 with n = (y - D) / sigma and norms per image, then averaged,
 *     or 2 alpha snr^2
 */
double sf_langevin_delta (const SfCorrector *self, const SfNoiseLevel *level, double alpha, const SfTensor *y,
                          const SfTensor *denoised, const SfTensor *z);
/* As a sampler: @inner steps of @delta at levels[k], from where the state counts as one at levels[k + 1]; at the end D. */
int sf_langevin_plan (const SfSampling *s, int k, int inner, double delta, SfSamplerStage *stages);
