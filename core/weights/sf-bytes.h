/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers in files. */
#pragma once

#include <glib.h>

/* The little-endian number in the @n <= 8 bytes at @p. */
static inline guint64
sf_bytes_number (const guint8 *p, int n)
{
  guint64 number = 0;

  for (int i = n; i-- > 0;)
    number = number << 8 | p[i];
  return number;
}
