/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the fast layers share. */
#pragma once

#include <math.h>

#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "kernels/sf-kernels.h"
#include "ops/sf-ops-private.h"

/* New numbers with each call. */
static inline float *
noise (gsize n)
{
  static guint64 stream;
  float *x = g_new (float, n);

  sf_rng_normal ((SfRng) { 31, stream++ }, 0, x, n);
  return x;
}

/* Sums of squares of an error, and of what is expected. */
typedef struct
{
  double error, size;
} Deviation;

static inline void
deviation_add (Deviation *self, double got, double expected)
{
  self->error += (got - expected) * (got - expected);
  self->size += expected * expected;
}

static inline void
assert_deviation (const Deviation *self, double most, const char *what)
{
  double rms = sqrt (self->error / self->size);

  if (!(rms <= most)) /* so written, NaN fails */
    g_error ("%s: RMS error %.3g of the RMS, at most %.3g expected", what, rms, most);
}

/* @run must write the same bits to @y for any number of threads. */
static inline void
assert_same_for_threads (void (*run) (gpointer), gpointer data, const float *y, gsize n)
{
  g_autofree float *one = NULL;

  sf_parallel_set_threads (1);
  run (data);
  one = g_memdup2 (y, n * sizeof *y);
  for (int threads = 2; threads <= 4; threads *= 2)
    {
      sf_parallel_set_threads (threads);
      run (data);
      g_assert_cmpmem (y, n * sizeof *y, one, n * sizeof *y);
    }
  sf_parallel_set_threads (0);
}

#define FOR_EACH_FLAVOUR(kernels)                                                        \
  for (int n_flavours_, i_ = 0; i_ < (sf_kernels_all (&n_flavours_), n_flavours_); i_++) \
    for (const SfKernels *kernels = sf_kernels_all (&n_flavours_)[i_]; kernels != NULL; kernels = NULL)
