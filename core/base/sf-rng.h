/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counter-based random numbers: the value at (seed, stream, index) is a pure function of the three, so no result
 * depends on the number of threads or on the order of work.
 *
 * Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 */
#pragma once

#include <glib.h>

typedef struct
{
  guint64 seed;
  guint64 stream;
} SfRng;

/* Four independent 32-bit words for the counter (@rng's stream, @index). */
void sf_rng_words (SfRng rng, guint64 index, guint32 words[4]);

/**
 * sf_rng_normal:
 * @out: (array length=n): @n independent N(0,1) numbers, those at indices @first … @first + @n - 1
 *
 * @first must be a multiple of 4 (Box-Muller works on whole counters), so that tiles agree.
 */
void sf_rng_normal (SfRng rng, guint64 first, float *out, gsize n);
