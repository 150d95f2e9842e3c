/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-pyramid.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-patch-field.h"
#include "denoisers/sf-patch-sliver.h"
#include "tensor/sf-image.h"

#define MIN_SIDE 24    /* of the coarsest level */
#define MIN_SOURCES 64 /* at the coarsest level */
#define MIN_HOLE 12    /* px across at the coarsest level */
#define SLIVER_HOLE 64 /* px across at the level where slivers are looked for */
#define TREND_HOLE 32  /* px across at the level where a trend is looked for */
#define RADIUS 3
#define MARGIN (2 * RADIUS)

/* px across: twice the largest distance of a hole pixel to what is not hole; @frame encloses the hole. */
static double
hole_size (const SfPatchImage *image, const SfPatchFrame *frame, const SfProgress *progress, GError **error)
{
  gsize n = (gsize) frame->h * frame->w;
  g_autofree guint8 *state = sf_patch_frame_state (image, frame, error);
  g_autofree float *distance = sf_try_alloc (n, sizeof (float), error);
  float most = 0;

  if (state == NULL || distance == NULL)
    return -1;
  sf_distance_transform (state, SF_PIXEL_HOLE, frame->h, frame->w, TRUE, distance, sf_progress_cancellable (progress));
  for (gsize i = 0; i < n; i++)
    most = MAX (most, distance[i]);
  return 2 * most;
}

/* The state's rectangle: what is made, with room for the patches that touch it. */
static SfPatchFrame
hole_frame (const SfPatchImage *image)
{
  int y0 = image->h, y1 = 0, x0 = image->w, x1 = 0;

  for (int y = 0; y < image->h; y++)
    for (int x = 0; x < image->w; x++)
      if (image->state[(gsize) y * image->w + x] == SF_PIXEL_HOLE)
        {
          y0 = MIN (y0, y);
          y1 = MAX (y1, y + 1);
          x0 = MIN (x0, x);
          x1 = MAX (x1, x + 1);
        }
  y0 = MAX (y0 - MARGIN, 0);
  x0 = MAX (x0 - MARGIN, 0);
  y1 = MIN (y1 + MARGIN, image->h);
  x1 = MIN (x1 + MARGIN, image->w);
  return (SfPatchFrame) { .h = MAX (y1 - y0, 1), .w = MAX (x1 - x0, 1), .y = y0, .x = x0 };
}

static gboolean
stage_init (SfPatchPyramid *self, int i, const SfProgress *progress, GError **error)
{
  const SfRegion *region = &self->region;
  double scale = pow (SF_PATCH_SCALE, i);
  SfPatchStage *stage = &self->stages[i];

  stage->image = sf_patch_image_new (region->image, region->state, MAX (1, (int) lrint (region->image->h / scale)),
                                     MAX (1, (int) lrint (region->image->w / scale)), region->keep_content, FALSE, progress,
                                     error);
  if (stage->image == NULL)
    return FALSE;
  if (region->generate)
    stage->frame = (SfPatchFrame) {
      .h = MAX (1, (int) lrint (region->height / scale)),
      .w = MAX (1, (int) lrint (region->width / scale)),
      .own = TRUE,
      .wrap_y = region->wrap_y,
      .wrap_x = region->wrap_x,
    };
  else
    {
      stage->frame = hole_frame (stage->image);
      if ((stage->hole = hole_size (stage->image, &stage->frame, progress, error)) < 0)
        return FALSE;
    }
  return TRUE;
}

static void
stage_clear (SfPatchStage *stage)
{
  g_clear_pointer (&stage->image, sf_patch_image_free);
  g_clear_pointer (&stage->content, g_free);
}

/* The images, as many as the picture and the hole allow. */
static gboolean
make_stages (SfPatchPyramid *self, const SfProgress *progress, GError **error)
{
  const SfRegion *region = &self->region;
  int side = MIN (region->image->h, region->image->w), n = 1;

  if (region->generate)
    side = MIN (side, MIN (region->height, region->width));
  while (n < SF_PATCH_MAX_LEVELS && side / pow (SF_PATCH_SCALE, n) >= MIN_SIDE)
    n++;
  for (int i = 0; i < n; i++)
    {
      SfPatchStage *stage = &self->stages[i];

      stage_clear (stage);
      if (!stage_init (self, i, progress, error) || sf_progress_stopped (progress, error))
        return FALSE;
      self->n = i + 1;
      if (i > 0 && (sf_patch_count_sources (stage->image, RADIUS, region->keep_content) < MIN_SOURCES ||
                    (!region->generate && stage->hole < MIN_HOLE)))
        {
          stage_clear (stage);
          self->n = i;
          break;
        }
    }
  return TRUE;
}

int
sf_patch_pyramid_find (const SfPatchPyramid *self, double size)
{
  int i = 0;

  while (i < self->n - 1 && self->stages[i].hole > size)
    i++;
  return i;
}

/* The state with slivers in the hole, from a map of them at a coarser level. */
typedef struct
{
  SfPatchPyramid *pyramid;
  const float *map; /* h x w: 1 in a sliver */
  int h, w;
} Slivers;

static void
sliver_rows (gsize begin, gsize end, gpointer data)
{
  const Slivers *s = data;
  const SfRegion *region = &s->pyramid->region;
  const int H = region->image->h, W = region->image->w;

  for (gsize y = begin; y < end; y++)
    for (int x = 0; x < W; x++)
      {
        gsize i = y * W + x;
        float v;

        sf_bilinear_sample (s->map, s->h, s->w, 1, (y + 0.5) * s->h / H - 0.5, (x + 0.5) * s->w / W - 0.5, &v);
        s->pyramid->state[i] = v > 0.5f && region->state[i] == SF_PIXEL_KNOWN ? SF_PIXEL_HOLE : region->state[i];
      }
}

