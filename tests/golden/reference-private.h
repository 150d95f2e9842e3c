/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of reference.h share. */
#pragma once

#include "reference.h"

/* Parameters below a prefix */
double reference_number (Case *c, const char *prefix, const char *name, double fallback);
gboolean reference_flag (Case *c, const char *prefix, const char *name);
gboolean reference_flag_or (Case *c, const char *prefix, const char *name, gboolean fallback);
const char *reference_text (Case *c, const char *prefix, const char *name, const char *fallback);
/* (transfer full) (nullable) */
double *reference_list (Case *c, const char *path, int *n);

typedef enum
{
  KIND_UNKNOWN,
  KIND_CHAIN,     /* whole timesteps of the chain */
  KIND_DISTILLED,
  KIND_SIGMA,     /* state in sigma space */
  KIND_MULTISTEP, /* by sigma, state a x0 + s n */
  KIND_FLOW,
} ReferenceKind;

/* A scheduler class, and what is used where its arguments do not tell. */
typedef struct
{
  const char *name;
  ReferenceKind kind;
  const char *spacing;
  const char *schedule;
  double start, end; /* of beta */
} ReferenceClass;

/* (nullable) */
const ReferenceClass *reference_class (const char *cls);
/* (transfer full) (nullable): of the beta arguments below @prefix. */
SfNoiseProcess *reference_class_process (Case *c, const char *prefix, const ReferenceClass *class);
/* Whether sigma falls at the last timestep. */
gboolean reference_falls_at_end (const SfNoiseProcess *process);
