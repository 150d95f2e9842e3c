/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline/sf-region.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "tensor/sf-image.h"

/* Room around the box for the patches that touch it. */
#define MARGIN 8
/* Surroundings looked at: as far as the box is long, but at least this.  Measured on the fills of tests/bench: 384 px
 * is as good as the whole picture (0.1 dB), 128 to 256 px loses the table's edge (24.3 -> 20.7 dB), 64 px costs fur 0.5 dB. */
#define MIN_CONTEXT 384
/* Feather by rule.  Made pixels already meet clean surroundings, so a fill needs none, and one would bring back what is
 * to be removed.  Regenerate blends over 4 px: on smooth clouds the step at the border falls from 1.04 to 1.13 times
 * that of the untouched picture (strength 0.3 to 1) to 1.00; 16 px is no better.  A small selection takes less. */
#define FEATHER 4.0
/* A generated picture holds at least one whole patch. */
#define MIN_GENERATED 8
/* An example to generate from is cut down to its middle beyond this many pixels. */
#define MAX_EXAMPLE (2048 * 2048)

static SfRect
rect_intersect (SfRect a, SfRect b)
{
  int x0 = MAX (a.x, b.x), y0 = MAX (a.y, b.y);
  int x1 = MIN (a.x + a.width, b.x + b.width), y1 = MIN (a.y + a.height, b.y + b.height);

  return (SfRect) { x0, y0, MAX (x1 - x0, 0), MAX (y1 - y0, 0) };
}

static SfRect
rect_grow (SfRect r, int by)
{
  return (SfRect) { r.x - by, r.y - by, r.width + 2 * by, r.height + 2 * by };
}

/* Of a large example only the middle is used. */
static SfRect
example_rect (SfRect r)
{
  double scale = sqrt ((double) MAX_EXAMPLE / ((double) r.width * r.height));
  int width, height;

  if (scale >= 1)
    return r;
  width = MIN (r.width, (int) (r.width * scale) + 1);
  height = MIN (r.height, (int) (r.height * scale) + 1);
  return (SfRect) { r.x + (r.width - width) / 2, r.y + (r.height - height) / 2, width, height };
}

/* The bounding box of what Expand adds, @feather px of the old picture included. */
static SfRect
border_box (const SfSettings *s, SfRect canvas, SfRect picture, int feather)
{
  int x0 = canvas.x, x1 = canvas.x + canvas.width, y0 = canvas.y, y1 = canvas.y + canvas.height;

  if (s->top == 0 && s->bottom == 0)
    {
      if (s->left == 0)
        x0 = picture.width - feather;
      if (s->right == 0)
        x1 = feather;
    }
  else if (s->left == 0 && s->right == 0)
    {
      if (s->top == 0)
        y0 = picture.height - feather;
      if (s->bottom == 0)
        y1 = feather;
    }
  return rect_intersect ((SfRect) { x0, y0, x1 - x0, y1 - y0 }, canvas);
}

static gboolean
plan_box (SfTask task, const SfSettings *settings, const SfRect *selection, SfPlan *plan, GError **error)
{
  if (task == SF_TASK_EXPAND)
    {
      if (settings->left + settings->right + settings->top + settings->bottom == 0)
        {
          g_set_error_literal (error, SF_ERROR, SF_ERROR_ARGUMENT,
                               _ ("Nothing to add: say how many pixels the canvas is to grow on at least one side"));
          return FALSE;
        }
      plan->box = border_box (settings, plan->canvas, plan->picture, (int) ceil (plan->feather));
      return TRUE;
    }
  if (task == SF_TASK_GENERATE && MIN (plan->canvas.width, plan->canvas.height) < MIN_GENERATED)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                   _ ("A new picture has at least %d × %d pixels: choose a larger width and height"), MIN_GENERATED, MIN_GENERATED);
      return FALSE;
    }
  if (task == SF_TASK_GENERATE && plan->picture.width == 0)
    return TRUE;
  if (selection == NULL && task == SF_TASK_FILL)
    {
      g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION, _ ("Select the area to fill first"));
      return FALSE;
    }
  plan->box = rect_intersect (selection != NULL ? *selection : plan->picture, plan->picture);
  if (plan->box.width == 0 || plan->box.height == 0)
    {
      g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION,
                           _ ("The selection lies outside of the layer: select a part of the layer, or choose another layer"));
      return FALSE;
    }
  return TRUE;
}

