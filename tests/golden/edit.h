/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of sf_edit() and sf_sample(), compared by their hooks: shared by the groups of editing. */
#pragma once

#include "diffusion/sf-edit.h"
#include "mix.h"

typedef enum
{
  RESULTS_EACH, /* of each stage */
  RESULTS_DOWN, /* of those that go down */
  RESULTS_END,  /* at the last level */
} Results;

/* Noise of one tensor or of several, and what is compared: data of the hooks. */
typedef struct
{
  Case *c;
  Replay *own;         /* draws of the sampler, in the order of use */
  Replay *kept;        /* draws of the editing */
  Replay *start;       /* (nullable) the first of these */
  const char *model_x; /* (nullable): tensor of the state before each evaluation, of which it has … */
  int copies;          /* … so many */
  const char *x;       /* (nullable): tensor of results */
  Results results;     /* which */
  gboolean in_sigma;   /* they are in sigma space */
  double end;          /* sigma of the last level */
  double sigma;        /* of the result before */
  gsize n_own, n_kept, n_before, n_results; /* so far */
} Comparison;

/* Noise, hooks and their data, all others as they usually are. */
SfSamplerOptions comparison_options (Comparison *self);
/* Fails the case unless as many were compared as there are. */
void comparison_end (Comparison *self);
