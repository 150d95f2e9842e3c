/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums are made in double, as terms of high orders are large and cancel, a piece that stays in cache at a time. */
#include "diffusion/sf-state.h"

#include <string.h>

#include "base/sf-parallel.h"

#define CHUNK 2048   /* elements in cache at a time; a multiple of 4, as sf_rng_normal() works on whole counters */
#define TILE 65536   /* memory bound: a tile must outweigh waking a thread */

static void
sum_chunk (const SfSum *self, gsize begin, gsize n)
{
  double sum[CHUNK];

  memset (sum, 0, n * sizeof *sum);
  for (int j = 0; j < self->n; j++)
    {
      const SfReal *x = self->x[j] + begin;
      double w = self->w[j];

#pragma omp simd
      for (gsize i = 0; i < n; i++)
        sum[i] += w * x[i];
    }
  if (self->noise != 0)
    {
      float random[CHUNK];
      const SfReal *z = self->z != NULL ? self->z + begin : NULL;
      const SfReal *deviation = self->deviation != NULL ? self->deviation + begin : NULL;

      if (z == NULL)
        sf_rng_normal (self->rng, begin, random, n);
      for (gsize i = 0; i < n; i++)
        sum[i] += self->noise * (deviation != NULL ? deviation[i] : 1) * (z != NULL ? z[i] : random[i]);
    }
  for (gsize i = 0; i < n; i++)
    self->out[begin + i] = (SfReal) sum[i];
}

static void
sum_tile (gsize begin, gsize end, gpointer data)
{
  for (gsize i = begin; i < end; i += CHUNK)
    sum_chunk (data, i, MIN (CHUNK, end - i));
}

void
sf_sum_run (SfSum *self, gsize n)
{
  sf_parallel_for (n, TILE, sum_tile, self, NULL);
}

void
sf_add_noise (SfTensor *x, double scale, SfRng rng)
{
  SfSum sum = { .out = x->data, .n = 1, .w = { 1 }, .x = { x->data }, .noise = scale, .rng = rng };

  sf_sum_run (&sum, sf_tensor_size (x));
}

void
sf_weighted_sum (SfTensor *out, int n, const double *w, const SfTensor *const *x)
{
  SfSum sum = { .out = out->data };

  g_return_if_fail (n <= SF_SUM_MAX_TERMS);
  for (int j = 0; j < n; j++)
    if (w[j] != 0)
      {
        sum.w[sum.n] = w[j];
        sum.x[sum.n++] = x[j]->data;
      }
  sf_sum_run (&sum, sf_tensor_size (out));
}
