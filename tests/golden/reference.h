/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What parameters of the reference implementations mean in ours; shared by several groups. */
#pragma once

#include "diffusion/sf-noise-process.h"
#include "diffusion/sf-prediction.h"
#include "diffusion/sf-sampler.h"
#include "golden.h"

/* (transfer full) (nullable): the process of diffusers' scheduler arguments below @prefix ("kw." or "schedule."). */
SfNoiseProcess *reference_diffusers_process (Case *c, const char *prefix);
/* (transfer full) (nullable): as above, as the scheduler class @cls uses it: with its interpolation, its idea of zero terminal
 * SNR, or flow matching.
 */
SfNoiseProcess *reference_scheduler_process (Case *c, const char *cls, const char *prefix);
/* (transfer full) (nullable): as above, as the DPM-Solver authors use it: without the noisiest end, log alpha linear in time,
 * labels from 0 to 1000.
 */
SfNoiseProcess *reference_dpmsolver_process (Case *c, const char *prefix);
/* (transfer full) (nullable): the process of improved-diffusion's "schedule" (or @name), "T", "sections", "rescale". */
SfNoiseProcess *reference_openai_process (Case *c);
/* The head named by diffusers' prediction_type below @prefix. */
SfPrediction reference_prediction (Case *c, const char *prefix, SfPrediction fallback);
/* thresholding, clip_sample and their kin below "kw.", as the scheduler class @cls uses them. */
SfClip reference_clip (Case *c, const char *cls);
/* The head named "eps", "x0" or "v" by @path. */
SfPrediction reference_head (Case *c, const char *path, SfPrediction fallback);

/**
 * reference_diffusers_levels:
 * @cls: a scheduler class
 * @process: of reference_scheduler_process()
 * @n: (inout): steps asked for, steps made; of no matter where the case gives a list
 *
 * The levels of set_timesteps() with the arguments below @prefix and "call.", with their labels; the last one, which no
 * network sees, is the clean image or what final_sigmas_type and set_alpha_to_one say.  The extra entries by which some classes mark a second
 * evaluation are not there.
 *
 * Returns: (transfer full) (nullable) (array length=n + 1); after interpolation_type "log_linear" there is one more, which
 *     the reference makes but does not reach
 */
SfNoiseLevel *reference_diffusers_levels (Case *c, const char *cls, const char *prefix, const SfNoiseProcess *process, int *n);
/* Whether @cls keeps its state in sigma space, and begins from @sigma-fold noise. */
gboolean reference_is_sigma_class (const char *cls);

/**
 * reference_diffusers_sampler:
 * @sampler: (out): a row of ours, as the arguments of @cls below "kw." vary it
 * @options: (inout): order, solver and clip are set
 *
 * Returns: %FALSE, and the case fails, for an unknown class
 */
gboolean reference_diffusers_sampler (Case *c, const char *cls, SfSampler *sampler, SfSamplerOptions *options);
