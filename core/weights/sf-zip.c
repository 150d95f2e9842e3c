/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After PKWARE's APPNOTE.TXT 6.3.  An archive ends with
 *
 *   entries …  directory  [zip64 end of directory  its locator]  end of directory  comment
 *
 * and a field that is too small for its value is all ones; the value is then in the zip64 record.
 */
#include "weights/sf-zip.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "weights/sf-bytes.h"
#include "weights/sf-weights.h"

#define MOST_ENTRIES (1 << 18)

/* Signatures, and the sizes of the fixed parts. */
enum
{
  LOCAL = 0x04034b50,
  CENTRAL = 0x02014b50,
  END = 0x06054b50,
  END64 = 0x06064b50,
  LOCATOR64 = 0x07064b50,
  LOCAL_SIZE = 30,
  CENTRAL_SIZE = 46,
  END_SIZE = 22,
  END64_SIZE = 56,
  LOCATOR64_SIZE = 20,
};

typedef struct
{
  const guint8 *data;
  gsize size;
} Archive;

/* (nullable): the record of @n bytes at @at, if it is there and has that signature. */
static const guint8 *
record_at (const Archive *a, guint64 at, gsize n, guint32 signature)
{
  if (at > a->size || n > a->size - at || sf_bytes_number (a->data + at, 4) != signature)
    return NULL;
  return a->data + at;
}

/* (nullable): searched from the end, as a comment of up to 65535 bytes may follow. */
static const guint8 *
find_end (const Archive *a)
{
  for (gsize comment = 0; comment <= G_MAXUINT16 && comment + END_SIZE <= a->size; comment++)
    {
      const guint8 *end = record_at (a, a->size - END_SIZE - comment, END_SIZE, END);

      if (end != NULL && sf_bytes_number (end + 20, 2) == comment)
        return end;
    }
  return NULL;
}

/* Where the directory begins, and how many entries it has. */
static gboolean
find_directory (const Archive *a, guint64 *at, guint64 *n)
{
  const guint8 *end = find_end (a), *locator, *end64;

  if (end == NULL)
    return FALSE;
  *n = sf_bytes_number (end + 10, 2);
  *at = sf_bytes_number (end + 16, 4);
  if (end - a->data < LOCATOR64_SIZE)
    return TRUE;
  locator = record_at (a, (guint64) (end - a->data) - LOCATOR64_SIZE, LOCATOR64_SIZE, LOCATOR64);
  if (locator == NULL)
    return TRUE;
  end64 = record_at (a, sf_bytes_number (locator + 8, 8), END64_SIZE, END64);
  if (end64 == NULL)
    return FALSE;
  *n = sf_bytes_number (end64 + 32, 8);
  *at = sf_bytes_number (end64 + 48, 8);
  return TRUE;
}

/* Size, packed size and place of an entry that are all ones are in its zip64 field, in this order. */
static gboolean
widen (const guint8 *extra, gsize n, guint64 *values[3])
{
  while (n >= 4)
    {
      gsize id = sf_bytes_number (extra, 2), size = sf_bytes_number (extra + 2, 2);

      extra += 4;
      n -= 4;
      if (size > n)
        return FALSE;
      for (int i = 0; i < 3 && id == 1; i++)
        if (*values[i] == G_MAXUINT32)
          {
            if (size < 8)
              return FALSE;
            *values[i] = sf_bytes_number (extra, 8);
            extra += 8;
            n -= 8;
            size -= 8;
          }
      extra += size;
      n -= size;
    }
  return TRUE;
}

/* (nullable): where the @size bytes of an entry are; its own header must agree with the directory about the name. */
static const guint8 *
find_data (const Archive *a, guint64 at, const guint8 *name, gsize name_size, guint64 size)
{
  const guint8 *local = record_at (a, at, LOCAL_SIZE, LOCAL);
  guint64 begin;

  if (local == NULL || sf_bytes_number (local + 26, 2) != name_size)
    return NULL;
  begin = at + LOCAL_SIZE + name_size + sf_bytes_number (local + 28, 2);
  if (begin > a->size || size > a->size - begin || memcmp (local + LOCAL_SIZE, name, name_size) != 0)
    return NULL;
  return a->data + begin;
}

/* The entry at @at of the directory, which becomes the place of the next one. */
static gboolean
read_entry (const Archive *a, guint64 *at, GHashTable *entries, GError **error)
{
  const guint8 *central = record_at (a, *at, CENTRAL_SIZE, CENTRAL);
  guint64 size, packed, place, *values[] = { &size, &packed, &place };
  gsize name_size, extra_size, rest;
  g_autofree char *name = NULL;
  SfZipEntry entry = { 0 };
  gboolean plain;

  if (central == NULL)
    return sf_bad_file (error, _ ("the directory of the zip archive is damaged"));
  plain = (sf_bytes_number (central + 8, 2) & 1) == 0 && sf_bytes_number (central + 10, 2) == 0; /* not encrypted, method "stored" */
  packed = sf_bytes_number (central + 20, 4);
  size = sf_bytes_number (central + 24, 4);
  place = sf_bytes_number (central + 42, 4);
  name_size = sf_bytes_number (central + 28, 2);
  extra_size = sf_bytes_number (central + 30, 2);
  rest = name_size + extra_size + sf_bytes_number (central + 32, 2);
  if (rest > a->size - *at - CENTRAL_SIZE || !widen (central + CENTRAL_SIZE + name_size, extra_size, values))
    return sf_bad_file (error, _ ("the directory of the zip archive is damaged"));
  name = g_strndup ((const char *) central + CENTRAL_SIZE, name_size);
  if (plain && size == packed)
    entry = (SfZipEntry) { find_data (a, place, central + CENTRAL_SIZE, name_size, size), (gsize) size };
  if (plain && entry.data == NULL)
    return sf_bad_file (error, _ ("“%s” is not where the directory of the zip archive says"), name);
  if (strlen (name) != name_size || !g_hash_table_insert (entries, g_steal_pointer (&name), g_memdup2 (&entry, sizeof entry)))
    return sf_bad_file (error, _ ("the zip archive has two entries of the same name"));
  *at += CENTRAL_SIZE + rest;
  return TRUE;
}

GHashTable *
sf_zip_read (const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GHashTable) entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const Archive archive = { data, size };
  guint64 at, n;

  if (!find_directory (&archive, &at, &n))
    {
      sf_bad_file (error, _ ("is a zip archive without an end: it was not downloaded or copied completely"));
      return NULL;
    }
  if (n > MOST_ENTRIES)
    {
      sf_bad_file (error, _ ("is a zip archive of more than %d entries"), MOST_ENTRIES);
      return NULL;
    }
  for (guint64 i = 0; i < n; i++)
    if (!read_entry (&archive, &at, entries, error))
      return NULL;
  return g_steal_pointer (&entries);
}