/* Gives slivers of what is removed to the hole; returns whether there are any, negative on error. */
static int
add_slivers (SfPatchPyramid *self, const SfProgress *progress, GError **error)
{
  const SfRegion *region = &self->region;
  const SfPatchStage *stage = &self->stages[sf_patch_pyramid_find (self, SLIVER_HOLE)];
  const int h = stage->image->h, w = stage->image->w;
  g_autoptr (SfPatchImage) image = sf_patch_image_new (region->image, region->state, h, w, FALSE, TRUE, progress,
                                                       error);
  g_autofree guint8 *sliver = sf_try_alloc ((gsize) h * w, 1, error);
  g_autofree float *map = sf_try_alloc ((gsize) h * w, sizeof (float), error);
  int count;

  if (image == NULL || sliver == NULL || map == NULL)
    return -1;
  if ((count = sf_patch_find_slivers (image, stage->hole, sliver, progress, error)) <= 0)
    return count;
  if ((self->state = sf_try_alloc ((gsize) region->image->h * region->image->w, 1, error)) == NULL)
    return -1;
  for (gsize i = 0; i < (gsize) h * w; i++)
    map[i] = sliver[i];
  if (!sf_patch_for (region->image->h, 16, sliver_rows, &(Slivers) { self, map, h, w }, progress, error))
    return -1;
  self->region.state = self->state;
  return 1;
}

static void
flat_rows (gsize begin, gsize end, gpointer data)
{
  const SfPatchPyramid *self = data;
  const int w = self->flat->w;

  for (gsize y = begin; y < end; y++)
    for (int x = 0; x < w; x++)
      sf_patch_trend_add (&self->trend, -1, y + 0.5, x + 0.5, self->flat->data + (y * w + x) * 3);
}

/* Takes a trend away from the picture, if there is one. */
static gboolean
flatten (SfPatchPyramid *self, const SfProgress *progress, GError **error)
{
  const SfPatchStage *stage = &self->stages[sf_patch_pyramid_find (self, TREND_HOLE)];

  if (!sf_patch_trend_fit (&self->trend, stage->image, &stage->frame, stage->hole,
                           (double) self->region.image->h / stage->image->h, progress, error))
    return FALSE;
  if (self->trend.strength == 0)
    return TRUE;
  if ((self->flat = sf_tensor_copy (self->region.image, error)) == NULL ||
      !sf_patch_for (self->flat->h, 16, flat_rows, self, progress, error))
    return FALSE;
  self->region.image = self->flat;
  return make_stages (self, progress, error);
}

/* The picture with @content in its hole. */
typedef struct
{
  const SfPatchPyramid *pyramid;
  const SfTensor *content; /* (nullable) */
} Filled;

static void
filled_row (int y, float *row, gconstpointer data)
{
  const Filled *filled = data;
  const SfRegion *region = &filled->pyramid->region;
  const gsize o = (gsize) y * region->image->w;

  memcpy (row, region->image->data + o * 3, (gsize) region->image->w * 3 * sizeof (float));
  if (filled->content == NULL || y < region->y || y >= region->y + region->height)
    return;
  for (int x = region->x; x < region->x + region->width; x++)
    if (region->state == NULL || region->state[o + x] == SF_PIXEL_HOLE)
      {
        memcpy (row + x * 3, filled->content->data + ((gsize) (y - region->y) * region->width + x - region->x) * 3, 3 * sizeof (float));
        sf_patch_trend_add (&filled->pyramid->trend, -1, y + 0.5, x + 0.5, row + x * 3);
      }
}

gboolean
sf_patch_pyramid_set_content (SfPatchPyramid *self, int i, const SfTensor *content, const SfProgress *progress,
                              GError **error)
{
  const SfRegion *region = &self->region;
  SfPatchStage *stage = &self->stages[i];
  const SfPatchFrame *f = &stage->frame;
  int h = f->own ? f->h : stage->image->h, w = f->own ? f->w : stage->image->w;
  g_autofree float *small = sf_try_alloc ((gsize) h * w * 3, sizeof (float), error);

  g_free (stage->content);
  stage->content = sf_patch_pixels_new (f->h, f->w, error);
  if (small == NULL || stage->content == NULL)
    return FALSE;
  if (f->own)
    sf_area_resize (content->data, content->h, content->w, 3, small, h, w, sf_progress_cancellable (progress));
  else
    sf_area_resize_rows (filled_row, &(Filled) { self, content }, region->image->h, region->image->w, 3, small, h, w,
                         sf_progress_cancellable (progress));
  for (int y = 0; y < f->h; y++)
    for (int x = 0; x < f->w; x++)
      memcpy (stage->content + ((gsize) y * f->w + x) * 4, small + ((gsize) (y + f->y) * w + x + f->x) * 3, 3 * sizeof (float));
  return !sf_progress_stopped (progress, error);
}

gboolean
sf_patch_pyramid_init (SfPatchPyramid *self, const SfRegion *region, const SfProgress *progress, GError **error)
{
  int slivers = 0;

  self->region = *region;
  if (!make_stages (self, progress, error))
    return FALSE;
  if (region->removal && (slivers = add_slivers (self, progress, error)) < 0)
    return FALSE;
  if (slivers > 0 && !make_stages (self, progress, error))
    return FALSE;
  return region->generate || region->keep_content || flatten (self, progress, error);
}

void
sf_patch_pyramid_clear (SfPatchPyramid *self)
{
  for (int i = 0; i < SF_PATCH_MAX_LEVELS; i++)
    stage_clear (&self->stages[i]);
  g_clear_pointer (&self->state, g_free);
  g_clear_pointer (&self->flat, sf_tensor_unref);
}
