/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-png.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sf-io.h"

#define SIGNATURE 8
#define OVERHEAD 12                      /* of a chunk: length, name, check sum */
#define HEADER_END (SIGNATURE + OVERHEAD + 13) /* the first chunk is IHDR and has 13 bytes */

typedef struct
{
  const guint8 *start; /* its length field */
  const char *name;    /* four letters, no NUL */
  const guint8 *data;
  gsize length;
} Chunk;

static guint32
read_be32 (const guint8 *p)
{
  return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

static void
append_be32 (GByteArray *bytes, guint32 value)
{
  guint32 big = GUINT32_TO_BE (value);

  g_byte_array_append (bytes, (const guint8 *) &big, 4);
}

/* The chunk at @at, which moves on; %FALSE at the end or where the file is cut off. */
static gboolean
next_chunk (const guint8 *bytes, gsize n, gsize *at, Chunk *chunk)
{
  if (n < OVERHEAD || *at > n - OVERHEAD || read_be32 (bytes + *at) > n - *at - OVERHEAD)
    return FALSE;
  *chunk = (Chunk) { bytes + *at, (const char *) bytes + *at + 4, bytes + *at + 8, read_be32 (bytes + *at) };
  *at += OVERHEAD + chunk->length;
  return TRUE;
}

static gboolean
is_named (const Chunk *chunk, const char *name)
{
  return memcmp (chunk->name, name, 4) == 0;
}

gboolean
sf_png_is_whole (const guint8 *bytes, gsize n)
{
  gsize at = SIGNATURE;
  Chunk chunk;

  while (next_chunk (bytes, n, &at, &chunk))
    if (is_named (&chunk, "IEND"))
      return TRUE;
  return FALSE;
}

/* The key stands at the beginning of the data, ended by a NUL. */
static gboolean
has_key (const Chunk *chunk, const char *prefix)
{
  return chunk->length >= strlen (prefix) && memcmp (chunk->data, prefix, strlen (prefix)) == 0;
}

static gboolean
is_kept (const Chunk *chunk, const char *key)
{
  if (!is_named (chunk, "tEXt") && !is_named (chunk, "zTXt") && !is_named (chunk, "iTXt"))
    return FALSE;
  return !has_key (chunk, key) && !has_key (chunk, "XML:com.adobe.xmp") && !has_key (chunk, "Description") &&
         !has_key (chunk, "Raw profile type");
}

/* The polynomial of ISO 3309, bit by bit: texts are short. */
static guint32
checksum (const guint8 *bytes, gsize n)
{
  guint32 crc = 0xFFFFFFFF;

  for (gsize i = 0; i < n; i++)
    {
      crc ^= bytes[i];
      for (int bit = 0; bit < 8; bit++)
        crc = crc & 1 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
    }
  return ~crc;
}

/* iTXt: key, NUL, not compressed (two zeros), no language (NUL), no translated key (NUL), text in UTF-8. */
static void
append_text (GByteArray *bytes, const char *key, const char *text)
{
  gsize n_key = strlen (key), n_text = strlen (text);
  guint start;

  append_be32 (bytes, (guint32) (n_key + 5 + n_text));
  start = bytes->len;
  g_byte_array_append (bytes, (const guint8 *) "iTXt", 4);
  g_byte_array_append (bytes, (const guint8 *) key, (guint) n_key);
  g_byte_array_append (bytes, (const guint8 *) "\0\0\0\0\0", 5);
  g_byte_array_append (bytes, (const guint8 *) text, (guint) n_text);
  append_be32 (bytes, checksum (bytes->data + start, bytes->len - start));
}

gboolean
sf_png_add_text (int fd, const guint8 *from, gsize n_from, const char *key, const char *text, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new_from_fd (fd, FALSE, error);
  g_autoptr (GByteArray) added = g_byte_array_new ();
  g_autofree guint8 *rest = NULL;
  gsize at = SIGNATURE, n_rest;
  Chunk chunk;

  if (file == NULL)
    return FALSE;
  while (from != NULL && next_chunk (from, n_from, &at, &chunk))
    if (is_kept (&chunk, key))
      g_byte_array_append (added, chunk.start, (guint) (chunk.length + OVERHEAD));
  append_text (added, key, text);
  n_rest = g_mapped_file_get_length (file) - HEADER_END;
  rest = g_memdup2 (g_mapped_file_get_contents (file) + HEADER_END, n_rest);
  if (lseek (fd, HEADER_END, SEEK_SET) < 0 || !sf_io_write (fd, added->data, added->len) || !sf_io_write (fd, rest, n_rest))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "PNG: %s", g_strerror (errno));
      return FALSE;
    }
  return TRUE;
}
