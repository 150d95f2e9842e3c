/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is stored in a file beside the pixels.
 *
 * The settings are the XMP property "sfumato:settings" (JSON in one line), in every format that Exiv2 can write: PNG (there
 * XMP is a text chunk), JPEG, TIFF, WebP.  PNG has them also as the plain text chunk "sfumato".
 */
#pragma once

#include "sf-source.h"

/**
 * sf_metadata_write:
 * @path: of an encoded picture; changed in place
 * @fd: the same
 * @from: (nullable): whose Exif, IPTC and XMP are kept, and PNG's text chunks from PNG to PNG
 * @json: settings
 */
gboolean sf_metadata_write (const char *path, int fd, const SfFormat *format, const SfSource *from, int width, int height,
                            const char *json, GError **error);

/* (nullable) (transfer full): the settings in a picture that was made here. */
char *sf_metadata_read (const SfSource *source);
