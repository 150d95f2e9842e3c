/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models that stay loaded: the dialog, its previews and each run use the same one.
 *
 * What is made of a model's weights takes a second to make, and much memory, so the last two are kept.  A model is known by its name and
 * noise process, and dropped as soon as one of its files changes; who still uses it keeps a reference.
 */
#pragma once

#include "denoisers/sf-model.h"

/**
 * sf_model_get:
 * @noise_process: (nullable): see sf_model_set_process(); %NULL = of no matter, any will do
 * @load: as sf_model_load() does; else only what is said about it is known
 *
 * The model as it was made for an earlier call with the same arguments, unless its files have changed.  From any thread.
 *
 * Returns: (transfer full) (nullable)
 */
SfModel *sf_model_get (const char *model, const char *noise_process, gboolean load, const SfProgress *progress, GError **error);
