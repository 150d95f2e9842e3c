/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps along the slope of the probability flow, which samplers put together in different ways. */
#pragma once

#include "diffusion/sf-sampling.h"

/* What a step is between.  With churn it begins further up than its level, ancestral it goes further down. */
typedef struct
{
  double from, to; /* sigma */
  double noise;    /* to add at its end */
  int stages;      /* those filled so far: 1 with churn */
} SfSpan;

/* Of the step from levels[k] to levels[k + 1], with the churn and the eta that the sampler uses. */
SfSpan sf_span (const SfSampling *s, int k, SfSamplerStage *stages);
/* The straight line from @from to @to, with the newest output, whichever the sampler asked for. */
SfSamplerStage sf_straight (const SfSampling *s, double from, double to);

/* For SfSampler.plan: one straight line … */
int sf_straight_plan (const SfSampling *s, int k, SfSamplerStage *stages);
/* … or one with the output of the middle of the step. */
int sf_midpoint_plan (const SfSampling *s, int k, SfSamplerStage *stages);
