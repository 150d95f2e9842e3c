/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the pseudo numerical methods share: Liu, Ren, Lin, Zhao, "Pseudo numerical methods for diffusion models on manifolds"
 * (2022).  A classical method finds one noise from several evaluations; DDIM's step, which is exact for a constant noise,
 * leads the state along it.
 */
#pragma once

#include "diffusion/sf-sampling.h"

/* The state is led from that of levels[k] to @to along the sum of w[j] * (newest output but j). */
void sf_pndm_transfer (const SfSampling *s, int k, const SfNoiseLevel *to, int n, const double *w, SfSamplerStage *stage);
/* A whole step with the formula of Adams and Bashforth, of order 4 as soon as there is the history for it. */
int sf_pndm_step (const SfSampling *s, int k, SfSamplerStage *stage);
