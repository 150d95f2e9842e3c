/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the analytic samplers share: Bao, Li, Zhu, Zhang, "Analytic-DPM" (2022), and Bao et al., "Estimating the optimal
 * covariance with imperfect mean in diffusion probabilistic models" (2022).
 *
 * A Gaussian step from x_r to x_s knows the mean of x0 but not x0.  Its best variance is that for known x0 plus what the
 * uncertainty of x0 adds:
 *
 *     y_s = (1 - w) y_r + w D + sqrt (known + w^2 cov) z,  cov = Var [x0 | y_r] = sigma_r^2 f
 *
 *     f = 1 - Gamma         with Gamma = E [n^2] of this level, from a table
 *       = E [n^2 | x] - n^2  if the denoiser tells the first (SN)
 *       = E [(n - n')^2 | x] if the denoiser tells it (NPR)
 *       = 1 - n^2           else.  The mean of n^2 over an image stands for Gamma.  In strong noise, where the chance in that
 *                           mean makes an error of cov beyond 1, the most that cov can be, it counts ever less
 */
#pragma once

#include "diffusion/sf-sampling.h"

/* deviation = sqrt (known + w^2 cov), each element's. */
void sf_analytic_deviation (const SfSampling *s, int k, double w, double known, SfTensor *deviation);