/* A model of fixed size does not see the picture at its own resolution, and takes the feather of artists' tools: a tenth of the box's
 * diagonal times the strength, at least a sixteenth of what it sees.  Measured with a network of 64 x 64 on 10 holes at strengths 0.3 to 1, the
 * step at the edge is 1.00 to 1.04 times that of the untouched picture with this feather, half of it, twice, or 4 px.  Blending over
 * less than what the network's freedom rises over is worse: 1.02 to 1.09 times over half, 1.25 to 1.40 over a tenth.  Where the selection is not
 * respected, growing it by none, half or all of the feather leaves no step either (at most 1.02 times); half is the middle between what is
 * selected staying partly as it was, and the surroundings changing. */
static double
feather_of (const SfSettings *settings, const SfPlanSize *size, const SfPlan *plan)
{
  double seen = MAX (MAX (plan->box.width, plan->box.height), MIN (size->native_width, size->native_height));

  if (size->native_width == 0)
    return FEATHER;
  return settings->strength * MAX (0.1 * hypot (plan->box.width, plan->box.height), seen / 16);
}

gboolean
sf_plan (SfTask task, const SfSettings *settings, const SfPlanSize *size, const SfRect *selection, SfPlan *plan, GError **error)
{
  const int width = size->width, height = size->height;
  int context;

  *plan = (SfPlan) { .picture = { 0, 0, width, height }, .canvas = { 0, 0, width, height } };
  plan->feather = MAX (settings->feather, 0);
  if (task == SF_TASK_EXPAND)
    plan->canvas = (SfRect) { -settings->left, -settings->top, width + settings->left + settings->right,
                              height + settings->top + settings->bottom };
  if (task == SF_TASK_GENERATE)
    plan->canvas = (SfRect) { 0, 0, settings->width > 0 ? settings->width : width > 0 ? width
                                                                                      : size->native_width,
                              settings->height > 0 ? settings->height : height > 0 ? height
                                                                                   : size->native_height };
  if (!plan_box (task, settings, selection, plan, error))
    return FALSE;
  if (task == SF_TASK_GENERATE && width == 0)
    {
      plan->frame = plan->canvas;
      return TRUE;
    }
  if (task == SF_TASK_GENERATE)
    {
      plan->frame = plan->canvas;
      plan->work = plan->crop = example_rect (plan->box);
      return TRUE;
    }
  if (settings->feather < 0 && task == SF_TASK_REGENERATE)
    plan->feather = MIN (feather_of (settings, size, plan), MIN (plan->box.width, plan->box.height) / 8.0);
  context = settings->context >= 0 ? (int) settings->context : MAX (MAX (plan->box.width, plan->box.height), MIN_CONTEXT);
  if (task != SF_TASK_EXPAND && !settings->respect_selection)
    plan->box = rect_intersect (rect_grow (plan->box, (int) ceil (plan->feather / 2)), plan->picture);
  plan->frame = rect_intersect (rect_grow (plan->box, MARGIN), plan->canvas);
  plan->work = rect_intersect (rect_grow (plan->box, MAX (context, MARGIN)), plan->canvas);
  plan->crop = rect_intersect (plan->work, plan->picture);
  return TRUE;
}

/*** Pixels ***/

/* Finite, and in a range that leaves the distances between patches meaningful. */
static inline float
clean_value (float v)
{
  if (isnan (v))
    return 0;
  if (isinf (v))
    return v > 0 ? 1 : 0;
  return CLAMP (v, -0.5f, 8.0f);
}

/* What the pixels are made of.  The work area and the frame are filled row by row. */
typedef struct
{
  SfPixels *pixels;
  SfTask task;
  const SfSettings *settings;
  const SfPlan *plan;
  const float *rgba, *coverage; /* of the crop; coverage is (nullable) */
  guint8 *hole;                 /* of the work area: what is to be made, if it is visible */
  gboolean opaque;              /* transparent pixels are made too */
  float (*range)[2];            /* of each row of the work area: its values */
  const float *distance;        /* (nullable) of the work area: to the edge of the hole */
} Work;

/* The pixel of the crop at (@y, @x) of the picture, negative if it is new canvas. */
static gssize
crop_index (const Work *w, int y, int x)
{
  const SfRect *crop = &w->plan->crop;

  y -= crop->y;
  x -= crop->x;
  return y < 0 || x < 0 || y >= crop->height || x >= crop->width ? -1 : (gssize) y * crop->width + x;
}

