/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The large preview: the region with its surroundings, before and after.
 *
 *   press and hold, or space     before        wheel, + and -     zoom
 *   drag, or the arrow keys      move          0 / 1              all of it / one to one
 */
#pragma once

#include <gtk/gtk.h>

#include "sfumato.h"

#define SF_TYPE_PREVIEW (sf_preview_get_type ())
G_DECLARE_FINAL_TYPE (SfPreview, sf_preview, SF, PREVIEW, GtkDrawingArea)

GtkWidget *sf_preview_new (void);

/**
 * sf_preview_set_picture:
 * @view: what is shown, in the job's coordinates times @scale
 * @frame: where something will be made, in the job's coordinates; first seen with some surroundings
 * @rgba: (nullable): @view's pixels as they are; %NULL = nothing yet
 * @coverage: (nullable): what will be made anew, 0…1; %NULL = all of @frame
 * @move: whether to bring the frame into view
 *
 * Shows the picture as it is.
 */
void sf_preview_set_picture (SfPreview *self, const SfRect *view, double scale, const SfRect *frame, const float *rgba,
                             const float *coverage, gboolean move);

/* Shows @image, the frame at any size, where something is made. */
void sf_preview_show_frame (SfPreview *self, const SfTensor *image);
/* Shows the finished picture, without the outline. */
void sf_preview_show_result (SfPreview *self, const SfResult *result);
/* Shows the picture as it is, with the outline. */
void sf_preview_show_original (SfPreview *self);

/* While set, the picture as it is. */
void sf_preview_set_comparing (SfPreview *self, gboolean comparing);

/* (transfer full) (nullable): what @result makes of its frame, about @size pixels wide and high. */
cairo_surface_t *sf_preview_make_thumbnail (SfPreview *self, const SfResult *result, int size);
