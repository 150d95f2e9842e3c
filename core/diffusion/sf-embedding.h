/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a network is told its timestep: waves of falling frequency (Vaswani et al. 2017). */
#pragma once

#include "tensor/sf-tensor.h"

typedef struct
{
  gboolean sine_first; /* the first half are sines, the second cosines; else the reverse */
  gboolean whole_range; /* the last wave has the longest period itself, not the one that would follow */
  double period;       /* the longest / 2 pi; 0 = 10000 */
} SfEmbedding;

/* Ho et al. 2020; Nichol & Dhariwal 2021 and Stable Diffusion. */
#define SF_EMBEDDING_HO ((SfEmbedding) { .sine_first = TRUE, .whole_range = TRUE })
#define SF_EMBEDDING_OPENAI ((SfEmbedding) { 0 })

/* out: (out) (array length=n): of the timestep @t, which may be fractional; n > 3.  Where n is odd the last is 0. */
void sf_embedding (const SfEmbedding *self, double t, SfReal *out, int n);
