/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-error.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>

G_DEFINE_QUARK (sf-error, sf_error)

gpointer
sf_try_alloc (gsize count, gsize size, GError **error)
{
  gpointer memory = g_try_malloc0_n (MAX (count, 1), size);

  if (memory == NULL && (error == NULL || *error == NULL))
    {
      g_autofree char *wanted = g_format_size ((guint64) (MIN ((double) count * (double) size, 9e18)));
      g_set_error (error, SF_ERROR, SF_ERROR_MEMORY,
                   _ ("Not enough memory: %s more is needed. Work on a smaller area or close other pictures."), wanted);
    }
  return memory;
}
