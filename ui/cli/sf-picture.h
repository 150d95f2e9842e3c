/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encodes pixels. */
#pragma once

#include "sf-source.h"

/**
 * sf_picture_encode:
 * @buffer: its extent is the picture
 * @from: (nullable): the file whose metadata is kept
 * @json: the settings to store
 * @name: of the file that it will be, for messages
 *
 * Encodes in memory, so that a full disk is met by sf_output_fill(), which can tell, and not by a codec.
 *
 * Returns: a file descriptor, or -1
 */
int sf_picture_encode (GeglBuffer *buffer, const SfFormat *format, const SfSource *from, const char *json,
                       const char *name, GError **error);
