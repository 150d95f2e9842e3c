/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-format.h"

#include <string.h>

#include "sf-config.h"

#include "sf-png.h"

#define QUALITY 95 /* of lossy formats: what is not regenerated is encoded again, too */

static gboolean
starts_with (const guint8 *bytes, gsize n, const char *magic, gsize length)
{
  return n >= length && memcmp (bytes, magic, length) == 0;
}

static gboolean
is_8_bit (const Babl *format)
{
  return babl_format_get_type (format, 0) == babl_type ("u8");
}

/*** PNG ***/

static gboolean
png_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "\x89PNG\r\n\x1a\n", 8);
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

      if (bytes[at] == 0xFF && marker == 0xFF) /* padding */
        {
          at++;
          continue;
        }
      if (bytes[at] != 0xFF || marker == JPEG_EOI || length < 2)
        return FALSE;
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

/* JFIF: the first segment has the unit (1: per inch, 2: per cm) and two densities. */
static double
jpeg_density (const guint8 *bytes, gsize n)
{
  double density;

  if (n < 18 || memcmp (bytes + 2, "\xff\xe0\0\x10JFIF", 9) != 0)
    return 0;
  density = bytes[14] << 8 | bytes[15];
  if (bytes[13] == 1)
    return density / 0.0254;
  return bytes[13] == 2 ? density * 100 : 0;
}

static void
jpeg_configure (GeglNode *save, const Babl *format)
{
  gegl_node_set (save, "quality", QUALITY, "grayscale", babl_format_get_n_components (format) <= 2, NULL);
}

/*** The others ***/

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
gif_probe (const guint8 *bytes, gsize n)
{
  return starts_with (bytes, n, "GIF8", 4);
}

/* The last block is a semicolon; some writers pad behind it. */
static gboolean
gif_is_whole (const guint8 *bytes, gsize n)
{
  while (n > 0 && bytes[n - 1] == 0)
    n--;
  return n > 0 && bytes[n - 1] == ';';
}

static gboolean
ppm_probe (const guint8 *bytes, gsize n)
{
  return n >= 3 && bytes[0] == 'P' && bytes[1] != 0 && strchr ("2356", bytes[1]) != NULL && g_ascii_isspace (bytes[2]);
}

/* The next number of the header, behind white space and comments; 0 = there is none. */
static guint64
ppm_number (const guint8 *bytes, gsize n, gsize *at)
{
  guint64 value = 0;

  while (*at < n && (g_ascii_isspace (bytes[*at]) || bytes[*at] == '#'))
    if (bytes[(*at)++] == '#')
      while (*at < n && bytes[*at] != '\n')
        (*at)++;
  for (; *at < n && g_ascii_isdigit (bytes[*at]) && value < G_MAXINT; (*at)++)
    value = 10 * value + (bytes[*at] - '0');
  return value;
}

/* Width, height and maximum as text, one white space, then the pixels; P2 and P3 have those as text. */
static gboolean
ppm_is_whole (const guint8 *bytes, gsize n)
{
  gsize at = 2;
  guint64 width = ppm_number (bytes, n, &at), height = ppm_number (bytes, n, &at), max = ppm_number (bytes, n, &at);
  double samples = (double) width * (double) height * (bytes[1] == '3' || bytes[1] == '6' ? 3 : 1);

  if (samples == 0 || max == 0)
    return FALSE;
  if (bytes[1] <= '3')
    return (double) (n - at) >= 2 * samples - 1;
  return (double) (n - at) >= 1 + samples * (max > 255 ? 2 : 1);
}

static void
ppm_configure (GeglNode *save, const Babl *format)
{
  gegl_node_set (save, "bitdepth", is_8_bit (format) ? 8 : 16, NULL);
}

#define EXTENSIONS(...) \
  (const char *const[]) \
  {                     \
    __VA_ARGS__, NULL   \
  }

static const SfFormat formats[] = {
  { "PNG", EXTENSIONS ("png"), "gegl:png-load", "gegl:png-save", .alpha = TRUE, .metadata = TRUE, .text = TRUE,
    .probe = png_probe, .is_whole = sf_png_is_whole, .configure = png_configure },
  { "JPEG", EXTENSIONS ("jpg", "jpeg"), "gegl:jpg-load", "gegl:jpg-save", .metadata = TRUE,
    .probe = jpeg_probe, .is_whole = jpeg_is_whole, .density = jpeg_density, .configure = jpeg_configure },
  { "TIFF", EXTENSIONS ("tif", "tiff"), "gegl:tiff-load", "gegl:tiff-save", .alpha = TRUE, .metadata = TRUE, .probe = tiff_probe },
  { "WebP", EXTENSIONS ("webp"), "gegl:webp-load", "gegl:webp-save", .alpha = TRUE, .metadata = TRUE,
    .probe = webp_probe, .is_whole = webp_is_whole, .configure = webp_configure },
  { "OpenEXR", EXTENSIONS ("exr"), "gegl:exr-load", "gegl:exr-save", .alpha = TRUE, .probe = exr_probe },
  { "Portable pixmap", EXTENSIONS ("ppm", "pnm"), "gegl:ppm-load", "gegl:ppm-save",
    .probe = ppm_probe, .is_whole = ppm_is_whole, .configure = ppm_configure },
  { "GIF", EXTENSIONS ("gif"), "gegl:gif-load", NULL, .probe = gif_probe, .is_whole = gif_is_whole },
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
