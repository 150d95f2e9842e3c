/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directory of a zip archive in memory, zip64 included.  Nothing is unpacked: what is stored as it is points into the
 * archive, and what is compressed or encrypted has no data.  Names are labels here, never paths.
 */
#pragma once

#include <glib.h>

typedef struct
{
  const guint8 *data; /* (nullable) */
  gsize size;
} SfZipEntry;

/* (transfer full) (nullable) (element-type utf8 SfZipEntry): %NULL with %SF_ERROR_MODEL. */
GHashTable *sf_zip_read (const guint8 *data, gsize size, GError **error);
