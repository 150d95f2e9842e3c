/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-format.h"

#include <string.h>

#include "sf-config.h"

#define QUALITY 95 /* of lossy formats: what is not regenerated is encoded again, too */

static gboolean
starts_with (const guint8 *bytes, gsize n, const char *magic, gsize length)
{
  return n >= length && memcmp (bytes, magic, length) == 0;
}

static guint32
read_be32 (const guint8 *p)
{
  return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

static gboolean
is_8_bit (const Babl *format)
{
  return babl_format_get_type (format, 0) == babl_type ("u8");
}

/*** PNG: signature, then chunks of {length, name, data, check sum} up to IEND ***/

static gboolean
png_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "\x89PNG\r\n\x1a\n", 8);
}

static gboolean
png_is_whole (const guint8 *bytes, gsize n)
{
  gsize at = 8;

  while (at + 12 <= n)
    {
      gsize length = read_be32 (bytes + at);

      if (length > n - at - 12)
        return FALSE;
      if (memcmp (bytes + at + 4, "IEND", 4) == 0)
        return TRUE;
      at += 12 + length;
    }
  return FALSE;
}

static void
png_configure (GeglNode *save, const Babl *format)
{
  gegl_node_set (save, "bitdepth", is_8_bit (format) ? 8 : 16, NULL);
}

/*** JPEG: segments of {0xFF, marker, length, data}; after SOS the coded picture up to EOI ***/

enum
{
  JPEG_EOI = 0xD9,
  JPEG_SOS = 0xDA,
};

static gboolean
jpeg_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "\xff\xd8\xff", 3);
}

static gboolean
jpeg_is_whole (const guint8 *bytes, gsize n)
{
  gsize at = 2;

  while (at + 4 <= n)
    {
      guint8 marker = bytes[at + 1];
      gsize length = (gsize) bytes[at + 2] << 8 | bytes[at + 3];

      if (bytes[at] != 0xFF || marker == JPEG_EOI || length < 2)
        return FALSE;
      if (marker == 0xFF) /* padding */
        {
          at++;
          continue;
        }
      at += 2 + length;
      if (marker == JPEG_SOS)
        {
          /* An end marker cannot be part of the coded picture: there a zero follows each 0xFF. */
          for (; at + 2 <= n; at++)
            if (bytes[at] == 0xFF && bytes[at + 1] == JPEG_EOI)
              return TRUE;
          return FALSE;
        }
    }
  return FALSE;
}

static void
jpeg_configure (GeglNode *save, const Babl *format)
{
  gegl_node_set (save, "quality", QUALITY, "grayscale", babl_format_get_n_components (format) <= 2, NULL);
}

/*** The others, whose loaders notice a missing end themselves ***/

static gboolean
tiff_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "II*\0", 4) || starts_with (bytes, n, "MM\0*", 4) || starts_with (bytes, n, "II+\0", 4) ||
         starts_with (bytes, n, "MM\0+", 4);
}

static gboolean
webp_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "RIFF", 4) && n >= 12 && memcmp (bytes + 8, "WEBP", 4) == 0;
}

static gboolean
webp_is_whole (const guint8 *bytes, gsize n)
{
  gsize length = (gsize) bytes[4] | (gsize) bytes[5] << 8 | (gsize) bytes[6] << 16 | (gsize) bytes[7] << 24;

  return n >= length + 8;
}

static void
webp_configure (GeglNode *save, const Babl *format)
{
  gegl_node_set (save, "quality", QUALITY, NULL);
}

static gboolean
exr_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "\x76\x2f\x31\x01", 4);
}

static gboolean
hdr_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "#?R", 3);
}

static gboolean
gif_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "GIF8", 4);
}

static gboolean
ppm_probe (const guint8 *bytes, gsize n)
{
  return n >= 3 && bytes[0] == 'P' && bytes[1] != 0 && strchr ("2356", bytes[1]) != NULL && g_ascii_isspace (bytes[2]);
}

static void
ppm_configure (GeglNode *save, const Babl *format)
{
  gegl_node_set (save, "bitdepth", is_8_bit (format) ? 8 : 16, NULL);
}

#define EXTENSIONS(...) (const char *const[]) { __VA_ARGS__, NULL }

static const SfFormat formats[] = {
  { "PNG", EXTENSIONS ("png"), "gegl:png-load", "gegl:png-save", .alpha = TRUE, .metadata = TRUE, .text = TRUE,
    .probe = png_probe, .is_whole = png_is_whole, .configure = png_configure },
  { "JPEG", EXTENSIONS ("jpg", "jpeg"), "gegl:jpg-load", "gegl:jpg-save", .metadata = TRUE,
    .probe = jpeg_probe, .is_whole = jpeg_is_whole, .configure = jpeg_configure },
  { "TIFF", EXTENSIONS ("tif", "tiff"), "gegl:tiff-load", "gegl:tiff-save", .alpha = TRUE, .metadata = TRUE, .probe = tiff_probe },
  { "WebP", EXTENSIONS ("webp"), "gegl:webp-load", "gegl:webp-save", .alpha = TRUE, .metadata = TRUE,
    .probe = webp_probe, .is_whole = webp_is_whole, .configure = webp_configure },
  { "OpenEXR", EXTENSIONS ("exr"), "gegl:exr-load", "gegl:exr-save", .alpha = TRUE, .probe = exr_probe },
  { "Radiance HDR", EXTENSIONS ("hdr"), "gegl:rgbe-load", "gegl:rgbe-save", .probe = hdr_probe },
  { "Portable pixmap", EXTENSIONS ("ppm", "pgm", "pnm"), "gegl:ppm-load", "gegl:ppm-save", .probe = ppm_probe,
    .configure = ppm_configure },
  { "GIF", EXTENSIONS ("gif"), "gegl:gif-load", NULL, .probe = gif_probe },
};

const SfFormat *
sf_format_probe (const guint8 *bytes, gsize n)
{
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i].probe (bytes, n))
      return &formats[i];
  return NULL;
}

const SfFormat *
sf_format_from_name (const char *name)
{
  const char *dot = strrchr (name, '.');

  for (gsize i = 0; dot != NULL && i < G_N_ELEMENTS (formats); i++)
    for (const char *const *e = formats[i].extensions; *e != NULL; e++)
      if (formats[i].save != NULL && g_ascii_strcasecmp (dot + 1, *e) == 0)
        return &formats[i];
  return NULL;
}

char *
sf_format_list_extensions (void)
{
  GString *list = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i].save != NULL)
      g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", formats[i].extensions[0]);
  return g_string_free (list, FALSE);
}
