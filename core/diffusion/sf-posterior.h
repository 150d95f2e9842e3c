/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reverse step of an ancestral sampler, from level r down to level s, in sigma space:
 * y_s ~ N(keep y_r + (1 - keep) x0, variance) (Ho et al. 2020, equations 6 and 7).
 */
#pragma once

#include "diffusion/sf-denoiser.h"
#include "diffusion/sf-noise-process.h"

typedef struct
{
  double keep;  /* weight of the state */
  double small; /* variance if x0 is known: FIXED_SMALL, beta tilde */
  double large; /* variance of the forward step: FIXED_LARGE, beta */
} SfPosterior;

/* At sigma_s = 0 keep and small are 0. */
SfPosterior sf_posterior (const SfNoiseLevel *r, const SfNoiseLevel *s);

/**
 * sf_posterior_floor:
 *
 * What stands for the logarithm of the smaller variance, 0, of the step into the clean image: that of the first step of
 * @process before it, of a x0 + s n (Ho et al. 2020).  A continuous process has none: there it is the variance of its first noise.
 */
double sf_posterior_floor (const SfNoiseProcess *process);

/**
 * sf_learned_log_variance:
 * @kind: %SF_VARIANCE_LEARNED or %SF_VARIANCE_LEARNED_RANGE
 * @r: @s: from and to
 * @floor: what stands for the logarithm of the smaller variance where that is 0: see sf_posterior_floor()
 *
 * Logarithm of the variance of y_s = *@offset + *@slope * (what the network gave).
 */
void sf_learned_log_variance (SfVariance kind, const SfNoiseLevel *r, const SfNoiseLevel *s, double floor, double *offset, double *slope);

/* deviation (out): standard deviation of y_s, from @second, the network's, one number per element. */
void sf_learned_deviation (SfVariance kind, const SfNoiseLevel *r, const SfNoiseLevel *s, double floor,
                           const SfTensor *second, SfTensor *deviation);
