/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model takes: memory, and time. */
#pragma once

#include "denoisers/sf-model.h"

/* An evaluation; of a classifier, with its gradient. */
typedef struct
{
  gsize weights;     /* bytes of the checkpoint's arrays */
  gsize packed;      /* bytes that its convolutions will be packed to at their first use */
  gsize activations; /* bytes, peak */
  double work;       /* floating point operations */
} SfModelCost;

/* By a dry run, after sf_model_load().  FALSE where the network cannot take that size. */
gboolean sf_model_measure (const SfModel *self, int height, int width, SfModelCost *cost, GError **error);
/**
 * sf_model_predict_seconds:
 * @cost: as measured
 * @work: floating point operations that it will do
 * @speed: operations per second of this machine, sf_conv_speed(), which counts until there was an evaluation; 0 = not known
 *
 * Returns: seconds, with what comes before the very first evaluation: all weights are read and packed; 0 = cannot be told
 */
double sf_model_predict_seconds (const SfModel *self, const SfModelCost *cost, double work, double speed);
