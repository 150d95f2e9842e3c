/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An even gradient around the hole, as in a sky or a backdrop: what patches, which keep their brightness, cannot
 * continue.  It is taken away before they are searched, and given back to the result. */
#pragma once

#include "denoisers/sf-patch-image.h"

#define SF_PATCH_TREND_TERMS 6

/* t = strength R s((p - m) / R) of each channel: p quadratic, m the middle of its values in the ring, R twice their range,
 * s (u) = u / (1 + u^4)^1/4: nearly u in the hole, and never beyond +-1 where p leads nowhere. */
typedef struct
{
  double y, x, unit; /* where p has its origin, and the length that it counts in: picture pixels */
  double p[3][SF_PATCH_TREND_TERMS];
  double middle[3], reach[3]; /* m, R */
  double strength; /* 0…1: 0 = there is no trend */
} SfPatchTrend;

/**
 * sf_patch_trend_fit:
 * @image: a level where the hole is at most some 32 px across
 * @frame: that encloses the hole
 * @hole: px across
 * @scale: picture pixels per pixel of @image
 *
 * Finds the trend in the ring around the hole.  There is none where it would not explain nearly all of the ring.
 */
gboolean sf_patch_trend_fit (SfPatchTrend *self, const SfPatchImage *image, const SfPatchFrame *frame, double hole,
                             double scale, const SfProgress *progress, GError **error);

/* Adds @sign times the trend at the place y, x of the picture (0.5 = centre of the first pixel) to @rgb, if there is one. */
void sf_patch_trend_add (const SfPatchTrend *self, float sign, double y, double x, float *rgb);
