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
gboolean sf_patch_ring_map (const SfPatchImage *image, float *map, const SfProgress *progress, GError **error);

/**
 * sf_patch_unexplained:
 * @image: a level where the hole is at most 32 px across
 * @filled: h x w x 4: the same with the result in its hole
 *
 * Returns: share 0…1 of the result that nothing in the ring explains, negative on error
 */
double sf_patch_unexplained (const SfPatchImage *image, const float *filled, const SfProgress *progress, GError **error);

/**
 * sf_patch_detail_maps:
 * @detail: (out): h x w: log2 of the RMS gradient around each known pixel
 * @budget: (out): h x w: in the hole, what its surroundings have (harmonically extended) and a little more; elsewhere
 *          no limit
 *
 * A confident copy of something detailed into smooth surroundings is the worst that a fill can do.
 */
gboolean sf_patch_detail_maps (const SfPatchImage *image, float *detail, float *budget, const SfProgress *progress,
                               GError **error);

/* Mean |Laplacian| of the luminance where @mask is @value and all four neighbours' too; pixels of @stride floats. */
double sf_patch_detail (const float *rgb, int stride, const guint8 *mask, guint8 value, int h, int w);

/**
 * sf_patch_ring_detail:
 *
 * Mean |Laplacian| of the known pixels near the hole.
 */
double sf_patch_ring_detail (const SfPatchImage *image, double reach, const SfProgress *progress, GError **error);
