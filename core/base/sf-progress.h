/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress and cancel as one value, handed down by pointer and narrowed on the way.
 *
 * A function that works for more than a few milliseconds takes a `const SfProgress *` (may be %NULL), reports
 * fractions 0…1 of its own work, and asks sf_progress_stopped() at least every 10 ms.  SfEta turns the
 * fractions into a remaining time that never grows while work goes on.
 */
#pragma once

#include <gio/gio.h>

typedef void (*SfProgressFunc) (double fraction, gpointer data);

typedef struct
{
  GCancellable *cancellable; /* (nullable) */
  SfProgressFunc func;       /* (nullable) called on the thread that works */
  gpointer data;
  double lo, hi; /* the part of the caller's 0…1 that this work is */
} SfProgress;

/* The part [@lo, @hi] of @progress's own range, to be passed to a callee. */
SfProgress sf_progress_sub (const SfProgress *progress, double lo, double hi);
void sf_progress_set (const SfProgress *progress, double fraction);
/* (transfer none) (nullable): for what takes no more than that, as sf_parallel_for(). */
GCancellable *sf_progress_cancellable (const SfProgress *progress);
/* TRUE and %G_IO_ERROR_CANCELLED when the user asked to stop. */
gboolean sf_progress_stopped (const SfProgress *progress, GError **error);

/* Remaining time from fractions: seconds elapsed * (1 - f) / f, smoothed, never growing. */
typedef struct
{
  gint64 start; /* g_get_monotonic_time() of the first update, 0 = not started */
  gint64 when;  /* of the last estimate */
  double left;  /* seconds left at @when, < 0 = not known yet */
} SfEta;

/**
 * sf_eta_update:
 * @eta: zero-initialised before the first call
 * @fraction: of the work done, 0…1
 * @now: g_get_monotonic_time() (an argument so that it can be tested without a clock)
 *
 * Returns: seconds left, or a negative number while nothing can be said
 */
double sf_eta_update (SfEta *eta, double fraction, gint64 now);