static void
hole_rows (gsize begin, gsize end, gpointer data)
{
  const Work *w = data;
  const SfRect *work = &w->plan->work;

  for (gsize y = begin; y < end; y++)
    for (int x = 0; x < work->width; x++)
      {
        gssize o = crop_index (w, (int) y + work->y, x + work->x);
        guint8 *out = w->hole + y * work->width + x;

        if (w->task == SF_TASK_EXPAND)
          *out = o < 0;
        else
          *out = w->coverage == NULL || w->coverage[o] > 0;
      }
}

/* Colours and states of the work area from the crop; what is not in the crop is new canvas. */
static void
work_rows (gsize begin, gsize end, gpointer data)
{
  const Work *w = data;
  const SfRect *work = &w->plan->work;

  for (gsize y = begin; y < end; y++)
    for (int x = 0; x < work->width; x++)
      {
        gssize o = crop_index (w, (int) y + work->y, x + work->x);
        gsize i = y * work->width + x;
        float *out = w->pixels->image->data + i * 3, *range = w->range[y];
        gboolean visible;

        w->pixels->state[i] = SF_PIXEL_HOLE;
        if (o < 0)
          continue;
        for (int c = 0; c < 3; c++)
          {
            float v = clean_value (w->rgba[o * 4 + c]);

            out[c] = 2 * v - 1;
            range[0] = MIN (range[0], v);
            range[1] = MAX (range[1], v);
          }
        visible = w->rgba[o * 4 + 3] > 0;
        if (!w->hole[i] || (!visible && !w->opaque))
          w->pixels->state[i] = visible ? SF_PIXEL_KNOWN : SF_PIXEL_VOID;
      }
}

static gboolean
fill_work (Work *w, const SfProgress *progress, GError **error)
{
  const int h = w->plan->work.height;
  g_autofree float (*range)[2] = (gpointer) g_new0 (float, 2 * h);
  SfPixels *self = w->pixels;

  w->range = range;
  sf_parallel_for (h, 16, work_rows, w, sf_progress_cancellable (progress));
  self->low = 0;
  self->high = 1;
  for (int y = 0; y < h; y++)
    {
      self->low = MIN (self->low, range[y][0]);
      self->high = MAX (self->high, range[y][1]);
    }
  return !sf_progress_stopped (progress, error);
}

/* The hole is grown by half the feather where the selection is not respected. */
static gboolean
find_hole (Work *w, const SfProgress *progress, GError **error)
{
  const SfRect *work = &w->plan->work;
  const double feather = w->plan->feather;
  const double grow = w->task == SF_TASK_EXPAND ? feather : w->settings->respect_selection ? 0
                                                                                           : feather / 2;
  GCancellable *cancellable = sf_progress_cancellable (progress);
  gsize n = (gsize) work->width * work->height;
  g_autofree float *distance = NULL;

  sf_parallel_for (work->height, 16, hole_rows, w, cancellable);
  if (grow > 0)
    {
      if ((distance = sf_try_alloc (n, sizeof (float), error)) == NULL)
        return FALSE;
      for (gsize i = 0; i < n; i++)
        w->hole[i] = !w->hole[i];
      sf_distance_transform (w->hole, TRUE, work->height, work->width, FALSE, distance, cancellable);
      for (gsize i = 0; i < n; i++)
        w->hole[i] = distance[i] <= grow;
    }
  return !sf_progress_stopped (progress, error);
}

static gboolean
check_states (SfTask task, const SfPixels *self, const SfPlan *plan, GError **error)
{
  gsize n = (gsize) plan->work.width * plan->work.height, count[3] = { 0 };

  for (gsize i = 0; i < n; i++)
    count[self->state[i]]++;
  if (count[SF_PIXEL_HOLE] == 0)
    g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION,
                         _ ("Nothing visible is selected: select a part of the layer that is not transparent"));
  else if (task != SF_TASK_REGENERATE && count[SF_PIXEL_KNOWN] == 0 && count[SF_PIXEL_VOID] == 0)
    g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION,
                         _ ("The selection covers the whole layer, so there are no surroundings to continue; shrink it or use Generate"));
  else if (task != SF_TASK_REGENERATE && count[SF_PIXEL_KNOWN] == 0)
    g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION,
                         _ ("The surroundings are fully transparent, so there is nothing to continue; select nearer to visible pixels"));
  else
    return TRUE;
  return FALSE;
}

