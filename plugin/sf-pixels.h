/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pixels into a layer of an image, with undo and bit for bit. */
#pragma once

#include <libgimp/gimp.h>

#include "sfumato.h"

/**
 * sf_pixels_new:
 * @layer: where they will go
 * @result: its rect is in the coordinates of @layer
 * @room: the layer as it will be, in its coordinates now
 *
 * The pixels of the part of @result that lies in @room as they will be, in the layer's own format.  Changes nothing yet,
 * but GIMP has them already, if it can take them, so that sf_pixels_put() takes less time.
 */
GeglBuffer *sf_pixels_new (GimpLayer *layer, const SfResult *result, const SfRect *room, GError **error);

/**
 * sf_pixels_put:
 * @made: from sf_pixels_new()
 * @room: likewise
 *
 * Resizes @layer to @room and puts the pixels where they belong; undoable, whatever is selected.  The selection stays.
 */
gboolean sf_pixels_put (GimpLayer *layer, GeglBuffer *made, const SfRect *room, GError **error);
