/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Group norm with its modulation and activation in two passes over the memory, for all images at once. */
#pragma once

#include "kernels/sf-kernels.h"
#include "ops/sf-moments.h"

/* y = activation (norm (x) (1 + first half of modulation) + second half) = activation (p x + q) */
typedef struct
{
  int n;                   /* images */
  gsize pixels;            /* of an image */
  int c, groups;
  float eps;
  const float *x, *w, *b;  /* n x pixels x (c - beside_c), c, c */
  const float *beside;     /* (nullable) n x pixels x beside_c: the last channels; sf_group_norm_measure() only */
  int beside_c;
  const SfTensor *moments, *beside_moments; /* (nullable): those of x and beside, where they are known */
  const float *modulation; /* (nullable) n x 2 c */
  SfActivation activation;
  float *statistics;       /* n x groups x {mean, 1 / sqrt (variance + eps)} */
  float *line;             /* n x {p, q} x c */
  float *y;                /* may be @x */
} SfGroupNormJob;

/* Makes @statistics and @line.  FALSE: the context has failed. */
gboolean sf_group_norm_measure (SfContext *cx, const SfKernels *kernels, const SfGroupNormJob *job);
/* All of it. */
gboolean sf_group_norm_run (SfContext *cx, const SfKernels *kernels, const SfGroupNormJob *job);
