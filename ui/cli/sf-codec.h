/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns what image codecs do on trouble into a GError.
 *
 * GEGL's loaders and savers report no errors: they (and libpng, libjpeg, libtiff below them) print to standard error,
 * return a picture with rows missing, and libjpeg even ends the program.  Between sf_codec_begin() and sf_codec_end()
 * standard error is caught; what was printed decides whether the codec failed.
 */
#pragma once

#include <gio/gio.h>

/**
 * sf_codec_begin:
 * @failure: what to say if the codec fails, "photo.jpg cannot be read"; must stay until sf_codec_end().  If the codec
 *           ends the program, this is printed, with the reason.
 */
void sf_codec_begin (const char *failure);
/* %FALSE with @error if the codec complained of anything worse than a blemish. */
gboolean sf_codec_end (GError **error);

/* For main(): one plain line for each warning of a library, and a clean end with status 1 when memory runs out inside one. */
void sf_codec_install (void);
