/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture of one run: which pixels of GIMP's image are worked on, and reading them.
 *
 * Three systems of coordinates meet here.  "image" is GIMP's canvas; "layer" starts at the layer's own corner;
 * "picture" is the job's: for Expand Canvas it starts at the corner of the canvas as it was before, for all others at
 * the corner of the layer.  A picture holds no reference to pixels, so a run can compute for minutes while the user
 * goes on working, and look again with sf_picture_check() before it writes.
 */
#pragma once

#include <libgimp/gimp.h>

#include "sfumato.h"

typedef struct
{
  SfTask task;
  GimpImage *image;              /* (nullable): there is none, for models that generate from nothing; the rest is empty then */
  GimpLayer *layer;
  SfRect bounds;                 /* of the picture, in the image's coordinates */
  SfRect layer_bounds;           /* likewise, of the layer */
  int image_width, image_height; /* before the run */
} SfPicture;

/**
 * sf_picture_init:
 * @image: (nullable)
 * @drawables: (array zero-terminated=1) (nullable): what the user selected or the script gave
 *
 * Returns: %FALSE with %SF_ERROR_REGION if they are no single layer that can be worked on
 */
gboolean sf_picture_init (SfPicture *self, SfTask task, GimpImage *image, GimpDrawable **drawables, GError **error);

/* Whether the picture is still there as it was, and can be written to in the way that @settings want. */
gboolean sf_picture_check (const SfPicture *self, const SfSettings *settings, GError **error);

/* A copy of @settings with what depends on the picture filled in (a width and height of 0). */
SfSettings *sf_picture_resolve (const SfPicture *self, const SfSettings *settings);

/* A job for @settings with the pixels set, or %NULL with an error in words. */
SfJob *sf_picture_read (const SfPicture *self, const SfSettings *settings, GError **error);

/**
 * sf_picture_view:
 * @rect: in the picture's coordinates times @scale
 * @rgba: (out) (transfer full): R'G'B'A float
 * @coverage: (out) (transfer full) (nullable): %NULL = everything is selected
 *
 * For previews.
 */
gboolean sf_picture_view (const SfPicture *self, const SfSettings *settings, const SfRect *rect, double scale,
                          float **rgba, float **coverage, GError **error);

/**
 * sf_picture_get_buffer:
 * @x: (out): column of the picture's corner in the buffer
 *
 * Returns: (transfer full): what @settings say is looked at: the layer, or all that is visible
 */
GeglBuffer *sf_picture_get_buffer (const SfPicture *self, const SfSettings *settings, int *x, int *y);
