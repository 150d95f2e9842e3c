/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which timesteps to train on. */
#pragma once

#include "base/sf-rng.h"
#include "diffusion/sf-noise-process.h"

typedef struct _SfTimeSampler SfTimeSampler;

/* Begin with SF_TIME_SAMPLER_OPTIONS. */
typedef struct
{
  double mean, deviation; /* logit-normal: of the logit of t */
  int history;            /* loss-second-moment: losses remembered of each timestep */
  double uniform;         /* loss-second-moment: share of the draws that stays uniform */
} SfTimeSamplerOptions;

#define SF_TIME_SAMPLER_OPTIONS .deviation = 1, .history = 10, .uniform = 0.001

typedef struct
{
  const char *name;        /* "uniform" */
  const char *label;       /* N_() */
  const char *description; /* N_(): one honest sentence */
  /* 0…1 from a uniform number and one that is N (0, 1).  %NULL = by the losses seen. */
  double (*place) (const SfTimeSamplerOptions *options, double uniform, double normal);
} SfTimeSamplerKind;

/* All of them. */
const SfTimeSamplerKind *sf_time_sampler_kinds (int *n);
/* (nullable): the one called @name. */
const SfTimeSamplerKind *sf_time_sampler_kind_find (const char *name);

/* (transfer full) (nullable): %NULL with %SF_ERROR_ARGUMENT where @kind does not go with @process. */
SfTimeSampler *sf_time_sampler_new (const SfTimeSamplerKind *kind, const SfNoiseProcess *process, const SfTimeSamplerOptions *options,
                                    GError **error);
void sf_time_sampler_free (SfTimeSampler *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfTimeSampler, sf_time_sampler_free)

/**
 * sf_time_sampler_draw:
 * @rng: two streams of it are used
 * @t: (out) (array length=n): an index of a discrete process, a time of a continuous one
 * @weight: (out) (array length=n): factor on the loss there, so that the sampler does not change what is learned.  Logit-normal is
 *     meant to change it: there it is 1
 */
void sf_time_sampler_draw (const SfTimeSampler *self, SfRng rng, int n, double *t, double *weight);

/* Tells the losses at @t, without their weights.  For other kinds than loss-second-moment nothing. */
void sf_time_sampler_update (SfTimeSampler *self, int n, const double *t, const double *loss);

/**
 * sf_time_sampler_probabilities:
 * @p: (out) (array length=T): of each timestep, for loss-second-moment
 *
 * Returns: whether the history of each timestep is full; until then they are uniform
 */
gboolean sf_time_sampler_probabilities (const SfTimeSampler *self, double *p);
