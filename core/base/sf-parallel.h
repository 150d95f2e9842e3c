/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one way to use several cores.
 *
 * Work [0, n) is cut into tiles of @grain items; tiles depend on the problem, never on the number of threads,
 * so results are the same bits for any number of threads as long as a tile writes only its own items.
 */
#pragma once

#include <gio/gio.h>

/* Works on the items [begin, end).  Must not fail and should take at most about 10 ms. */
typedef void (*SfTileFunc) (gsize begin, gsize end, gpointer data);

/**
 * sf_parallel_for:
 * @n: number of items
 * @grain: items per tile, > 0
 * @cancellable: (nullable): asked before each tile; the remaining tiles are dropped
 *
 * Nested calls run on the calling thread.
 *
 * Returns: %FALSE if @cancellable was cancelled (no error is set: the caller's sf_progress_stopped() says it)
 */
gboolean sf_parallel_for (gsize n, gsize grain, SfTileFunc func, gpointer data, GCancellable *cancellable);

/* Number of threads from now on; 0 = SFUMATO_THREADS, else all cores. */
void sf_parallel_set_threads (int n_threads);
int sf_parallel_get_threads (void);
