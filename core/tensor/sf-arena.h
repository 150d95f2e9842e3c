/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of a network's activations: best fit in one reserved range of addresses, free neighbours joined; or as planned, where
 * a rehearsal has told which blocks will be asked for.
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

/*** Plans ***/

/* Remembers the blocks that are asked for from now on. */
void sf_arena_record (SfArena *self);
/* (transfer full): of SfSpan: those blocks, in the order in which they were asked for, laid where they fit best together. */
GArray *sf_arena_make_plan (const SfArena *self);
/* The next blocks lie as in @plan (nullable), above what is in use now, for as long as they have its sizes.
 * FALSE with %SF_ERROR_MEMORY that says how many bytes the plan needs, where that is more than there is. */
gboolean sf_arena_follow (SfArena *self, GArray *plan, GError **error);
/* Whether no block differed from the last plan. */
gboolean sf_arena_has_followed (const SfArena *self);
