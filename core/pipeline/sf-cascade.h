/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a cascade, coarse to fine: SDEdit between the levels.
 *
 * Every level runs the same sampler on the same schedule, with its share of the steps.  All steps of all levels, in
 * order, are "the noise schedule": a strength below 1 runs only the last part of it, from the present content noised to
 * the level where that part begins.
 */
#pragma once

#include "denoisers/sf-engine.h"
#include "diffusion/sf-sampler.h"
#include "diffusion/sf-schedule.h"

typedef struct
{
  const SfSampler *sampler;
  const SfSchedule *schedule;
  int steps;       /* of a level with a step share of 1 */
  double eta;
  double strength; /* 0 < strength <= 1; 1 = from noise unless there is content */
} SfCascadeSettings;

/* Called after each level with the frame at that level's size, in the engine's range. */
typedef void (*SfCascadeFunc) (const SfTensor *image, int level, gpointer data);

/* Where a run begins: the level, and the step within it. */
void sf_cascade_begin (SfEngine *engine, const SfCascadeSettings *settings, int *level, int *step);
/* The noise level of that step. */
double sf_cascade_sigma (SfEngine *engine, const SfCascadeSettings *settings, int level, int step);
/* Floating point operations of a whole run; 0 if they are not counted. */
double sf_cascade_work (SfEngine *engine, const SfCascadeSettings *settings);
/* Denoiser evaluations of a whole run; 0 if the sampler makes as many as it needs. */
int sf_cascade_evaluations (SfEngine *engine, const SfCascadeSettings *settings);

/**
 * sf_cascade_run:
 * @engine: after begin()
 *
 * Returns: (transfer full) (nullable): the finest level's result, rendered to the frame
 */
SfTensor *sf_cascade_run (SfEngine *engine, const SfCascadeSettings *settings, guint64 seed, SfCascadeFunc func,
                          gpointer data, const SfProgress *progress, GError **error);
