/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What networks are trained to predict, and how D follows from it: the one place of these conversions. */
#pragma once

#include "diffusion/sf-noise-process.h"
#include "tensor/sf-tensor.h"

typedef enum
{
  SF_PREDICTION_EPSILON,  /* the noise n (Ho et al. 2020) */
  SF_PREDICTION_SAMPLE,   /* the clean image x0 */
  SF_PREDICTION_V,        /* v = a n - s x0 (Salimans & Ho 2022) */
  SF_PREDICTION_SCORE,    /* gradient of log p (x), -n / s (Song et al. 2021) */
  SF_PREDICTION_FLOW,     /* velocity n - x0 (flow matching) */
  SF_PREDICTION_PREVIOUS, /* mean mu of the next state, a' x0 + s' n */
  SF_N_PREDICTIONS,
} SfPrediction;

/* "epsilon", "sample", "v", "score", "flow", "previous". */
const char *sf_prediction_name (SfPrediction self);

/**
 * sf_prediction_check:
 *
 * Returns: %FALSE with %SF_ERROR_ARGUMENT naming both where @self says nothing at some level of @process: noise and score where
 *     there is no signal, the flow's velocity of another process, the previous state of a continuous one
 */
gboolean sf_prediction_check (SfPrediction self, const SfNoiseProcess *process, GError **error);

/**
 * sf_prediction_weights:
 * @level: where the prediction was made
 * @next: (nullable): the level that the mean is of, for %SF_PREDICTION_PREVIOUS
 *
 * D = state * y + output * (what the network gave), with y the state in sigma space; the network saw a y.
 */
void sf_prediction_weights (SfPrediction self, const SfNoiseLevel *level, const SfNoiseLevel *next, double *state, double *output);
