/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture file to read, or standard input. */
#pragma once

#include <gegl-metadata.h>

#include "sf-format.h"

typedef struct
{
  char *name;             /* for messages */
  char *path;             /* for libraries; of a copy in memory if the file cannot be read twice */
  int fd;
  GMappedFile *bytes;
  const SfFormat *format;
  gboolean is_copy;       /* of a pipe */
} SfSource;

/**
 * sf_source_open:
 * @path: file name, "-" for standard input
 *
 * Fails for what is missing, unreadable, a folder, no picture, or cut off.
 */
SfSource *sf_source_open (const char *path, GError **error);
void sf_source_free (SfSource *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfSource, sf_source_free)

/**
 * sf_source_load:
 * @metadata: (nullable): gets resolution and text
 *
 * The pixels in the file's own format, origin at 0, 0.
 */
GeglBuffer *sf_source_load (SfSource *self, GeglMetadata *metadata, GError **error);
