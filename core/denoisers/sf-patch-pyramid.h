/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pyramid that a cascade of patch denoisers works on.
 *
 * Its factor is sqrt 2.  It stops where the hole would be less than 12 px across: below that, one patch spans it and its
 * border decides everything.
 */
#pragma once

#include "denoisers/sf-patch-image.h"
#include "denoisers/sf-patch-trend.h"

#define SF_PATCH_SCALE G_SQRT2
#define SF_PATCH_MAX_LEVELS 24

typedef struct
{
  SfPatchImage *image;
  SfPatchFrame frame;
  float *content;  /* (nullable) of the state, x 4: where a run from content starts */
  double hole;     /* px across; 0 for generate */
} SfPatchStage;

typedef struct
{
  SfRegion region; /* its state has slivers of what is removed in the hole; its image lacks the trend */
  guint8 *state;   /* (nullable) that state, if it is not the caller's */
  SfPatchTrend trend;
  SfTensor *flat;  /* (nullable) the image without it, if there is one */
  SfPatchStage stages[SF_PATCH_MAX_LEVELS]; /* 0 is the finest, the picture itself */
  int n;
} SfPatchPyramid;

gboolean sf_patch_pyramid_init (SfPatchPyramid *self, const SfRegion *region, const SfProgress *progress,
                                GError **error);
void sf_patch_pyramid_clear (SfPatchPyramid *self);

/* The finest stage whose hole is at most @size px across. */
int sf_patch_pyramid_find (const SfPatchPyramid *self, double size);

/**
 * sf_patch_pyramid_set_content:
 * @content: (nullable): 1 x height x width x 3, the frame; %NULL = what the picture has in its hole
 *
 * Fills the content of stage @i: the picture with @content in its hole, without the trend.
 */
gboolean sf_patch_pyramid_set_content (SfPatchPyramid *self, int i, const SfTensor *content, const SfProgress *progress,
                                       GError **error);