/* Share of the made pixel: 1 in the hole, rising over the feather from its edge, times the selection if respected. */
static void
frame_rows (gsize begin, gsize end, gpointer data)
{
  const Work *w = data;
  const SfRect *work = &w->plan->work, *frame = &w->plan->frame;
  SfPixels *self = w->pixels;

  for (gsize y = begin; y < end; y++)
    for (int x = 0; x < frame->width; x++)
      {
        gsize i = y * frame->width + x;
        gsize at = (y + frame->y - work->y) * work->width + x + frame->x - work->x;
        gssize o = crop_index (w, (int) y + frame->y, x + frame->x);
        float share = self->state[at] == SF_PIXEL_HOLE;

        self->alpha[i] = 1;
        if (o >= 0)
          {
            memcpy (self->original + i * 4, w->rgba + o * 4, 4 * sizeof (float));
            if (!w->opaque)
              self->alpha[i] = w->rgba[o * 4 + 3];
            if (share > 0 && w->distance != NULL)
              {
                float t = CLAMP ((w->distance[at] - 0.5f) / (float) w->plan->feather, 0, 1);

                share *= t * t * (3 - 2 * t);
              }
            if (w->task != SF_TASK_EXPAND && w->settings->respect_selection && w->coverage != NULL)
              share *= CLAMP (w->coverage[o], 0, 1);
          }
        self->mask[i] = share;
      }
}

static gboolean
fill_frame (Work *w, const SfProgress *progress, GError **error)
{
  const SfRect *work = &w->plan->work, *frame = &w->plan->frame;
  gsize n = (gsize) frame->width * frame->height;
  GCancellable *cancellable = sf_progress_cancellable (progress);
  SfPixels *self = w->pixels;
  g_autofree float *distance = NULL;

  if ((self->original = sf_try_alloc (n, 4 * sizeof (float), error)) == NULL ||
      (self->mask = sf_try_alloc (n, sizeof (float), error)) == NULL ||
      (self->alpha = sf_try_alloc (n, sizeof (float), error)) == NULL)
    return FALSE;
  if (w->plan->feather > 0)
    {
      if ((distance = sf_try_alloc ((gsize) work->width * work->height, sizeof (float), error)) == NULL)
        return FALSE;
      sf_distance_transform (self->state, SF_PIXEL_HOLE, work->height, work->width, FALSE, distance, cancellable);
    }
  w->distance = distance;
  sf_parallel_for (frame->height, 16, frame_rows, w, cancellable);
  return !sf_progress_stopped (progress, error);
}

gboolean
sf_pixels_init (SfPixels *self, SfTask task, const SfSettings *settings, const SfPlan *plan, const float *rgba,
                const float *coverage, const SfProgress *progress, GError **error)
{
  gsize n = (gsize) plan->work.width * plan->work.height;
  g_autofree guint8 *hole = sf_try_alloc (n, 1, error);
  Work work = { self, task, settings, plan, rgba, coverage, hole };

  *self = (SfPixels) { 0 };
  if (hole == NULL || (task != SF_TASK_GENERATE && !find_hole (&work, progress, error)) ||
      (self->image = sf_tensor_new (1, plan->work.height, plan->work.width, 3, error)) == NULL ||
      (self->state = sf_try_alloc (n, 1, error)) == NULL)
    return FALSE;
  /* Transparent pixels stay as they are, unless all that is to be filled is transparent: then a fill means them. */
  work.opaque = task == SF_TASK_FILL || task == SF_TASK_EXPAND;
  for (gsize i = 0; task == SF_TASK_FILL && i < n && work.opaque; i++)
    work.opaque = !hole[i] || rgba[i * 4 + 3] <= 0;
  if (!fill_work (&work, progress, error))
    return FALSE;
  return task == SF_TASK_GENERATE || (check_states (task, self, plan, error) && fill_frame (&work, progress, error));
}

void
sf_pixels_clear (SfPixels *self)
{
  g_clear_pointer (&self->image, sf_tensor_unref);
  g_clear_pointer (&self->state, g_free);
  g_clear_pointer (&self->original, g_free);
  g_clear_pointer (&self->mask, g_free);
  g_clear_pointer (&self->alpha, g_free);
}
