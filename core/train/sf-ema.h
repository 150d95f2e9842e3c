/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exponential moving average of a network's parameters: what is kept of a training run. */
#pragma once

#include "tensor/sf-tensor.h"

typedef enum
{
  SF_EMA_CONSTANT, /* decay from the first update on */
  SF_EMA_RATIONAL, /* (1 + k) / (10 + k) */
  SF_EMA_POWER,    /* 1 - (1 + k / inv_gamma)^-power */
} SfEmaWarmUp;

/* Begin with SF_EMA. */
typedef struct
{
  double decay;            /* 0…1, once warm */
  double min_decay;
  SfEmaWarmUp warm_up;     /* k counts updates after the first; until then the average is the parameters themselves */
  double inv_gamma, power;
  int delay;               /* updates before warming up begins */
} SfEma;

#define SF_EMA .decay = 0.9999, .inv_gamma = 1, .power = 2.0 / 3

/* The decay of update number @update, from 1. */
double sf_ema_decay (const SfEma *self, int update);
/* average = decay * average + (1 - decay) * x */
void sf_ema_update (SfTensor *average, const SfTensor *x, double decay);
