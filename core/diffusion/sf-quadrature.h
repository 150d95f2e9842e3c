/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integrals of the polynomial through the last outputs: what all multistep methods are made of. */
#pragma once

#include "diffusion/sf-sampling.h"

/**
 * sf_quadrature:
 * @x: (array length=n): nodes, all different; n <= SF_MAX_HISTORY
 * @moment: (array length=n): what the integral of x^0 … x^(n-1) is
 * @weight: (out) (array length=n): the integral of a polynomial of degree n - 1 is the sum of weight * its value at the nodes
 */
void sf_quadrature (const double *x, int n, const double *moment, double *weight);
/* What the powers of x weigh under an exponential: phi_1 = e^g - 1 and phi_(i + 1) = phi_i / g - 1 / i!, @n of them. */
void sf_phi (double g, int n, double *phi);
