/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structure bridging: edges that enter the hole on both sides are paired, joined with smooth strokes, and carry their
 * colour profile across.  The strokes guide the search; the texture still comes from real patches.
 */
#pragma once

#include "denoisers/sf-patch-edge.h"

#define SF_STROKE_HALF_WIDTH 3 /* px, at the level where strokes are found */

typedef struct
{
  SfEdgeEnd a, b;
  double length; /* of the chord */
} SfStroke;

/**
 * sf_patch_find_strokes:
 * @image: the level to work at: the finest whose hole is at most 64 px across
 *
 * Returns: (transfer full) (element-type SfStroke): may be empty; %NULL on error
 */
GArray *sf_patch_find_strokes (const SfPatchImage *image, const SfProgress *progress, GError **error);

/**
 * sf_patch_paint_strokes: (in sf-patch-stroke.c)
 * @scale: pixels of @image per pixel of the level where the strokes were found, >= 1
 * @frame: (nullable): the part of @image to paint; %NULL = all of it
 * @guide: (out): of the frame, x 4: colours
 * @confidence: (out): of the frame: 0…1, 0 outside of the hole
 */
gboolean sf_patch_paint_strokes (const SfPatchImage *image, const GArray *strokes, double scale,
                                 const SfPatchFrame *frame, float *guide, float *confidence, const SfProgress *progress,
                                 GError **error);
