/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attention on the register tile, never with more than a block of the scores. */
#pragma once

#include "kernels/sf-kernels.h"
#include "tensor/sf-context.h"

#define SF_ATTENTION_MAX_DIM 1024

/* out = softmax (scale q k^T) v for each head.  Token t of item i and head j begins at x + (i * tokens + t) * row + j * head. */
typedef struct
{
  const float *x;
  int row, head; /* floats from one token, from one head to the next */
} SfAttentionInput;

typedef struct
{
  int n, heads, dim;
  gsize queries, keys; /* tokens */
  SfAttentionInput q, k, v;
  float scale;
  float *y;            /* n x queries x (heads dim) */
} SfAttentionJob;

/* @form: one that the kernels can.  FALSE: the context has failed. */
gboolean sf_attention_run (SfContext *cx, const SfKernels *kernels, SfForm form, const SfAttentionJob *job);
