/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GeglBuffers to the core's floats and back; shared by the plug-in and the command-line tool. */
#pragma once

#include <gegl.h>

#include "sfumato.h"

/* R'G'B'A float (sRGB, straight alpha) of @rect, g_free() it; what lies outside of the buffer is transparent black. */
float *sf_buffer_read_rgba (GeglBuffer *buffer, const SfRect *rect, GError **error);
/**
 * sf_buffer_read_coverage:
 *
 * Coverage 0…1 of @rect from a mask, zero outside of the buffer.  Coverage is the number that the mask stores, as in
 * the selections of GIMP and in mask files: 128 of 255 is one half, whether the format calls it linear or not.  Where
 * the mask has alpha, coverage is multiplied by it.
 */
float *sf_buffer_read_coverage (GeglBuffer *buffer, const SfRect *rect, GError **error);
/* The box of all coverage above 0, looked at in strips.  %FALSE if there is none. */
gboolean sf_buffer_find_coverage (GeglBuffer *buffer, SfRect *bounds);

/**
 * sf_buffer_blend:
 * @original: what is there now
 * @target: where to write; may be @original, or a shadow buffer of the same format
 * @result: its rect is in the coordinates of both buffers
 *
 * sf_result_blend() with the buffer's own precision kept: a pixel whose mask is 0 is copied byte for byte, never
 * converted.
 */
gboolean sf_buffer_blend (GeglBuffer *original, GeglBuffer *target, const SfResult *result, GError **error);

/* The made pixels alone ("R'G'B'A float") into @target, whose origin is the result's; and the mask ("Y float"). */
void sf_buffer_write_rgba (GeglBuffer *target, const SfResult *result);
void sf_buffer_write_mask (GeglBuffer *target, const SfResult *result);
