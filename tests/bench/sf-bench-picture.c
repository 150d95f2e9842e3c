/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-bench-picture.h"

#include <gegl.h>
#include <string.h>

/* The photograph, R'G'B'A float. */
static float *photo;
static int photo_w, photo_h;

gboolean
bench_picture_load (void)
{
  g_autofree char *path = g_build_filename (SF_SOURCE_DIR, "tests/data/images/meadow.jpg", NULL);
  GeglBuffer *buffer = NULL;
  GeglNode *graph, *load, *sink;
  const GeglRectangle *extent;

  if (photo != NULL)
    return TRUE;
  gegl_init (NULL, NULL);
  graph = gegl_node_new ();
  load = gegl_node_new_child (graph, "operation", "gegl:load", "path", path, NULL);
  sink = gegl_node_new_child (graph, "operation", "gegl:buffer-sink", "buffer", &buffer, NULL);
  gegl_node_link (load, sink);
  gegl_node_process (sink);
  g_object_unref (graph);
  if (buffer == NULL)
    {
      g_printerr ("%s cannot be read\n", path);
      return FALSE;
    }
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

float *
bench_picture_read (SfRect r)
{
  float *out = g_new (float, (gsize) r.width *r.height * 4);

  for (int y = 0; y < r.height; y++)
    for (int x = 0; x < r.width; x++)
      memcpy (out + ((gsize) y * r.width + x) * 4, photo + ((gsize) mirror (y + r.y, photo_h) * photo_w + mirror (x + r.x, photo_w)) * 4, 16);
  return out;
}

static SfRect
hole_of (const BenchCase *c)
{
  return (SfRect) { (c->width - c->hole) / 2, (c->height - c->hole) / 2, c->hole, c->hole };
}

char *
bench_case_name (const BenchCase *c)
{
  g_autofree char *context = c->context > 0 ? g_strdup_printf (", context %g", c->context) : g_strdup ("");

  return g_strdup_printf ("%d x %d hole in %d x %d%s", c->hole, c->hole, c->width, c->height, context);
}

SfJob *
bench_job_new (const BenchCase *c)
{
  g_autoptr (SfSettings) settings = sf_settings_new ();
  SfRect hole = hole_of (c);

  settings->steps = c->steps;
  if (c->context > 0)
    settings->context = c->context;
  return sf_job_new (SF_TASK_FILL, settings, c->width, c->height, &hole, NULL);
}

void
bench_job_read (const BenchCase *c, const SfJob *job, float **rgba, float **coverage)
{
  SfRect hole = hole_of (c), crop = sf_job_get_crop (job);

  *rgba = bench_picture_read (crop);
  *coverage = g_new0 (float, (gsize) crop.width *crop.height);
  for (int y = 0; y < hole.height; y++)
    for (int x = 0; x < hole.width; x++)
      (*coverage)[(gsize) (y + hole.y - crop.y) * crop.width + x + hole.x - crop.x] = 1;
}
