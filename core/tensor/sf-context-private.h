/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the context and its tape share. */
#pragma once

#include "tensor/sf-context.h"

struct _SfContext
{
  SfArena *arena;
  gboolean dry, fast;
  const SfProgress *progress; /* (nullable) */
  double expected, done;      /* work */
  GError *error;              /* (nullable) sticky */
  GArray *plan;               /* (nullable) of the last rehearsal */
  gconstpointer rehearsed;    /* what it was of */
  int shape[4];
  GArray *tape;               /* (nullable) of steps, in the order of the run */
  GHashTable *gradients;      /* (nullable) while the tape runs backwards: what is known, %NULL = nothing yet, by tensor */
};
