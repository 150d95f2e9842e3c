/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ops once more: loops in double that follow the definitions, and a table of cases to compare with. */
#pragma once

#include "ops/sf-ops.h"

/* A tensor, or a parameter with its dimensions. */
typedef struct
{
  gsize dim[4];
  double *data;
} Array;

gsize array_size (const Array *self);
void array_clear (Array *self);

#define MOST_INPUTS 3
#define MOST_PARAMETERS 4

typedef struct _Case Case;
struct _Case
{
  const char *name;
  gsize x[MOST_INPUTS][4];     /* shapes of tensors; 0: not there */
  gsize w[MOST_PARAMETERS][4]; /* of parameters, likewise */
  /* Consumes x. */
  SfTensor *(*run) (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w);
  void (*reference) (const Case *self, const Array *x, const Array *p, Array *y);
  SfConv conv;
  SfActivation activation;
  int groups;
  float a, b;          /* numbers that the op takes */
  int heads, dim;
  int offset[3], stride[3];
  gboolean one_tensor; /* x[0] stands for all three inputs of attention */
};

extern const Case cases[];
extern const int n_cases;
