/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the ways of writing have in common. */
#pragma once

#include "sf-image.h"

/* A layer, not yet inserted, whose name and parasite tell how @result was made. */
GimpLayer *sf_layer_new (const SfPicture *picture, GimpImage *image, GimpImageType type, int width, int height,
                         const SfResult *result);

/* The parasite "sfumato": every setting of @result as text, enough to repeat it. */
void sf_layer_attach_settings (GimpLayer *layer, const SfResult *result);

/* Whether @layer was made by a run that left its picture alone. */
gboolean sf_layer_is_result (GimpLayer *layer);

GimpImageType sf_layer_type_with_alpha (GimpImage *image);

/* The picture afterwards, in its coordinates before: for Expand Canvas the image. */
SfRect sf_picture_canvas (const SfPicture *picture, const SfResult *result);

/* @result in other coordinates; borrows its pixels. */
SfResult sf_result_shifted (const SfResult *result, int x, int y);
SfRect sf_rect_enclose (const SfRect *a, const SfRect *b);

/**
 * sf_write_image:
 * @ranked: (element-type SfResult): the best first
 * @layers: (out) (element-type GimpLayer): takes one for each, in the same order
 *
 * An image of its own, with the whole picture in each layer.
 */
gboolean sf_write_image (const SfPicture *picture, const SfSettings *settings, GPtrArray *ranked, GPtrArray *layers,
                         gboolean show, GError **error);
