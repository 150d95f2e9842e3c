/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One call of a procedure, from its arguments to its return values. */
#pragma once

#include <libgimp/gimp.h>

#include "sfumato.h"

/* What the four procedures do not share. */
typedef struct
{
  SfTask task;
  const char *procedure;
  const char *label, *blurb, *help; /* N_() */
  const char *busy;                 /* N_(): shown while it works */
  int sensitivity;
} SfTaskInfo;

/* A GimpRunImageFunc; @info is the SfTaskInfo. */
GimpValueArray *sf_run (GimpProcedure *procedure, GimpRunMode mode, GimpImage *image, GimpDrawable **drawables,
                        GimpProcedureConfig *config, gpointer info);
