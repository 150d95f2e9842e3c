/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoisers of pictures of which a part is known, made of others. */
#pragma once

#include "diffusion/sf-denoiser.h"

/**
 * sf_denoiser_keep_new:
 * @inner: (transfer full)
 * @known: (transfer none): n x h x w x c, clean; outlives the denoiser
 * @freedom: (transfer none): 1 x h x w x 1, 0 = known … 1 = free from the beginning; outlives the denoiser
 * @t_begin: (inout): where the run has begun, the highest t seen so far; 0 at first.  The denoisers of a cascade share it; outlives them
 *
 * D is @known where freedom is 0 or below t / @t_begin, that of @inner elsewhere.
 * A sampler that starts from @known with noise then goes on with the same noise there, so this is replacement with one noise; with
 * the threshold that falls over the run it is differential diffusion (Levin & Fried 2023).
 *
 * Returns: (transfer full): for one run
 */
SfDenoiser *sf_denoiser_keep_new (SfDenoiser *inner, const SfTensor *known, const SfTensor *freedom, double *t_begin);
