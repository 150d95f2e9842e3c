/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The core's floats as cairo surfaces, for showing only: 8 bits, premultiplied. */
#pragma once

#include <cairo.h>

#include "sfumato.h"

/* Straight R'G'B'A floats; %NULL if there is not enough memory, as for the other two. */
cairo_surface_t *sf_surface_from_rgba (const float *rgba, int width, int height);
/* 1 x h x w x 3 (or 4) in [0, 1]. */
cairo_surface_t *sf_surface_from_tensor (const SfTensor *image);
/* 0…1, as an alpha-only surface. */
cairo_surface_t *sf_surface_from_coverage (const float *coverage, int width, int height);
cairo_surface_t *sf_surface_copy (cairo_surface_t *surface);

/* Paints @surface over @rect of @cr's space, smoothly. */
void sf_surface_paint_into (cairo_t *cr, cairo_surface_t *surface, double x, double y, double width, double height);
/* Paints what @result makes of the picture that is in @cr already; @cr's space is that of the result's rect. */
void sf_surface_paint_result (cairo_t *cr, const SfResult *result);
