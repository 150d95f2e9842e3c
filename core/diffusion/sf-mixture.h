/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A mixture of round normal distributions in the plane: the smallest target that has all that makes sampling hard (separate modes,
 * fine detail), and everything about it is known exactly: D, draws, where the probability flow leads, how far draws are from right.
 * Samplers are measured and drawn on it.
 *
 * A state is n points: n x 1 x 1 x 2 or any other shape with two channels, each pixel a point of its own.
 */
#pragma once

#include "base/sf-rng.h"
#include "diffusion/sf-denoiser.h"

#define SF_MIXTURE_MODES 3

extern const double sf_mixture_mean[SF_MIXTURE_MODES][2]; /* equally probable */
extern const double sf_mixture_deviation;                /* of each mode */

/* (transfer full): its exact denoiser. */
SfDenoiser *sf_denoiser_mixture_new (void);

/* @y at noise level @sigma: draws of the mixture plus noise. */
void sf_mixture_draw (SfTensor *y, double sigma, SfRng rng);

/* @y at level @from goes to where the probability flow leads at level @to > 0: Runge-Kutta of order 4 in @steps steps of log sigma. */
void sf_mixture_flow (SfTensor *y, double from, double to, int steps);

/**
 * sf_mixture_distance:
 *
 * Returns: root mean square distance between the points and as many ideal draws: Wasserstein-2, averaged over projections onto
 *     several directions.  Perfect
 *     draws have not 0 but something like 1 / sqrt (n).
 */
double sf_mixture_distance (const SfTensor *y);
