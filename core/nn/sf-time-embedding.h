/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network is told of timestep and class: a vector for each picture, which its residual blocks are given. */
#pragma once

#include "nn/sf-binder.h"
#include "nn/sf-waves.h"
#include "ops/sf-ops.h"

typedef enum
{
  SF_TIME_WAVES,   /* of the timestep */
  SF_TIME_FOURIER, /* random frequencies of the logarithm of the noise level (Tancik et al. 2020, NCSN++) */
  SF_TIME_LEARNED, /* a vector for each timestep */
} SfTimeKind;

typedef struct
{
  SfTimeKind kind;
  SfWaves waves;           /* of SF_TIME_WAVES */
  int channels;            /* of waves, frequencies or vectors */
  int out;                 /* channels of the result */
  SfActivation activation; /* of the result: of the blocks that get it */

  SfParameter *table;      /* frequencies or vectors; bound by the network */
  int n_table;             /* of SF_TIME_LEARNED */
  SfLayer linear1, linear2;
  SfParameter *classes;    /* (nullable): [n_classes, out], or … */
  SfLayer class1, class2;  /* … (nullable): layers for classes that are numbers like timesteps; else their numbers are added as they are */
} SfTimeEmbedding;

/**
 * sf_time_embedding_forward:
 * @t: (array length=n)
 * @classes: (nullable) (array length=n): -1 = add nothing
 *
 * Returns: (transfer full) (nullable): n x 1 x 1 x out
 */
SfTensor *sf_time_embedding_forward (const SfTimeEmbedding *self, SfContext *cx, const double *t, const int *classes, int n) G_GNUC_WARN_UNUSED_RESULT;
