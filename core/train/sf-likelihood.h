/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The exact density of images under the probability flow of a denoiser (Song et al. 2021, section 4.3).  The variational bound,
 * which is cheaper and for 8-bit values, is sf_bound().
 *
 * Along the flow, by u = log sigma,
 *
 *     dy/du = y - D        d log p / du = -(d - tr dD/dy)
 *
 * and the trace is estimated by v . (dD/dy) v for one random v per run (Hutchinson 1989), of which the mean is exact; averaging
 * several runs with other random numbers lowers its variance.
 */
#pragma once

#include "base/sf-rng.h"
#include "diffusion/sf-denoiser.h"

typedef enum
{
  SF_PROBE_RADEMACHER, /* +1 or -1: the least variance; exact where D acts on each element alone */
  SF_PROBE_GAUSSIAN,
} SfProbe;

/* product (out): (dD/dy) v at @y. */
typedef gboolean (*SfJacobianFunc) (const SfTensor *y, const SfNoiseLevel *level, const SfTensor *v, SfTensor *product, gpointer data,
                                    GError **error);

/* Begin with zeros. */
typedef struct
{
  double rtol, atol; /* of the integrator; 0 = its own */
  SfProbe probe;
  SfJacobianFunc jacobian; /* (nullable): %NULL = differences of D, two evaluations more */
  gpointer jacobian_data;
} SfLikelihoodOptions;

/**
 * sf_log_likelihood:
 * @least: level of the images, which take the place of barely noisy ones
 * @most: level of the prior: N (0, 1) of a x0 + s n, or for processes that explode N (0, s^2)
 * @x0: n images, in [-1, 1], of continuous values
 * @nats: (out) (array length=n): log density of each image.  For 8-bit values with uniform noise of one step added, bits per
 *     dimension are -SF_BITS (nats / d) + log2 (127.5)
 * @evaluations: (out) (nullable): of the denoiser
 */
gboolean sf_log_likelihood (SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *least, const SfNoiseLevel *most,
                            const SfLikelihoodOptions *options, SfRng rng, const SfTensor *x0, double *nats, int *evaluations,
                            const SfProgress *progress, GError **error);
