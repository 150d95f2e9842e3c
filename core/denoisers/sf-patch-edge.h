/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edges at the hole: where they enter it, and the colours on either side. */
#pragma once

#include "denoisers/sf-patch-image.h"

/* An edge where it enters the hole, or leaves it: place, and unit tangent into the hole. */
typedef struct
{
  double y, x, ty, tx;
} SfEdgeEnd;

/**
 * sf_patch_find_edges:
 *
 * Returns: (transfer full) (element-type SfEdgeEnd): at most 80, the strongest first; %NULL on error
 */
GArray *sf_patch_find_edges (const SfPatchImage *image, const SfProgress *progress, GError **error);

#define SF_PROFILE_MAX_HALF_WIDTH 64

/* Colours across an edge at u = -half…half pixels from it. */
typedef struct
{
  float color[2 * SF_PROFILE_MAX_HALF_WIDTH + 1][3]; /* of u + half */
  gboolean has[2 * SF_PROFILE_MAX_HALF_WIDTH + 1];   /* anything is known there */
} SfProfile;

/**
 * sf_patch_read_profile:
 * @side: 1, or -1 for u as seen from the other end of the edge
 *
 * Averages known pixels over @reach pixels outwards, in steps of @step.
 */
void sf_patch_read_profile (const SfPatchImage *image, const SfEdgeEnd *end, int side, int half, double reach,
                            double step, SfProfile *out);
