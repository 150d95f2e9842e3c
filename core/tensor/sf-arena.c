/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks are a list in the order of their addresses, free ones between used ones, never two free ones side by side:
 *
 *   base |  used  |   free   | used | free | used |                                 | base + budget
 *                                                 end: nothing was given out above
 *
 * A request takes the smallest free block that holds it, else begins where the last used block ends; with a plan it takes the
 * part of a free block, or of what is above the end, that the plan names.
 * A network has some hundred blocks alive, so the search is a walk.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE, MADV_HUGEPAGE */

#include "tensor/sf-arena.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sf-error.h"
#include "tensor/sf-memory-plan.h"

#define ALIGN 64
#define HUGE_PAGE ((gsize) 2 << 20)
#define DRY_BASE ((gsize) 1 << 62) /* no memory is ever there */

typedef struct _Block Block;
struct _Block
{
  Block *previous, *next;
  gsize begin, size;
  gboolean used;
  guint span; /* 1 + its index in the record, 0 = none */
};

struct _SfArena
{
  gatomicrefcount refs;
  GMutex mutex;       /* a tensor may be given back on any thread */
  GHashTable *blocks; /* used ones by their begin */
  Block *first, *last;
  gsize budget;
  gsize base;         /* address of what is given out first */
  gpointer map;       /* (nullable) */
  gsize map_size;
  gsize live, peak, live_peak;
  GArray *record;     /* (nullable) of SfSpan */
  guint moment;       /* of the record: how often something was given out or back */
  GArray *plan;       /* (nullable) of SfSpan */
  gsize plan_base;    /* what it is laid on */
  guint next;         /* of the plan */
  gboolean followed;
};

/* What the system would give without moving others to disk. */
static gsize
free_memory (void)
{
  g_autofree char *text = NULL;
  const char *line;
  unsigned long kib;

  if (g_file_get_contents ("/proc/meminfo", &text, NULL, NULL) && (line = strstr (text, "MemAvailable:")) != NULL &&
      sscanf (line, "MemAvailable: %lu kB", &kib) == 1)
    return (gsize) kib << 10;
  return (gsize) sysconf (_SC_PHYS_PAGES) * (gsize) sysconf (_SC_PAGESIZE) / 2;
}

/* Addresses cost nothing until they are written to, but there may be a limit on them (ulimit -v).  Then as many are left to
 * others as are taken. */
