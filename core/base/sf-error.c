/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-error.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <sys/mman.h>

G_DEFINE_QUARK (sf-error, sf_error)

static void
set_error (gsize count, gsize size, GError **error)
{
  g_autofree char *wanted = NULL;

  if (error != NULL && *error != NULL)
    return;
  wanted = g_format_size ((guint64) (MIN ((double) count * (double) size, 9e18)));
  g_set_error (error, SF_ERROR, SF_ERROR_MEMORY,
               _ ("Not enough memory: %s more is needed. Work on a smaller area or close other pictures."), wanted);
}

gpointer
sf_try_alloc (gsize count, gsize size, GError **error)
{
  gpointer memory = g_try_malloc0_n (MAX (count, 1), size);

  if (memory == NULL)
    set_error (count, size, error);
  return memory;
}

#define CACHE_LINE ((gsize) 64)
#define LARGE_PAGE ((gsize) 2 << 20)

gpointer
sf_try_alloc_aligned (gsize count, gsize size, GError **error)
{
  gpointer memory = NULL;
  gsize wanted;

  if (g_size_checked_mul (&wanted, MAX (count, 1), size) && wanted <= G_MAXSIZE - LARGE_PAGE)
    {
      const gsize alignment = wanted >= LARGE_PAGE ? LARGE_PAGE : CACHE_LINE;

      wanted = (wanted + alignment - 1) / alignment * alignment;
      memory = aligned_alloc (alignment, wanted);
#ifdef MADV_HUGEPAGE
      if (memory != NULL && alignment == LARGE_PAGE)
        madvise (memory, wanted, MADV_HUGEPAGE);
#endif
    }
  if (memory == NULL)
    set_error (count, size, error);
  return memory;
}
