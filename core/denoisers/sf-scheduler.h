/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schedulers: what the scheduler_config.json of a diffusers folder says about a network, in our terms.
 *
 * A scheduler of diffusers mixes what the network was trained for (noise process, prediction, variance) with how it is best
 * sampled.  The first is binding; the second is a recommendation.
 */
#pragma once

#include "base/sf-description.h"
#include "diffusion/sf-clip.h"
#include "diffusion/sf-denoiser.h"
#include "diffusion/sf-prediction.h"
#include "diffusion/sf-schedule.h"

typedef enum
{
  SF_SCHEDULER_CHAIN,     /* whole timesteps of the chain */
  SF_SCHEDULER_DISTILLED,
  SF_SCHEDULER_SIGMA,     /* state in sigma space */
  SF_SCHEDULER_MULTISTEP, /* by sigma, state a x0 + s n */
  SF_SCHEDULER_FLOW,
  SF_SCHEDULER_SDE,       /* continuous */
} SfSchedulerKind;

/* What a class does where its configuration says nothing. */
typedef struct
{
  const char *name; /* "DDIMScheduler" */
  SfSchedulerKind kind;
  const char *spacing; /* "leading": timestep_spacing; of the last three kinds a schedule of ours */
  const char *betas;   /* "linear": beta_schedule; "vp", "ve": a continuous process */
  double start, end;   /* of the betas, or the parameters of the process */
  gboolean clips;
  const char *sampler; /* ours, recommended */
  int steps;           /* likewise */
} SfSchedulerClass;

const SfSchedulerClass *sf_scheduler_classes (int *n);
/* (nullable): the one called @name. */
const SfSchedulerClass *sf_scheduler_class_find (const char *name);

/* Parts of a configuration; errors go to its reader. */

/* (transfer full) (nullable): with @cls's interpolation and its idea of zero terminal SNR.  Our own member "rescale_timesteps" tells that
 * labels run to 1000 for any number of timesteps.
 */
SfNoiseProcess *sf_scheduler_process (SfDescription *config, const SfSchedulerClass *cls);
SfPrediction sf_scheduler_prediction (SfDescription *config, SfPrediction fallback);
SfClip sf_scheduler_clip (SfDescription *config, const SfSchedulerClass *cls);
/* The row of timestep_spacing; sets the offset. */
const char *sf_scheduler_spacing (SfDescription *config, const SfSchedulerClass *cls, SfScheduleOptions *options);
/* (nullable): the row of use_karras_sigmas and its kin. */
const char *sf_scheduler_sigmas (SfDescription *config);

typedef struct
{
  const SfSchedulerClass *cls;
  SfNoiseProcess *process;
  SfPrediction prediction;
  SfVariance variance;  /* what the network gives beside its prediction */
  gboolean fixed_large; /* without that: variance of the reverse step is beta, not beta tilde */
  double low, high;     /* values of pictures as the network sees them; the noise process is of this scale */
  SfClip clip;
  /* Recommended.  Runs end at the clean image: what some classes leave of the last noise is meant for latents. */
  const char *sampler, *schedule;
  SfScheduleOptions options;
  int steps;
} SfScheduler;

/* (transfer full) (nullable): %NULL with %SF_ERROR_MODEL naming @file and the member that is wrong. */
SfScheduler *sf_scheduler_new (JsonObject *config, const char *file, GError **error);
void sf_scheduler_free (SfScheduler *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfScheduler, sf_scheduler_free)

/* From [-1, 1] to the values that the network sees, and back; in place. */
void sf_scheduler_to_range (const SfScheduler *self, SfReal *x, gsize n);
void sf_scheduler_from_range (const SfScheduler *self, SfReal *x, gsize n);
