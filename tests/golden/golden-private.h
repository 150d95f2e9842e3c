/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdio.h>

#include "golden.h"

typedef enum
{
  OUTCOME_PASSED,
  OUTCOME_FAILED,
  OUTCOME_SKIPPED,
  N_OUTCOMES,
} Outcome;

/* Runs a case and prints its line. @tensors: those of the case, by name; @model: (nullable). */
Outcome case_run (const GoldenGroup *group, const char *name, JsonObject *description, JsonObject *model, GHashTable *tensors, FILE *out);

/* (transfer full): CASE → (TENSOR → GoldenTensor). */
GHashTable *golden_read_tensors (const char *path, GError **error);
