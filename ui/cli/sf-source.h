/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture file to read, or standard input. */
#pragma once

#include "sf-format.h"

typedef struct
{
  char *name;             /* for messages */
  char *path;             /* for libraries; of a copy in memory if the file cannot be read twice */
  int fd;
  GMappedFile *bytes;
  const SfFormat *format;
  gboolean is_copy;       /* of a pipe */
  double density;         /* pixels per metre, 0 = not known; after sf_source_load() */
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

/* The pixels in the file's own format, origin at 0, 0. */
GeglBuffer *sf_source_load (SfSource *self, GError **error);
