/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file as read-only memory, safe against what happens to the file meanwhile.
 *
 * Reading a mapped page that the file lost (it was cut, or the disk failed) is SIGBUS, which would end the process and with it
 * the artist's unsaved work.  Here such a page reads as zeros, and sf_mapping_check() says so afterwards.
 */
#pragma once

#include <glib.h>

typedef struct _SfMapping SfMapping;

/* (nullable): %NULL with %SF_ERROR_MODEL for what is missing, not readable, empty or no plain file. */
SfMapping *sf_mapping_open (const char *path, GError **error);
void sf_mapping_free (SfMapping *self);
const char *sf_mapping_get_path (const SfMapping *self);
const guint8 *sf_mapping_get_data (const SfMapping *self);
gsize sf_mapping_get_size (const SfMapping *self);
/* FALSE with %SF_ERROR_MODEL when the file at that path is not, or not as, the one that was opened. */
gboolean sf_mapping_check (const SfMapping *self, GError **error);
