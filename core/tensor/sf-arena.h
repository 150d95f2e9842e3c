/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of a network's activations: best fit in one reserved range of addresses, free neighbours joined.
 *
 * Pages that no block ever reached cost nothing, so peak memory is the highest end of a block.  A dry arena hands out
 * addresses that must not be read, to learn what a run would take.
 */
#pragma once

#include <glib.h>

typedef struct _SfArena SfArena;

/* @budget: most bytes that blocks may reach up to; 0 = three quarters of the memory that is free now. */
SfArena *sf_arena_new (gsize budget, gboolean dry);
void sf_arena_unref (SfArena *self);
SfArena *sf_arena_ref (SfArena *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfArena, sf_arena_unref)

/* 64-byte aligned, not zeroed; %NULL with %SF_ERROR_MEMORY that says how many bytes were needed. */
gpointer sf_arena_alloc (SfArena *self, gsize size, GError **error);
void sf_arena_free (SfArena *self, gpointer block);

gsize sf_arena_get_live (const SfArena *self);      /* bytes in use now */
gsize sf_arena_get_peak (const SfArena *self);      /* highest end of a block so far */
gsize sf_arena_get_live_peak (const SfArena *self); /* most bytes that were in use at the same time: no arena can do better */
