/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that appears whole or not at all.
 *
 * The bytes go into a hidden file beside it, which takes its place only when every byte is on the disk.  What is no
 * regular file (standard output, a device) is written directly.
 */
#pragma once

#include "sfumato.h"

typedef struct _SfOutput SfOutput;

/**
 * sf_output_new:
 * @path: "-" for standard output
 * @inputs: (array zero-terminated=1) (element-type filename): files that must not be overwritten
 *
 * Checks beforehand, so that minutes of work are not lost to a folder that is missing or read-only.
 */
SfOutput *sf_output_new (const char *path, const char *const *inputs, GError **error);
/* Without sf_output_commit() nothing is left behind. */
void sf_output_free (SfOutput *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfOutput, sf_output_free)

const char *sf_output_get_name (const SfOutput *self);
/* Everything in the file @fd. */
gboolean sf_output_fill (SfOutput *self, int fd, GCancellable *cancellable, GError **error);
gboolean sf_output_commit (SfOutput *self, GError **error);

/* "picture.png" -> "picture-2.png" for @number 2; 1 is @path itself. */
char *sf_output_numbered (const char *path, int number);
