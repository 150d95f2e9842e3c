/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results into GIMP: the only place where an image is changed, once, after all computing is done. */
#pragma once

#include "sf-image.h"

/**
 * sf_write:
 * @results: (element-type SfResult): in the order of the candidates
 * @settings: its output says where they go
 * @show: open a window for a new image
 *
 * "new-layer": a layer with an editable mask for each, directly above the picture's layer; the best-ranked is on top
 *     and visible, the others are hidden below it.
 * "replace": the best-ranked goes into the layer itself.
 * "new-image": an image with a layer for each, holding the whole picture as "replace" would leave it.
 *
 * One undo step; selection and selected layers are as before.
 *
 * Returns: (transfer container) (element-type GimpLayer): what was made, in the order of @results (a single layer for
 *          "replace"), or %NULL and nothing is changed
 */
GPtrArray *sf_write (const SfPicture *picture, const SfSettings *settings, GPtrArray *results, gboolean show,
                     GError **error);
