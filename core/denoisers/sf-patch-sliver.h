/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Slivers: what an imprecise selection leaves of the object that is to be removed. */
#pragma once

#include "denoisers/sf-patch-image.h"

/**
 * sf_patch_find_slivers:
 * @image: a level where the hole is at most 64 px across, with its `full` content
 * @hole: px across
 * @sliver: (out): h x w: non-zero where a known pixel at the hole looks like the removed content and like nothing just
 *          outside
 *
 * Such pixels must not be continued.  The content of the hole decides nothing else.
 *
 * Returns: the number of pixels found, negative on error
 */
int sf_patch_find_slivers (const SfPatchImage *image, double hole, guint8 *sliver, const SfProgress *progress,
                           GError **error);
