/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums are made in double, as terms of high orders are large and cancel, a piece that stays in cache at a time. */
#include "diffusion/sf-state.h"

#include <string.h>

#include "base/sf-flavours.h"
#include "base/sf-parallel.h"

#define CHUNK 2048   /* elements in cache at a time; a multiple of 4, as sf_rng_normal() works on whole counters */
#define TILE 65536   /* memory bound: a tile must outweigh waking a thread */

static inline void
add_noise (const SfSum *self, gsize begin, gsize n, double *sum)
{
  float random[CHUNK];
  const SfReal *z = self->z != NULL ? self->z + begin : NULL, *deviation = self->deviation != NULL ? self->deviation + begin : NULL;
  double noise = self->noise;

  if (z == NULL)
    sf_rng_normal (self->rng, begin, random, n);
  for (gsize i = 0; i < n; i++)
    sum[i] += noise * (deviation != NULL ? deviation[i] : 1) * (z != NULL ? z[i] : random[i]);
}

SF_FLAVOURS static void
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
    add_noise (self, begin, n, sum);
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

/*** Sums over elements ***/

#define MOST_PARTS 256

typedef struct
{
  gsize begin, end, each;
  SfTermFunc func;
  gconstpointer data;
  double part[MOST_PARTS];
} Reduction;

static void
reduce_parts (gsize first, gsize last, gpointer data)
{
  Reduction *self = data;

  for (gsize i = first; i < last; i++)
    {
      gsize begin = self->begin + i * self->each;

      self->part[i] = self->func (begin, MIN (begin + self->each, self->end), self->data);
    }
}

double
sf_sum_terms (gsize begin, gsize end, SfTermFunc func, gconstpointer data)
{
  gsize n = end - begin, each = MAX (TILE, (n + MOST_PARTS - 1) / MOST_PARTS), parts = (n + each - 1) / each;
  Reduction reduction = { .begin = begin, .end = end, .each = each, .func = func, .data = data };
  double sum = 0;

  sf_parallel_for (parts, 1, reduce_parts, &reduction, NULL);
  for (gsize i = 0; i < parts; i++)
    sum += reduction.part[i];
  return sum;
}

static double
term_value (gsize begin, gsize end, gconstpointer data)
{
  const SfReal *x = data;
  double sum = 0;

#pragma omp simd reduction(+ : sum)
  for (gsize i = begin; i < end; i++)
    sum += x[i];
  return sum;
}

SF_FLAVOURS static double
term_square (gsize begin, gsize end, gconstpointer data)
{
  const SfReal *const *pair = data, *x = pair[0], *y = pair[1];
  double sum = 0;

#pragma omp simd reduction(+ : sum)
  for (gsize i = begin; i < end; i++)
    {
      double d = (double) x[i] - (y != NULL ? y[i] : 0);

      sum += d * d;
    }
  return sum;
}

double
sf_sum_image (const SfTensor *x, int image)
{
  gsize n = sf_tensor_size (x) / x->n;

  return sf_sum_terms (image * n, (image + 1) * n, term_value, x->data);
}

double
sf_sum_squares (const SfTensor *x, const SfTensor *y, int image)
{
  const SfReal *pair[] = { x->data, y != NULL ? y->data : NULL };
  gsize n = sf_tensor_size (x) / x->n;

  return sf_sum_terms (image * n, (image + 1) * n, term_square, pair);
}
