/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs jobs on a thread of its own and tells about it on the main one.
 *
 * Signals, all on the main thread:
 *   frame (const SfTensor *image, int candidate, int level, int n_levels)   a level is finished
 *   noised (const SfTensor *image)                                   what sf_runner_show_noised() asked for
 *   counted (const SfEstimate *estimate)                             of each candidate; what sf_runner_count() asked for
 *                                                                    and also each run tells, before and after
 *   result (SfResult *result)                                        a candidate is finished
 *   finished (const GError *error)                                   after each run; %NULL = all went well
 */
#pragma once

#include <glib-object.h>

#include "sfumato.h"

#define SF_TYPE_RUNNER (sf_runner_get_type ())
G_DECLARE_FINAL_TYPE (SfRunner, sf_runner, SF, RUNNER, GObject)

SfRunner *sf_runner_new (void);

/* (transfer full): the job of what is asked for from now on. */
void sf_runner_set_job (SfRunner *self, SfJob *job);
gboolean sf_runner_has_job (SfRunner *self);

/* Asks for the number of evaluations; another job makes the answer void. */
void sf_runner_count (SfRunner *self);
/* Starts @n candidates.  @like: (nullable): more like this. */
void sf_runner_run (SfRunner *self, int seed, int n, SfResult *like);
/* Asks for the forward process; of several requests only the last is answered. */
void sf_runner_show_noised (SfRunner *self, double strength, int seed);
/* Finished comes from the next idle callback, with %G_IO_ERROR_CANCELLED. */
void sf_runner_stop (SfRunner *self);
gboolean sf_runner_is_running (SfRunner *self);
/* Of the run, 0…1. */
double sf_runner_get_fraction (SfRunner *self);
