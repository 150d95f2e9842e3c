/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Normal distributions, each by its mean and the logarithm of its variance: what likelihoods and losses are made of.  Nats. */
#pragma once

#include "tensor/sf-tensor.h"

/* KL (N (m1, e^l1) || N (m2, e^l2)).  @dm2, @dl2: (out) (nullable): its derivatives. */
double sf_gaussian_kl (double m1, double l1, double m2, double l2, double *dm2, double *dl2);

/* The distribution function of N(0, 1), approximated by tanh as published likelihoods have it (Page 1977), not by erf. */
double sf_gaussian_cdf (double z);

/**
 * sf_gaussian_log_bin:
 * @x: an 8-bit value, in [-1, 1]
 * @dm: @dl: (out) (nullable): derivatives
 *
 * Logarithm of the share of N (m, e^l) that rounds to @x; the first and the last value take the tails (Ho et al. 2020,
 * equation 13).  At least log 1e-12.
 */
double sf_gaussian_log_bin (double x, double m, double l, double *dm, double *dl);

/*** Many at once: what the encoder of an autoencoder gives, n x h x w x 2c, c means and then c log variances per pixel ***/

/* z (inout): in: unit noise, n x h x w x c; out: a draw. */
void sf_gaussian_draw (const SfTensor *moments, SfTensor *z);
/* kl: (out) (array length=n): KL to N(0, 1), summed over each image. */
void sf_gaussian_kl_to_unit (const SfTensor *moments, double *kl);
/* nll: (out) (array length=n): negative log density of @x, summed over each image. */
void sf_gaussian_nll (const SfTensor *moments, const SfTensor *x, double *nll);
