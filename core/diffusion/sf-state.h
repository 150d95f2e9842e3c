/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic on whole states, in one pass. */
#pragma once

#include "base/sf-rng.h"
#include "tensor/sf-tensor.h"

#define SF_SUM_MAX_TERMS 9

/* out = sum of w x + noise * deviation * (z or random numbers), elementwise.  out may be one of the x. */
typedef struct
{
  SfReal *out;
  int n;
  double w[SF_SUM_MAX_TERMS];
  const SfReal *x[SF_SUM_MAX_TERMS];
  double noise;               /* 0 = none */
  const SfReal *deviation;    /* (nullable): 1 */
  const SfReal *z;            /* (nullable): the numbers of @rng */
  SfRng rng;
} SfSum;

/* @size elements.  The same bits for any number of threads. */
void sf_sum_run (SfSum *self, gsize size);

/* out = sum of w[j] * x[j] for @n states.  out may be one of them. */
void sf_weighted_sum (SfTensor *out, int n, const double *w, const SfTensor *const *x);
/* x += scale * N(0, I), the numbers of @rng. */
void sf_add_noise (SfTensor *x, double scale, SfRng rng);

/* The sum of a term over the elements [begin, end). */
typedef double (*SfTermFunc) (gsize begin, gsize end, gconstpointer data);
/* That over all of [@begin, @end).  The same bits for any number of threads. */
double sf_sum_terms (gsize begin, gsize end, SfTermFunc func, gconstpointer data);
/* Over the elements of one image: of x; of (x - y)^2, where y (nullable) = 0. */
double sf_sum_image (const SfTensor *x, int image);
double sf_sum_squares (const SfTensor *x, const SfTensor *y, int image);
