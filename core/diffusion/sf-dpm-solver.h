/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPM-Solver (Lu et al. 2022) and DPM-Solver++ (Lu et al. 2022b), in sigma space.
 *
 * Both integrate the linear part of the probability flow exactly over lambda = log (1 / sigma), and expand the output of the
 * network in powers of lambda: DPM-Solver the noise n, DPM-Solver++ the image D, by SfSampler.output.  A sampler with eta has
 * the noise of the reverse SDE as well.  Of first order both are DDIM.  The higher orders differ in where the derivatives come
 * from: outputs of earlier steps (multistep), or of the same step further up (singlestep).
 */
#pragma once

#include "diffusion/sf-sampling.h"

/* For SfSampler.plan; the order is SfSampler.history or the option. */
int sf_dpm_multistep_plan (const SfSampling *s, int k, SfSamplerStage *stages);
/* Each level is one evaluation: blocks of as many levels as the order, each of whose steps begins at the block's first level. */
int sf_dpm_singlestep_plan (const SfSampling *s, int k, SfSamplerStage *stages);
/* The same where eta is that of ancestral samplers: each block goes further down than its end, then up again by noise. */
int sf_dpm_ancestral_plan (const SfSampling *s, int k, SfSamplerStage *stages);

/* For SfSampler.run: singlestep of order 2 in 3 or, with the option order = 2, of 1 in 2.  As k-diffusion has it: the error is that of
 * all images in sigma space, and a controller with a soft limit makes of it the next step.
 */
gboolean sf_dpm_adaptive_run (SfRun *run, GError **error);
/* As its authors have it (Lu et al. 2022, algorithm 3): the error is that of the worst image in the scale a x0 + s n, and a step that
 * was too long for the rest of the way is forgotten.
 */
gboolean sf_dpm_solver_adaptive_run (SfRun *run, GError **error);
