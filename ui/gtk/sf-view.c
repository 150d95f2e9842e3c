/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-view.h"

#include <math.h>

#define MAX_SIDE 2048 /* of the view in its own pixels: enough to zoom in on, and 16 MB */
#define MIN_AROUND 320

static SfRect
intersect (SfRect a, SfRect b)
{
  int x = MAX (a.x, b.x), y = MAX (a.y, b.y);

  return (SfRect) { x, y, MAX (MIN (a.x + a.width, b.x + b.width) - x, 0), MAX (MIN (a.y + a.height, b.y + b.height) - y, 0) };
}

static SfRect
grow (SfRect r, int by)
{
  return (SfRect) { r.x - by, r.y - by, r.width + 2 * by, r.height + 2 * by };
}

gboolean
sf_view_equal (const SfRect *a, const SfRect *b)
{
  return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

void
sf_view_choose (const SfJob *job, SfTask task, const SfRect *picture, SfRect *frame, SfRect *view, double *scale)
{
  SfRect shown = *picture;

  *frame = shown;
  if (job != NULL)
    {
      SfRect canvas = sf_job_get_canvas (job);

      *frame = sf_job_get_frame (job);
      if (task == SF_TASK_EXPAND)
        shown = canvas;
      else if (task == SF_TASK_GENERATE)
        shown = *frame;
      else
        shown = intersect (grow (*frame, MAX (MAX (frame->width, frame->height), MIN_AROUND)), canvas);
    }
  *scale = MIN (1, (double) MAX_SIDE / MAX (MAX (shown.width, shown.height), 1));
  view->x = (int) floor (shown.x * *scale);
  view->y = (int) floor (shown.y * *scale);
  view->width = (int) ceil (shown.width * *scale);
  view->height = (int) ceil (shown.height * *scale);
}

/* Expand makes what is outside of the picture. */
static float *
border_coverage (const SfRect *picture, const SfRect *view, double scale)
{
  float *coverage = g_new (float, (gsize) view->width * view->height);

  for (int y = 0; y < view->height; y++)
    for (int x = 0; x < view->width; x++)
      {
        double px = (view->x + x + 0.5) / scale, py = (view->y + y + 0.5) / scale;

        coverage[(gsize) y * view->width + x] = px < picture->x || py < picture->y || px >= picture->x + picture->width || py >= picture->y + picture->height;
      }
  return coverage;
}

void
sf_view_load (SfPreview *preview, SfTask task, const SfDialogHost *host, const SfSettings *settings,
              const SfRect *picture, const SfRect *frame, const SfRect *view, double scale, gboolean move)
{
  g_autofree float *rgba = NULL;
  g_autofree float *coverage = NULL;

  if (view->width <= 0 || view->height <= 0)
    return;
  /* Without the picture there is still the work in progress to see, so an error here is not worth a message. */
  if (host->read != NULL && task != SF_TASK_GENERATE)
    host->read (settings, view, scale, &rgba, &coverage, host->data, NULL);
  if (task == SF_TASK_EXPAND)
    {
      g_free (coverage);
      coverage = border_coverage (picture, view, scale);
    }
  sf_preview_set_picture (preview, view, scale, frame, rgba, coverage, move);
}