static void
reserve (SfArena *self)
{
  for (gsize spare = 0; self->budget >= ALIGN; self->budget /= 2, spare = self->budget)
    {
      guint8 *map;

      self->map_size = self->budget + HUGE_PAGE;
      map = mmap (NULL, self->map_size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (map == MAP_FAILED)
        continue;
      if (spare > 0)
        munmap (map + self->map_size, spare);
      self->map = map;
      self->base = ((gsize) map + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
      madvise (GSIZE_TO_POINTER (self->base), self->budget, MADV_HUGEPAGE);
      return;
    }
  self->budget = 0;
}

SfArena *
sf_arena_new (gsize budget, gboolean dry)
{
  SfArena *self = g_new0 (SfArena, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->mutex);
  self->blocks = g_hash_table_new (NULL, NULL);
  self->budget = budget > 0 ? budget : free_memory () / 4 * 3;
  self->base = DRY_BASE;
  if (!dry)
    reserve (self);
  return self;
}

SfArena *
sf_arena_ref (SfArena *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
sf_arena_unref (SfArena *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  while (self->first != NULL)
    {
      Block *next = self->first->next;

      g_free (self->first);
      self->first = next;
    }
  if (self->map != NULL)
    munmap (self->map, self->map_size);
  g_hash_table_unref (self->blocks);
  g_clear_pointer (&self->record, g_array_unref);
  g_clear_pointer (&self->plan, g_array_unref);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/*** The record ***/

static void
record_alloc (SfArena *self, Block *block)
{
  SfSpan span = { .size = block->size, .birth = self->moment, .death = G_MAXUINT };

  block->span = 0;
  if (self->record == NULL)
    return;
  g_array_append_val (self->record, span);
  block->span = self->record->len;
  self->moment++;
}

static void
record_free (SfArena *self, const Block *block)
{
  if (block->span > 0)
    g_array_index (self->record, SfSpan, block->span - 1).death = self->moment++;
}

/*** Blocks ***/

static Block *
insert_after (SfArena *self, Block *previous, gsize begin, gsize size)
{
  Block *block = g_new (Block, 1);

  *block = (Block) { .previous = previous, .next = previous != NULL ? previous->next : self->first, .begin = begin, .size = size };
  *(previous != NULL ? &previous->next : &self->first) = block;
  *(block->next != NULL ? &block->next->previous : &self->last) = block;
  return block;
}

static void
remove_block (SfArena *self, Block *block)
{
  *(block->previous != NULL ? &block->previous->next : &self->first) = block->next;
  *(block->next != NULL ? &block->next->previous : &self->last) = block->previous;
  g_free (block);
}

/* Nothing is given out from here on. */
static gsize
get_end (const SfArena *self)
{
  return self->last != NULL ? self->last->begin + self->last->size : 0;
}

/* (nullable): a block of @size bytes at the end. */
static Block *
extend (SfArena *self, gsize size)
{
  gsize end = get_end (self);

  return size <= self->budget - end ? insert_after (self, self->last, end, size) : NULL;
}

/* Cuts @block down to @size bytes from @offset on. */
static Block *
cut (SfArena *self, Block *block, gsize offset, gsize size)
{
  if (offset + size < block->size)
    insert_after (self, block, block->begin + offset + size, block->size - offset - size);
  block->size = size;
  if (offset > 0)
    {
      insert_after (self, block->previous, block->begin, offset);
      block->begin += offset;
    }
  return block;
}

static Block *
take_best (SfArena *self, gsize size)
{
  Block *best = NULL;

  for (Block *block = self->first; block != NULL; block = block->next)
    if (!block->used && block->size >= size && (best == NULL || block->size < best->size))
      best = block;
  return best != NULL ? cut (self, best, 0, size) : extend (self, size);
}

/* (nullable): where the plan wants it, if that is free. */
static Block *
take_planned (SfArena *self, const SfSpan *span, gsize size)
{
  gsize begin = self->plan_base + span->begin, end = get_end (self);

  if (span->size != size || size > self->budget || begin > self->budget - size)
    return NULL;
  if (begin > end)
    extend (self, begin - end)->used = FALSE;
  if (begin >= end)
    return extend (self, size);
  for (Block *block = self->first; block != NULL && block->begin <= begin; block = block->next)
    if (!block->used && begin + size <= block->begin + block->size)
      return cut (self, block, begin - block->begin, size);
  return NULL;
}

/* (nullable): a block of @size bytes. */
static Block *
take (SfArena *self, gsize size)
{
  if (self->plan != NULL && self->next < self->plan->len)
    {
      Block *block = take_planned (self, &g_array_index (self->plan, SfSpan, self->next++), size);

      if (block != NULL)
        return block;
      self->followed = FALSE;
      g_clear_pointer (&self->plan, g_array_unref);
    }
  return take_best (self, size);
}

/* Joins @block to free neighbours; what is free at the end is no block. */
static void
release (SfArena *self, Block *block)
{
  Block *previous = block->previous, *next = block->next;

  block->used = FALSE;
  if (next != NULL && !next->used)
    {
      block->size += next->size;
      remove_block (self, next);
    }
  if (previous != NULL && !previous->used)
    {
      previous->size += block->size;
      remove_block (self, block);
      block = previous;
    }
  if (block->next == NULL)
    remove_block (self, block);
}

static void
set_error (const SfArena *self, double needed, GError **error)
{
  g_autofree char *text = g_format_size (MIN (needed, 9e18)), *budget = g_format_size (self->budget);

  g_set_error (error, SF_ERROR, SF_ERROR_MEMORY,
               _ ("Not enough memory: at least %s is needed and %s can be used. Work on a smaller area or close other pictures."), text, budget);
}

gpointer
sf_arena_alloc (SfArena *self, gsize size, GError **error)
{
  gpointer memory = NULL;
  Block *block;

  size = size <= G_MAXSIZE / 2 ? (MAX (size, 1) + ALIGN - 1) & ~(gsize) (ALIGN - 1) : size;
  g_mutex_lock (&self->mutex);
  block = take (self, size);
  if (block != NULL)
    {
      block->used = TRUE;
      record_alloc (self, block);
      self->live += size;
      self->live_peak = MAX (self->live_peak, self->live);
      self->peak = MAX (self->peak, block->begin + size);
      memory = GSIZE_TO_POINTER (self->base + block->begin);
      g_hash_table_insert (self->blocks, memory, block);
    }
  else
    set_error (self, (double) get_end (self) + (double) size, error);
  g_mutex_unlock (&self->mutex);
  return memory;
}

void
sf_arena_free (SfArena *self, gpointer memory)
{
  Block *block;

  g_mutex_lock (&self->mutex);
  block = g_hash_table_lookup (self->blocks, memory);
  g_assert (block != NULL);
  g_hash_table_remove (self->blocks, memory);
  self->live -= block->size;
  record_free (self, block);
  release (self, block);
  g_mutex_unlock (&self->mutex);
}

gsize
sf_arena_get_live (const SfArena *self)
{
  return self->live;
}

gsize
sf_arena_get_peak (const SfArena *self)
{
  return self->peak;
}

gsize
sf_arena_get_live_peak (const SfArena *self)
{
  return self->live_peak;
}

/*** Plans ***/

void
sf_arena_record (SfArena *self)
{
  g_assert (self->record == NULL);
  self->record = g_array_new (FALSE, FALSE, sizeof (SfSpan));
}

GArray *
sf_arena_make_plan (const SfArena *self)
{
  GArray *plan = g_array_copy (self->record);

  sf_memory_plan ((SfSpan *) (gpointer) plan->data, plan->len);
  return plan;
}

gboolean
sf_arena_follow (SfArena *self, GArray *plan, GError **error)
{
  gsize needed = 0;

  g_mutex_lock (&self->mutex);
  g_clear_pointer (&self->plan, g_array_unref);
  if (plan != NULL)
    {
      self->plan = g_array_ref (plan);
      self->plan_base = get_end (self);
      self->next = 0;
      self->followed = TRUE;
      for (guint i = 0; i < plan->len; i++)
        needed = MAX (needed, self->plan_base + g_array_index (plan, SfSpan, i).begin + g_array_index (plan, SfSpan, i).size);
    }
  if (needed > self->budget)
    set_error (self, needed, error);
  g_mutex_unlock (&self->mutex);
  return needed <= self->budget;
}

gboolean
sf_arena_has_followed (const SfArena *self)
{
  return self->followed;
}
