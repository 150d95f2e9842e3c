/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chunks of a PNG file: {length, name, data, check sum}, after a signature of eight bytes. */
#pragma once

#include <gio/gio.h>

/* Whether the chunks are complete up to the last one. */
gboolean sf_png_is_whole (const guint8 *bytes, gsize n);

/**
 * sf_png_add_text:
 * @fd: a PNG file, changed in place
 * @from: (nullable) (array length=n_from): a PNG file whose text chunks are kept
 * @key: of a new text chunk; one of the same key in @from is dropped
 *
 * Chunks that Exiv2 takes care of are left to it.
 */
gboolean sf_png_add_text (int fd, const guint8 *from, gsize n_from, const char *key, const char *text, GError **error);
