/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One candidate for a square hole in a photograph, mirrored and tiled to size.  The tiles hold copies of what is hidden,
 * so this measures time and memory, never quality.
 */
#include "sf-bench.h"

#include <gegl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sfumato.h"

typedef struct
{
  int hole, width, height;
} Case;

static const Case cases[] = { { 128, 256, 256 }, { 256, 512, 512 }, { 512, 1024, 1024 }, { 512, 6000, 4000 } };

/* The photograph, R'G'B'A float. */
static float *photo;
static int photo_w, photo_h;

static gboolean
load_photo (void)
{
  g_autofree char *path = g_build_filename (SF_SOURCE_DIR, "tests/data/images/meadow.jpg", NULL);
  GeglBuffer *buffer = NULL;
  GeglNode *graph, *load, *sink;
  const GeglRectangle *extent;

  gegl_init (NULL, NULL);
  graph = gegl_node_new ();
  load = gegl_node_new_child (graph, "operation", "gegl:load", "path", path, NULL);
  sink = gegl_node_new_child (graph, "operation", "gegl:buffer-sink", "buffer", &buffer, NULL);
  gegl_node_link (load, sink);
  gegl_node_process (sink);
  g_object_unref (graph);
  if (buffer == NULL)
    return FALSE;
  extent = gegl_buffer_get_extent (buffer);
  photo_w = extent->width;
  photo_h = extent->height;
  photo = g_new (float, (gsize) photo_w *photo_h * 4);
  gegl_buffer_get (buffer, extent, 1, babl_format ("R'G'B'A float"), photo, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  g_object_unref (buffer);
  return photo_w > 1 && photo_h > 1;
}

static int
mirror (int i, int n)
{
  i %= 2 * n;
  return i < n ? i : 2 * n - 1 - i;
}

/* A part of the tiled picture. */
static float *
make_pixels (SfRect r)
{
  float *out = g_new (float, (gsize) r.width *r.height * 4);

  for (int y = 0; y < r.height; y++)
    for (int x = 0; x < r.width; x++)
      memcpy (out + ((gsize) y * r.width + x) * 4, photo + ((gsize) mirror (y + r.y, photo_h) * photo_w + mirror (x + r.x, photo_w)) * 4, 16);
  return out;
}

static SfRect
hole_of (const Case *c)
{
  return (SfRect) { (c->width - c->hole) / 2, (c->height - c->hole) / 2, c->hole, c->hole };
}

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
  const Case *c = in;
  Figures *f = out;
  SfRect hole = hole_of (c), crop;
  g_autoptr (SfSettings) settings = sf_settings_new ();
  SfJob *job = sf_job_new (SF_TASK_FILL, settings, c->width, c->height, &hole, NULL);
  SfResult *result;
  float *pixels, *coverage;
  double before = peak ();
  gint64 begin;

  crop = sf_job_get_crop (job);
  pixels = make_pixels (crop);
  coverage = g_new0 (float, (gsize) crop.width *crop.height);
  for (int y = 0; y < hole.height; y++)
    for (int x = 0; x < hole.width; x++)
      coverage[(gsize) (y + hole.y - crop.y) * crop.width + x + hole.x - crop.x] = 1;
  begin = g_get_monotonic_time ();
  if (!sf_job_set_pixels (job, pixels, coverage, NULL) ||
      (result = sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, NULL)) == NULL)
    exit (1);
  f->seconds = (g_get_monotonic_time () - begin) / 1e6;
  f->megabytes = peak () - before;
  f->crop = crop.width * 16e-6 * crop.height;
  sf_result_unref (result);
  sf_job_free (job);
}

static gboolean
best_of (const Case *c, int threads, int repeats, Figures *best)
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
prototype_seconds (const Bench *bench, const Case *c, int threads, int repeats)
{
  g_autofree char *script = g_build_filename (SF_SOURCE_DIR, "tests/bench/prototype.py", NULL);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "sf-bench.f32", NULL);
  g_autofree char *size = g_strdup_printf ("%dx%d", c->width, c->height), *hole = g_strdup_printf ("%d", c->hole);
  g_autofree char *n = g_strdup_printf ("%d", threads), *times = g_strdup_printf ("%d", repeats), *out = NULL;
  g_autofree float *pixels = make_pixels ((SfRect) { 0, 0, c->width, c->height });
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
  if (!load_photo ())
    {
      g_printerr ("tests/data/images/meadow.jpg cannot be read\n");
      return;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      g_autofree char *name = g_strdup_printf ("%d x %d hole in %d x %d", c->hole, c->hole, c->width, c->height);
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
