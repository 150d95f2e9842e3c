/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a network is told its timestep: waves of falling frequency (Vaswani et al. 2017). */
#pragma once

#include "tensor/sf-tensor.h"

typedef struct
{
  gboolean sine_first; /* the first half are sines, the second cosines; else the reverse */
  double shift;        /* 1: the last wave has the longest period itself; 0: the one that would follow has */
  double period;       /* the longest / 2 pi; 0 = 10000 */
} SfWaves;

/* Ho et al. 2020; Nichol & Dhariwal 2021 and Stable Diffusion. */
#define SF_WAVES_HO ((SfWaves) { .sine_first = TRUE, .shift = 1 })
#define SF_WAVES_OPENAI ((SfWaves) { 0 })

/* out: (out) (array length=n): of the timestep @t, which may be fractional; n / 2 > shift.  Where n is odd the last is 0. */
void sf_waves (const SfWaves *self, double t, SfReal *out, int n);
