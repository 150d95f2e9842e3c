/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where to lay blocks of memory when it is known beforehand how large each is, and from when to when it is used. */
#pragma once

#include <glib.h>

typedef struct
{
  gsize size;
  guint birth, death; /* in use for moments birth … death - 1 */
  gsize begin;        /* (out) */
} SfSpan;

/* Sets where each of @spans begins, so that none that are used at the same time overlap.  Returns: where the highest ends */
gsize sf_memory_plan (SfSpan *spans, guint n);
