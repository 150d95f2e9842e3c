/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Candidates computed on a thread while the main thread keeps GIMP's progress bar alive.
 *
 * Only the main thread may talk to GIMP, so the worker leaves its progress in a variable and the main thread looks at
 * it several times a second.
 */
#pragma once

#include "sfumato.h"

/**
 * sf_worker_run:
 * @seed: base seed
 * @text: what GIMP's progress bar says
 *
 * Returns: (transfer full) (element-type SfResult): the results in the order of the candidates, or %NULL with @error
 */
GPtrArray *sf_worker_run (SfJob *job, int seed, int n_candidates, const char *text, GError **error);
