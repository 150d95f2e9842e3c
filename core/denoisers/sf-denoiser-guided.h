/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoisers made of others, steered by a condition. */
#pragma once

#include "diffusion/sf-guidance.h"
#include "diffusion/sf-sampler.h"

/**
 * sf_denoiser_guided_new:
 * @conditional: (transfer full): with the condition; its variance is that of the result
 * @unconditional: (transfer full): without it, or with a negative one
 * @third: (transfer full) (nullable): where the kind of @guidance takes a third prediction other than the momentum
 *
 * Returns: (transfer full): a denoiser for one run at a time, as the momentum is its own
 */
SfDenoiser *sf_denoiser_guided_new (const SfGuidance *guidance, SfDenoiser *conditional, SfDenoiser *unconditional, SfDenoiser *third);

/**
 * sf_denoiser_classified_new:
 * @denoiser: (transfer full): what is steered
 * @gradient: of log p (class | x), times the scale
 * @clip: of D before it is steered; after, it would undo that
 *
 * Guidance by a classifier as a shift of the score, for all samplers (Dhariwal & Nichol 2021, algorithm 2).  The shift of the mean,
 * their algorithm 1, is SfSamplerOptions.gradient.
 *
 * Returns: (transfer full)
 */
SfDenoiser *sf_denoiser_classified_new (SfDenoiser *denoiser, SfGradientFunc gradient, gpointer data, const SfClip *clip);
