/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gamma of Analytic-DPM for a network: estimated from pictures of its kind, stored beside it, and loaded with it (SfModel.gamma). */
#pragma once

#include "denoisers/sf-model.h"

/**
 * sf_model_estimate_gamma:
 * @self: usable, of a discrete noise process
 * @pictures: n x height x width x 3 in [-1, 1], of the model's size
 * @class: that they are of; -1 = not known, which models will do that know pictures without a class
 *
 * An evaluation for each timestep and picture.
 *
 * Returns: (transfer full) (nullable) (array length=process->n)
 */
double *sf_model_estimate_gamma (SfModel *self, const SfTensor *pictures, int class, guint64 seed, const SfProgress *progress, GError **error);
