/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What samplers are written with.
 *
 * All samplers are one loop with other numbers in it.  A step is a list of stages, usually one:
 *
 *     evaluate the denoiser at the present state        (the output becomes newest in the history)
 *     state = y * base + sum of d[j] * output j + noise * fresh N(0, I)
 *
 * where base is the state that the step began with and outputs are D or the noise n = (state - D) / sigma, as the sampler
 * says, those of earlier steps included.  A sampler computes the weights, in double; the loop does the rest: arithmetic in
 * one pass, random numbers, clipping, progress, cancel, memory.
 *
 * Notation: s = sigma of levels[k], t = sigma of levels[k + 1].
 */
#pragma once

#include "diffusion/sf-sampler.h"
#include "diffusion/sf-state.h"

#define SF_MAX_HISTORY 6 /* outputs with a weight */
#define SF_MAX_STAGES 8

struct _SfSamplerStage
{
  double y;                 /* weight of the base */
  double d[SF_MAX_HISTORY]; /* of the outputs, newest first */
  double noise;             /* of fresh noise; nothing is drawn for 0 */
  gboolean per_element;     /* its noise is noise * deviation () */
  double variance;          /* of the reverse step in sigma space, for classifier guidance */
  SfNoiseLevel level;       /* of the result; unset (a = 0) = levels[k + 1] */
  gboolean no_evaluation;   /* the outputs are those of the stage before */
  gboolean new_base;        /* the result is the base of the stages that follow; the last stage's always is, but see: */
  gboolean keep_base;       /* last stage: the base stays for the next step */
  int forget;               /* how many of the newest outputs are used here and then dropped from the history */
};

/* What a sampler knows of its run. */
struct _SfSampling
{
  const SfSampler *sampler;
  const SfSamplerOptions *options;
  const SfNoiseProcess *process;
  const SfNoiseLevel *levels; /* n + 1 */
  int n;
  int past;                   /* outputs of earlier steps that can have a weight */
  SfVariance variance;        /* what the denoiser gives beside D */
  gboolean predicts_v;        /* see #SfDenoiser */
  /* For deviation (): the evaluation just made. */
  const SfTensor *state;
  const SfTensor *denoised;   /* clipped, if the options say so */
  const SfTensor *raw;        /* not clipped, if the sampler has raw_noise and the options keep it; else the same */
  const SfTensor *second;     /* (nullable) of kind @variance */
};

/* The level at @sigma of this run's process. */
SfNoiseLevel sf_sampling_level (const SfSampling *s, double sigma);
/* Time of @level in the run's process; whole where it is an entry of the table of a discrete one. */
double sf_sampling_time (const SfSampling *s, const SfNoiseLevel *level);
/* What the options ask for, or the most that the sampler's history allows. */
int sf_sampling_highest_order (const SfSampling *s);
/* The order to use in step @k of a multistep method: what history there is, and lower at the end of short runs. */
int sf_sampling_order (const SfSampling *s, int k);
/* The same, but only as low as it must be: at most @order, with @past outputs of earlier steps, of levels that differ. */
int sf_sampling_order_within (const SfSampling *s, int k, int order, int past);

/* Ancestral split of a step from @s to @t: noise to add, and the level to go down to before. */
void sf_ancestral_split (double s, double t, double eta, double *up, double *down);

/* Where the ordinary step is not enough: samplers with a loop of their own. */

const SfSampling *sf_run_sampling (SfRun *run);
SfTensor *sf_run_state (SfRun *run);
/* output = D or noise of @x at @level, as the sampler says.  @done: share of the whole run that is over then. */
gboolean sf_run_evaluate (SfRun *run, const SfTensor *x, const SfNoiseLevel *level, double done, SfTensor *output, GError **error);
/* state += scale * the next draw, if that is not 0. */
void sf_run_add_noise (SfRun *run, double scale);
/* What the loop does after a stage: the state at @level was reached. */
gboolean sf_run_reached (SfRun *run, const SfNoiseLevel *level, GError **error);
/* (transfer none): working state @i: as many as the sampler's history and two more, allocated at their first use. */
SfTensor *sf_run_work (SfRun *run, int i, GError **error);
