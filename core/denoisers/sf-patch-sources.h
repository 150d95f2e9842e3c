/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Judging sources and results: what may be copied, and how well the outcome is explained. */
#pragma once

#include "denoisers/sf-patch-field.h"

/**
 * sf_patch_ring_map:
 * @image: the coarsest level
 * @map: (out): h x w: 0 where a source patch resembles something in the ring around the hole, 1 where nothing in the
 *       ring explains it (a unique object elsewhere in the picture)
 */
gboolean sf_patch_ring_map (const SfPatchImage *image, float *map, GError **error);

/* Mean |Laplacian| of the luminance where @mask is @value and all four neighbours' too; pixels of @stride floats. */
double sf_patch_detail (const float *rgb, int stride, const guint8 *mask, guint8 value, int h, int w);

/**
 * sf_patch_ring_detail:
 *
 * Mean |Laplacian| of the known pixels near the hole.
 */
double sf_patch_ring_detail (const SfPatchImage *image, double reach, GError **error);
