/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The closed-form model of the golden cases (golden/README.md): every pixel is a draw of its own from a mixture of normal
 * distributions over the channels; its denoiser, its "network" heads with a ripple that depends on the label, and its
 * second heads are exact.
 */
#pragma once

#include "diffusion/sf-prediction.h"
#include "golden.h"

#define MIX_ALL -1 /* no class */

typedef enum
{
  MIX_SECOND_NONE,
  MIX_SECOND_RANGE,
  MIX_SECOND_LOGVAR,
  MIX_SECOND_VARIANCE, /* which a denoiser gives as its logarithm */
  MIX_SECOND_EPS2,
  MIX_SECOND_EPSC,
} MixSecond;

/* A denoiser made of one head, which can compare what it is asked with what the reference's model was asked. */
typedef struct
{
  SfDenoiser parent;
  SfPrediction head;             /* of kind previous: 0.6 x + 0.4 x0 */
  MixSecond second;
  int y;                         /* class, or MIX_ALL */
  const SfNoiseProcess *process; /* (nullable) whose chain the head "previous" belongs to */
  /* Comparison, where these are set: */
  Case *c;
  const char *trajectory;        /* (nullable): tensor with the state of each call … */
  const int *row;                /* (nullable) (array length=n_rows): … and its block for each call, -1 = none; %NULL = in order … */
  int n_rows;
  gboolean scaled;               /* … as the network sees it, a x0 + s n; else in sigma space */
  gboolean chosen;               /* levels follow from states, so they are as exact as those */
  const char *estimate;          /* (nullable): tensor with D of each call … */
  SfClip clip;                   /* … clipped so */
  int call;                      /* number of calls so far */
  gpointer mixture;              /* private */
} Mix;

/* (transfer full): the model of the case; it fails if there is none.  Compares labels, scales and outputs of each call with the
 * tensors model_t, model_a and model_out, where there are such.
 */
Mix *mix_new (Case *c);
/* The head "epsilon", "sample", "v" or "flow" at @x = a x0 + b n, in double.  @out: shape of @x. */
void mix_head (const Mix *self, SfPrediction head, int y, const SfTensor *x, double a, double b, double t, SfTensor *out);
/* The second head at @x. */
void mix_second (const Mix *self, MixSecond second, const SfTensor *x, double a, double b, double t, SfTensor *out);
/* Gradient of log p (class y | x) with respect to @x. */
void mix_gradient (const Mix *self, int y, const SfTensor *x, double a, double b, SfTensor *out);
