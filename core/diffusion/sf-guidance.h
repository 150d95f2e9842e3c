/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guidance: several predictions for the same state become one.  Pure arithmetic; sf-denoiser-guided.h makes denoisers of it.
 *
 * Every method is a weighted sum of the predictions, with weights that depend on nothing but their inner products over each image:
 *
 *     u without the condition, c with it, e the third: another condition, or the momentum
 */
#pragma once

#include "diffusion/sf-prediction.h"
#include "tensor/sf-tensor.h"

typedef struct _SfGuidanceKind SfGuidanceKind;

/* Begin with SF_GUIDANCE. */
typedef struct
{
  const SfGuidanceKind *kind;
  SfPrediction prediction; /* what is combined; where the weights do not add up to 1 it matters */
  double scale;            /* w: 1 = the condition alone, above 1 more of it */
  gboolean original;       /* the scale counts from the condition: w - 1 in its place */
  double rescale;          /* 0…1: how much of the deviation of c the result gets back (Lin et al. 2024) */
  double third_scale;      /* perpendicular: of the unwanted; three-way: of the picture */
  int zero_first;          /* CFG-Zero*: so many evaluations of a run find nothing: what is predicted is 0, and the state stays */
  double momentum, threshold, eta; /* projected: of the difference c - u; 0 = none, no limit, none of the part along c */
} SfGuidance;

#define SF_GUIDANCE .prediction = SF_PREDICTION_EPSILON, .scale = 1

/* The predictions. */
typedef enum
{
  SF_GUIDANCE_UNCONDITIONAL,
  SF_GUIDANCE_CONDITIONAL,
  SF_GUIDANCE_THIRD,
  SF_N_GUIDANCE,
} SfGuidancePart;

struct _SfGuidanceKind
{
  const char *name;        /* "cfg" */
  const char *label;       /* N_() */
  const char *description; /* N_(): one honest sentence */
  gboolean third;          /* takes a third prediction */
  gboolean momentum;       /* the third is the momentum, which lasts from call to call */
  /* w (out): the weight of each prediction; @dot: their inner products */
  void (*weigh) (const SfGuidance *self, double dot[SF_N_GUIDANCE][SF_N_GUIDANCE], double w[SF_N_GUIDANCE]);
};

/* All of them. */
const SfGuidanceKind *sf_guidance_kinds (int *n);
/* (nullable): the one called @name. */
const SfGuidanceKind *sf_guidance_kind_find (const char *name);

/* Whether the condition alone is the result, so that @unconditional need not be known. */
gboolean sf_guidance_is_off (const SfGuidance *self);

/**
 * sf_guide:
 * @conditional: (inout): in: c; out: the result
 * @unconditional: u
 * @third: (inout) (nullable): where the kind takes one: another prediction, or the momentum, which begins with zeros
 */
void sf_guide (const SfGuidance *self, SfTensor *conditional, const SfTensor *unconditional, SfTensor *third);
