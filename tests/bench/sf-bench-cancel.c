/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a run goes on after it was told to stop, by a whole run with its engine opened anew each time.  The run is cut
 * into as many pieces as there are tries, and each try stops at a random time in its piece, so that short phases have their
 * turn too.
 */
#include "sf-bench-picture.h"

#include "sf-bench.h"

#include <stdlib.h>

#define TRIES 200

/* Few steps: the phases are the same ones, and those that come once have a larger share. */
#define STEPS 2

static const BenchCase cases[] = {
  { 256, 512, 512, STEPS }, { 512, 1024, 1024, STEPS }, { 512, 6000, 4000, STEPS }
};

typedef struct
{
  double run;         /* seconds of a run that is not stopped */
  double late[TRIES]; /* seconds; 0 where the run was over before */
} Figures;

/* One candidate, on a thread. */
typedef struct
{
  SfJob *job;
  GCancellable *cancellable;
  gint64 end;
} Run;

static gpointer
run (gpointer data)
{
  Run *self = data;
  SfProgress progress = { .cancellable = self->cancellable, .hi = 1 };

  sf_result_unref (sf_job_run (self->job, 1, 0, NULL, NULL, NULL, &progress, NULL));
  self->end = g_get_monotonic_time ();
  return NULL;
}

/* Stops after @wait microseconds, negative = never; returns the seconds from then, or from the start, to the end. */
static double
measure_one (const BenchCase *c, gint64 wait)
{
  g_autoptr (SfJob) job = bench_job_new (c);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Run self = { job, cancellable, 0 };
  float *rgba, *coverage;
  GThread *thread;
  gint64 begin;

  bench_job_read (c, job, &rgba, &coverage);
  if (!sf_job_set_pixels (job, rgba, coverage, NULL, NULL))
    exit (1);
  begin = g_get_monotonic_time ();
  thread = g_thread_new ("run", run, &self);
  if (wait >= 0)
    {
      g_usleep ((gulong) wait);
      begin = g_get_monotonic_time ();
      g_cancellable_cancel (cancellable);
    }
  g_thread_join (thread);
  return (self.end - begin) / 1e6;
}

static void
measure (gconstpointer in, gpointer out)
{
  const BenchCase *c = in;
  Figures *f = out;
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  double first = measure_one (c, -1), second = measure_one (c, -1);

  f->run = MIN (first, second);
  for (int i = 0; i < TRIES; i++)
    {
      double late = measure_one (c, (gint64) (1e6 * f->run * (i + g_rand_double (random)) / TRIES));

      f->late[i] = MAX (late, 0);
    }
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Slowest in which part of the run: where to look in the code. */
static int
find_slowest (const double *late)
{
  int slowest = 0;

  for (int i = 1; i < TRIES; i++)
    if (late[i] > late[slowest])
      slowest = i;
  return slowest;
}

void
bench_cancel (Bench *bench)
{
  if (!bench_picture_load ())
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = bench_case_name (&cases[i]);
      Figures f;
      int slowest;

      if (!bench_in_child (0, measure, &cases[i], &f, sizeof f))
        {
          g_printerr ("%s: failed\n", name);
          continue;
        }
      slowest = find_slowest (f.late);
      qsort (f.late, TRIES, sizeof (double), compare_doubles);
      bench_row (bench, name);
      bench_figure (bench, "run", f.run, "s");
      bench_figure (bench, "least", 1e3 * f.late[0], "ms");
      bench_figure (bench, "median", 1e3 * f.late[TRIES / 2], "ms");
      bench_figure (bench, "95 %", 1e3 * f.late[TRIES * 95 / 100], "ms");
      bench_figure (bench, "most", 1e3 * f.late[TRIES - 1], "ms");
      bench_figure (bench, "at", 100.0 * slowest / TRIES, "% of the run");
      bench_row_end (bench);
    }
}
