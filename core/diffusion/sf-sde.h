/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps of the reverse SDE (Song et al., "Score-based generative modeling through stochastic differential equations", 2021).
 *
 * A forward step of the process, x_r = keep x_s + n sqrt(variance) with x = a x0 + s n, is undone by a predictor:
 *
 *     x_s = (2 - keep) x_r + (1 + eta^2) / 2 variance score + eta sqrt(variance) z
 *
 * eta = 1 is the reverse SDE, eta = 0 the probability flow ODE, and between them lies a family with the same marginals.
 */
#pragma once

#include "diffusion/sf-sampling.h"

/* For SfSampler.plan: of the drift and the diffusion of a continuous process at levels[k], of a discrete one as a step in sigma; of the
 * process from level to level or, with options.sde_steps, of the reference's table of as many steps.
 */
int sf_sde_euler_plan (const SfSampling *s, int k, SfSamplerStage *stages);
int sf_sde_reverse_plan (const SfSampling *s, int k, SfSamplerStage *stages);
/* Likewise, by ancestral sampling: x_s = (x_r + variance score) / keep + noise. */
int sf_sde_ancestral_plan (const SfSampling *s, int k, SfSamplerStage *stages);

/* keep of the process's step from levels[k]. */
double sf_sde_keep (const SfSampling *s, int k);
/* Whether the step is one where small steps have no meaning: from pure noise, or into the clean image. */
gboolean sf_sde_is_exact (const SfSampling *s, int k);
/* keep y + (1 - keep) D + noise, a draw of the state at levels[k + 1] if D were the image; into the clean image it is D. */
void sf_sde_posterior (const SfSampling *s, int k, SfSamplerStage *stage);
