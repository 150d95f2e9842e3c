/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two linear systems of the patch engine: a harmonic start, and the gradient polish at the end. */
#pragma once

#include "denoisers/sf-patch-field.h"

/**
 * sf_patch_harmonic:
 * @x: (inout): h x w x 4: in: the fixed values; out: harmonic in between (Laplace's equation, edges mirrored)
 * @fixed: h x w: non-zero where @x is kept
 */
gboolean sf_patch_harmonic (float *x, const guint8 *fixed, int h, int w, const SfProgress *progress, GError **error);

/**
 * sf_patch_polish:
 * @field: after the last search: where each patch was copied from
 * @weight: of each query
 * @hole: of the state
 * @x: (inout): of the state, x 4, known pixels clean
 *
 * Removes small steps between copied pieces: the sources' forward differences are voted like their colours (g), and
 *   min_x' lambda |x' - x|^2 + |grad x' - g|^2    in the hole, x' = x outside
 * is solved by conjugate gradients.  Between the hole and what is known, a g that differs from grad x by more than a
 * seam would is ignored: there is a real edge.  Within the hole torn seams become ramps.
 */
gboolean sf_patch_polish (SfPatchField *field, const float *weight, const guint8 *hole, float *x,
                          const SfProgress *progress, GError **error);
