/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The work itself, from files to files, on whatever thread it is called. */
#pragma once

#include "sf-options.h"

enum
{
  SF_EXIT_USAGE = 2,
  SF_EXIT_INTERRUPTED = 130, /* 128 + SIGINT, as shells count */
};

/* Whoever wants to leave early or to write must move on from the first stage, so it is one or the other. */
typedef enum
{
  SF_STAGE_READING_OR_COMPUTING,
  SF_STAGE_WRITING,
  SF_STAGE_LEFT,
} SfStage;

typedef struct
{
  const SfOptions *options;
  GCancellable *cancellable;
  gint stage;    /* (atomic) SfStage */
  gint permille; /* (atomic) of the computation done */
} SfWork;

gboolean sf_work_do (SfWork *self, GError **error);
