/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outline of a selection: the edges between pixels that are selected (at least half) and pixels that are not. */
#pragma once

#include <cairo.h>
#include <glib.h>

/* (element-type SfEdge), g_array_unref() it. */
GArray *sf_outline_trace (const float *coverage, int width, int height);

/**
 * sf_outline_draw:
 * @cr: in device space; pixel (x, y) of the mask is at (@x0 + x * @zoom, @y0 + y * @zoom)
 */
void sf_outline_draw (cairo_t *cr, const GArray *outline, double x0, double y0, double zoom);
