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

typedef struct
{
  double keep;
  double variance;
  double ancestral;  /* variance of the noise that ancestral sampling adds in its place */
  gboolean in_sigma; /* x is y = x / a */
  gboolean exact;    /* the step has no such form: the posterior's, sf_sde_posterior() */
} SfSdeStep;

/* From the drift and the diffusion of a continuous process at levels[k]; of a discrete one as a step in sigma. */
SfSdeStep sf_sde_euler (const SfSampling *s, int k);
/* From the two levels, or with options.sde_steps from the reference's table of as many steps. */
SfSdeStep sf_sde_discrete (const SfSampling *s, int k);
/* The formula above. */
void sf_sde_reverse (const SfSampling *s, int k, const SfSdeStep *step, SfSamplerStage *stage);
/* Ancestral sampling: (x_r + variance score) / keep + noise. */
void sf_sde_ancestral (const SfSampling *s, int k, const SfSdeStep *step, SfSamplerStage *stage);

/* Whether the step is one where small steps have no meaning: from pure noise, or into the clean image. */
gboolean sf_sde_is_exact (const SfSampling *s, int k);
/* keep y + (1 - keep) D + noise, a draw of the state at levels[k + 1] if D were the image; into the clean image it is D. */
void sf_sde_posterior (const SfSampling *s, int k, SfSamplerStage *stage);
