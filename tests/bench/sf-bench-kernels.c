/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inner loops, one thread, each flavour: nanoseconds per patch distance, per pixel voted, per element. */
#include "sf-bench.h"

#include "base/sf-rng.h"
#include "kernels/sf-kernels.h"

#define SIDE 256
#define RADIUS 3
#define N ((SIDE - 2 * RADIUS) * (SIDE - 2 * RADIUS))

typedef struct
{
  const SfKernels *kernels;
  SfPatchSearch search;
  SfPatchVote vote;
  float *pixels, *out, *d;
} Work;

static void
score (gpointer data)
{
  Work *w = data;

  w->kernels->patch_score (&w->search, 0, N);
}

static void
improve (gpointer data)
{
  Work *w = data;

  w->kernels->patch_improve (&w->search, 0, N);
}

static void
vote (gpointer data)
{
  Work *w = data;

  w->kernels->patch_vote (&w->vote, 0, N);
}

static void
combine (gpointer data)
{
  Work *w = data;

  w->kernels->combine (w->out, 0.5f, w->pixels, 0.5f, w->out, SIDE * SIDE * 4);
}

static float *
ones (gsize n)
{
  float *x = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    x[i] = 1;
  return x;
}

/* Allocates and leaves it to the end of the child process. */
static void
prepare (Work *w)
{
  gsize n = SIDE * SIDE + SF_PATCH_PAD;
  gint32 *places = g_new (gint32, N), *map = g_new (gint32, SIDE * SIDE);
  gsize *centre = g_new (gsize, SIDE * SIDE);
  int k = 0;

  w->pixels = g_new (float, n * 4);
  sf_rng_normal ((SfRng) { 1, 1 }, 0, w->pixels, n * 4);
  w->out = g_new0 (float, n * 4);
  for (int i = 0; i < SIDE * SIDE; i++)
    {
      gboolean inside = i / SIDE >= RADIUS && i / SIDE < SIDE - RADIUS && i % SIDE >= RADIUS && i % SIDE < SIDE - RADIUS;

      map[i] = inside ? k : -1;
      if (inside)
        places[k++] = i;
    }
  w->search = (SfPatchSearch) {
    .z = w->pixels,
    .weight = ones (n * 4),
    .zw = SIDE,
    .s = w->pixels,
    .sh = SIDE,
    .sw = SIDE,
    .fault = g_malloc0 (SIDE * SIDE),
    .sources = places,
    .n_sources = N,
    .qh = SIDE,
    .qw = SIDE,
    .query_map = map,
    .query = places,
    .plain = g_malloc0 (N),
    .r = RADIUS,
    .coherence = 1.5f,
    .n_random = 6,
    .radius = SIDE / 2,
    .seed = 1,
    .old = g_new (gint32, N),
    .nn = g_new (gint32, N),
    .cost = g_new (float, N),
  };
  for (int i = 0; i < N; i++)
    {
      w->search.nn[i] = places[i * 7919LL % N];
      ((gint32 *) w->search.old)[i] = w->search.nn[i];
    }
  for (int i = 0; i < SIDE * SIDE; i++)
    centre[i] = (gsize) places[i * 104729LL % N] * 4;
  w->vote = (SfPatchVote) {
    .s = w->pixels,
    .row = SIDE * 4,
    .centre = centre,
    .weight = ones (SIDE * SIDE),
    .window = ones (49),
    .qh = SIDE,
    .qw = SIDE,
    .r = RADIUS,
    .robust = 0.2f,
    .pixel = places,
    .out = w->out,
  };
}

typedef struct
{
  double score, improve, vote, combine;
} Figures;

static void
measure (gconstpointer in, gpointer out)
{
  Work w = { .kernels = in };
  Figures *f = out;

  prepare (&w);
  f->score = bench_best (score, &w, 7) * 1e9 / N;
  f->improve = bench_best (improve, &w, 7) * 1e9 / N / 14; /* 8 neighbours and 6 places at random */
  f->vote = bench_best (vote, &w, 7) * 1e9 / N;
  f->combine = bench_best (combine, &w, 20) * 1e9 / (SIDE * SIDE * 4);
}

void
bench_kernels (Bench *bench)
{
  int n;
  const SfKernels *const *all = sf_kernels_all (&n);

  for (int i = 0; i < n; i++)
    {
      Figures f;

      if (!bench_in_child (1, measure, all[i], &f, sizeof f))
        continue;
      bench_row (bench, all[i]->name);
      bench_figure (bench, "distance", f.score, "ns");
      bench_figure (bench, "try", f.improve, "ns");
      bench_figure (bench, "vote", f.vote, "ns");
      bench_figure (bench, "combine", f.combine, "ns");
      bench_row_end (bench);
    }
}
