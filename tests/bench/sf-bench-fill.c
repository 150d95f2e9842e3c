/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One candidate for a square hole in a photograph: time and memory. */
#include "sf-bench-picture.h"

#include "sf-bench.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const BenchCase cases[] = { { 128, 256, 256 }, { 256, 512, 512 }, { 512, 1024, 1024 }, { 512, 6000, 4000 } };

typedef struct
{
  double seconds, megabytes, crop;
} Figures;

static double
peak (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024.0;
}

/* From the pixels to the candidate; the crop in float counts as memory of the run. */
static void
measure (gconstpointer in, gpointer out)
{
  const BenchCase *c = in;
  Figures *f = out;
  SfJob *job = bench_job_new (c);
  SfRect crop = sf_job_get_crop (job);
  SfResult *result;
  float *pixels, *coverage;
  double before = peak ();
  gint64 begin;

  bench_job_read (c, job, &pixels, &coverage);
  begin = g_get_monotonic_time ();
  if (!sf_job_set_pixels (job, pixels, coverage, NULL, NULL) ||
      (result = sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, NULL)) == NULL)
    exit (1);
  f->seconds = (g_get_monotonic_time () - begin) / 1e6;
  f->megabytes = peak () - before;
  f->crop = crop.width * 16e-6 * crop.height;
  sf_result_unref (result);
  sf_job_free (job);
}

static gboolean
best_of (const BenchCase *c, int threads, int repeats, Figures *best)
{
  *best = (Figures) { .seconds = G_MAXDOUBLE };
  for (int i = 0; i < repeats; i++)
    {
      Figures f;

      if (!bench_in_child (threads, measure, c, &f, sizeof f))
        return FALSE;
      best->seconds = MIN (best->seconds, f.seconds);
      best->megabytes = MAX (best->megabytes, f.megabytes);
      best->crop = f.crop;
    }
  return TRUE;
}

/* Seconds that the prototype takes for the same pixels; negative when it cannot be run. */
static double
prototype_seconds (const Bench *bench, const BenchCase *c, int threads, int repeats)
{
  g_autofree char *script = g_build_filename (SF_SOURCE_DIR, "tests/bench/prototype.py", NULL);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "sf-bench.f32", NULL);
  g_autofree char *size = g_strdup_printf ("%dx%d", c->width, c->height), *hole = g_strdup_printf ("%d", c->hole);
  g_autofree char *n = g_strdup_printf ("%d", threads), *times = g_strdup_printf ("%d", repeats), *out = NULL;
  g_autofree float *pixels = bench_picture_read ((SfRect) { 0, 0, c->width, c->height });
  char *argv[] = { "python3", script, (char *) bench->prototype, path, size, hole, n, times, NULL };
  g_autoptr (GError) error = NULL;
  int status = 1;

  if (!g_file_set_contents (path, (const char *) pixels, (gssize) c->width * c->height * 16, &error) ||
      !g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL, &status, &error))
    g_printerr ("%s\n", error->message);
  g_unlink (path);
  return status == 0 && out != NULL ? g_ascii_strtod (out, NULL) : -1;
}

void
bench_fill (Bench *bench)
{
  if (!bench_picture_load ())
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const BenchCase *c = &cases[i];
      g_autofree char *name = bench_case_name (c);
      int repeats = c->hole > 256 ? 1 : bench->repeats;
      Figures one, two;

      if (!best_of (c, 1, repeats, &one) || !best_of (c, 2, repeats, &two))
        {
          g_printerr ("%s: failed\n", name);
          continue;
        }
      bench_row (bench, name);
      bench_figure (bench, "one thread", one.seconds, "s");
      bench_figure (bench, "two", two.seconds, "s");
      bench_figure (bench, "speed-up", one.seconds / two.seconds, "");
      bench_figure (bench, "per hole pixel", one.seconds * 1e6 / ((double) c->hole * c->hole), "us");
      bench_figure (bench, "peak", MAX (one.megabytes, two.megabytes), "MB");
      bench_figure (bench, "of it crop", one.crop, "MB");
      if (bench->prototype != NULL && c->width <= 1024)
        for (int threads = 1; threads <= 2; threads++)
          {
            double seconds = prototype_seconds (bench, c, threads, repeats);

            bench_figure (bench, threads == 1 ? "prototype, one" : "prototype, two", seconds, "s");
            bench_figure (bench, threads == 1 ? "ratio, one" : "ratio, two", (threads == 1 ? one : two).seconds / seconds, "");
          }
      bench_row_end (bench);
    }
}
