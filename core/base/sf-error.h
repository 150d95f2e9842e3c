/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error domain, and allocation that can fail.
 *
 * Every function that can fail at run time takes a GError ** last.  A cancel is G_IO_ERROR_CANCELLED.
 * Buffers whose size depends on a picture are allocated with sf_try_alloc(): a picture that is too
 * large is an error the user reads, never an abort.
 */
#pragma once

#include <gio/gio.h>
#include <glib.h>

#define SF_ERROR (sf_error_quark ())

/**
 * SfError:
 * @SF_ERROR_ARGUMENT: a setting is out of range, unknown or useless for the model
 * @SF_ERROR_REGION: the picture or selection cannot be worked on
 * @SF_ERROR_MODEL: a model cannot be found or used
 * @SF_ERROR_MEMORY: not enough memory; the message says how much was wanted
 */
typedef enum
{
  SF_ERROR_ARGUMENT,
  SF_ERROR_REGION,
  SF_ERROR_MODEL,
  SF_ERROR_MEMORY,
} SfError;

GQuark sf_error_quark (void);

/**
 * sf_try_alloc:
 * @count: number of elements
 * @size: bytes per element
 *
 * Zero-filled memory, released with g_free().  @count * @size may overflow: that is an error too.
 * An error that is set already is kept, so that several buffers can be asked for before the first is checked.
 *
 * Returns: (transfer full) (nullable): the memory, or %NULL with %SF_ERROR_MEMORY
 */
gpointer sf_try_alloc (gsize count, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same, but not zeroed, at the beginning of a cache line, in large pages where it is large, and released with free(): for
 * weights and work space of kernels. */
gpointer sf_try_alloc_aligned (gsize count, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
