/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A setting described once: GIMP's procedure arguments, the dialog, the command line's options and their help,
 * validation and the saved metadata are all made from the same rows.
 */
#pragma once

#include <glib.h>

typedef enum
{
  SF_PARAM_BOOLEAN,
  SF_PARAM_INT,
  SF_PARAM_DOUBLE,
  SF_PARAM_STRING,
  SF_PARAM_CHOICE,
} SfParamType;

typedef struct
{
  const char *name;        /* as in scripts: "more-noise" */
  const char *label;       /* marked for translation with N_(), not translated */
  const char *description; /* likewise: one honest sentence */
  const char *group;       /* (nullable) likewise: of the many that are not offered at once */
} SfChoice;

typedef struct
{
  const char *name;        /* "strength" */
  const char *label;       /* N_("Strength"), with a mnemonic */
  const char *description; /* N_(): what it does to the picture */
  SfParamType type;
  double min, max;
  double fallback;         /* the default of numbers and booleans */
  const char *text;        /* the default of strings and choices */
  const SfChoice *(*choices) (int *n); /* (nullable) of a choice: its values */
  gsize offset;            /* of the member in the settings struct */
  guint tasks;             /* bit mask of the tasks that have it */
} SfParam;
