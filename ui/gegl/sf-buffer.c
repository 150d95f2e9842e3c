/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats without a space mean sRGB, which is what models are made for; formats with the space of a buffer give its stored
 * numbers.
 *
 * babl knows several ways to convert, takes the one that it measures to be the fastest, and measures again now and then.
 * They differ in the last bit of a float, and then another process makes other pixels of the same seed.  So integers
 * become floats here, and sf-encoding.c turns what it understands into R'G'B'; babl is left with the rest, and with what is
 * the same number in each of its ways.
 *
 * Whatever may be as large as a picture is done in strips of some rows, so that a picture is never in memory twice.
 */
#include "sf-buffer.h"

#include <string.h>

#include "sf-encoding.h"

#define STRIP_PIXELS (1 << 18)

static GeglRectangle
to_gegl (const SfRect *rect)
{
  return (GeglRectangle) { rect->x, rect->y, rect->width, rect->height };
}

static int
strip_rows (int width)
{
  return MAX (STRIP_PIXELS / width, 1);
}

/*** Strips ***/

/* Some pixels of a buffer as it stores them, and the same numbers as floats. */
typedef struct
{
  const Babl *stored, *exact;
  int n; /* components */
  SfEncoding encoding;
  gboolean encoded; /* as encoding says, else babl knows */
  guint8 *raw;
  float *numbers;
} Strip;

static void
strip_clear (Strip *self)
{
  g_free (self->raw);
  g_free (self->numbers);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Strip, strip_clear)

/* Room for @n_pixels of @buffer, which is some MB at most. */
static void
strip_init (Strip *self, GeglBuffer *buffer, gsize n_pixels)
{
  const Babl *stored = gegl_buffer_get_format (buffer), *model = babl_format_get_model (stored);
  g_autofree char *name = g_strconcat (babl_get_name (model), " float", NULL);

  self->stored = stored;
  self->exact = babl_format_with_space (name, babl_format_get_space (stored));
  self->n = babl_format_get_n_components (stored);
  self->encoded = sf_encoding_init (&self->encoding, stored);
  self->raw = g_malloc_n (n_pixels, babl_format_get_bytes_per_pixel (stored));
  self->numbers = g_new (float, n_pixels * self->n);
}

static void
strip_to_floats (Strip *self, gsize n_pixels)
{
  const Babl *type = babl_format_get_type (self->stored, 0);
  gsize n = n_pixels * self->n;

  if (type == babl_type ("u8"))
    for (gsize i = 0; i < n; i++)
      self->numbers[i] = (float) (self->raw[i] / 255.0);
  else if (type == babl_type ("u16"))
    for (gsize i = 0; i < n; i++)
      self->numbers[i] = (float) (((const guint16 *) (gpointer) self->raw)[i] / 65535.0);
  else
    babl_process (babl_fish (self->stored, self->exact), self->raw, self->numbers, (long) n_pixels);
}

static double
to_unit (float x)
{
  return x > 0 ? MIN (x, 1) : 0; /* NaN is 0 */
}

static void
strip_to_stored (Strip *self, gsize n_pixels)
{
  const Babl *type = babl_format_get_type (self->stored, 0);
  gsize n = n_pixels * self->n;

  if (type == babl_type ("u8"))
    for (gsize i = 0; i < n; i++)
      self->raw[i] = (guint8) (to_unit (self->numbers[i]) * 255 + 0.5);
  else if (type == babl_type ("u16"))
    for (gsize i = 0; i < n; i++)
      ((guint16 *) (gpointer) self->raw)[i] = (guint16) (to_unit (self->numbers[i]) * 65535 + 0.5);
  else
    babl_process (babl_fish (self->exact, self->stored), self->numbers, self->raw, (long) n_pixels);
}

/* The @numbers of the buffer in @format, and back. */
static void
strip_decode (const Strip *self, const float *numbers, const Babl *format, float *out, gsize n_pixels)
{
  if (self->encoded && format == babl_format ("R'G'B'A float"))
    sf_encoding_decode (&self->encoding, numbers, out, n_pixels);
  else
    babl_process (babl_fish (self->exact, format), numbers, out, (long) n_pixels);
}

static void
strip_encode (Strip *self, const Babl *format, const float *in, gsize n_pixels)
{
  if (self->encoded && format == babl_format ("R'G'B'A float"))
    sf_encoding_encode (&self->encoding, in, self->numbers, n_pixels);
  else
    babl_process (babl_fish (format, self->exact), in, self->numbers, (long) n_pixels);
  strip_to_stored (self, n_pixels);
}

/* @out: @rect of @buffer in @format, which has @n floats; 0 outside of the buffer */
static void
strip_read (Strip *self, GeglBuffer *buffer, const GeglRectangle *rect, const Babl *format, int n, float *out)
{
  GeglRectangle inside;

  memset (out, 0, (gsize) rect->width * rect->height * n * sizeof (float));
  if (!gegl_rectangle_intersect (&inside, rect, gegl_buffer_get_extent (buffer)))
    return;
  gegl_buffer_get (buffer, &inside, 1.0, self->stored, self->raw, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  strip_to_floats (self, (gsize) inside.width * inside.height);
  for (int y = 0; y < inside.height; y++)
    strip_decode (self, self->numbers + (gsize) y * inside.width * self->n, format,
                  out + ((gsize) (y + inside.y - rect->y) * rect->width + inside.x - rect->x) * n, inside.width);
}

/* All of @in, which has @n floats in @format, at the corner of @target. */
static void
write_strips (GeglBuffer *target, const SfRect *rect, const Babl *format, int n, const float *in)
{
  int rows = MIN (strip_rows (rect->width), rect->height);
  g_auto (Strip) strip = { NULL };

  strip_init (&strip, target, (gsize) rect->width * rows);
  for (int y = 0; y < rect->height; y += rows)
    {
      GeglRectangle part = { 0, y, rect->width, MIN (rows, rect->height - y) };

      strip_encode (&strip, format, in + (gsize) y * rect->width * n, (gsize) part.width * part.height);
      gegl_buffer_set (target, &part, 0, strip.stored, strip.raw, GEGL_AUTO_ROWSTRIDE);
    }
}

/*** Pixels ***/

float *
sf_buffer_read_rgba (GeglBuffer *buffer, const SfRect *rect, GError **error)
{
  int rows = MIN (strip_rows (rect->width), rect->height);
  g_auto (Strip) strip = { NULL };
  float *rgba = sf_try_alloc ((gsize) rect->width * rect->height, 4 * sizeof (float), error);

  if (rgba == NULL)
    return NULL;
  strip_init (&strip, buffer, (gsize) rect->width * rows);
  for (int y = 0; y < rect->height; y += rows)
    {
      GeglRectangle part = { rect->x, rect->y + y, rect->width, MIN (rows, rect->height - y) };

      strip_read (&strip, buffer, &part, babl_format ("R'G'B'A float"), 4, rgba + (gsize) y * rect->width * 4);
    }
  return rgba;
}

/*** Masks ***/

/* Luminance and alpha as the buffer stores them: asking for the other transfer curve would bend the numbers. */
static const Babl *
coverage_format (GeglBuffer *buffer)
{
  const Babl *format = gegl_buffer_get_format (buffer);
  gboolean linear = babl_get_model_flags (babl_format_get_model (format)) & BABL_MODEL_FLAG_LINEAR;

  return babl_format_with_space (linear ? "YA float" : "Y'A float", babl_format_get_space (format));
}

/* @coverage: of @rect; @pairs: twice as many */
static void
read_coverage_strip (Strip *strip, GeglBuffer *buffer, const GeglRectangle *rect, float *pairs, float *coverage)
{
  gsize n = (gsize) rect->width * rect->height;

  strip_read (strip, buffer, rect, coverage_format (buffer), 2, pairs);
  for (gsize i = 0; i < n; i++)
    coverage[i] = (float) to_unit (pairs[2 * i] * pairs[2 * i + 1]);
}

float *
sf_buffer_read_coverage (GeglBuffer *buffer, const SfRect *rect, GError **error)
{
  int rows = MIN (strip_rows (rect->width), rect->height);
  g_auto (Strip) strip = { NULL };
  g_autofree float *pairs = g_new (float, (gsize) rect->width *rows * 2);
  float *coverage = sf_try_alloc ((gsize) rect->width * rect->height, sizeof (float), error);

  if (coverage == NULL)
    return NULL;
  strip_init (&strip, buffer, (gsize) rect->width * rows);
  for (int y = 0; y < rect->height; y += rows)
    {
      GeglRectangle part = { rect->x, rect->y + y, rect->width, MIN (rows, rect->height - y) };

      read_coverage_strip (&strip, buffer, &part, pairs, coverage + (gsize) y * rect->width);
    }
  return coverage;
}

gboolean
sf_buffer_find_coverage (GeglBuffer *buffer, SfRect *bounds)
{
  const GeglRectangle *all = gegl_buffer_get_extent (buffer);
  int rows = strip_rows (all->width), left = G_MAXINT, right = -1, top = G_MAXINT, bottom = -1;
  g_auto (Strip) strip = { NULL };
  g_autofree float *pairs = g_new (float, (gsize) all->width *rows * 2);
  g_autofree float *coverage = g_new (float, (gsize) all->width *rows);

  strip_init (&strip, buffer, (gsize) all->width * rows);
  for (int y = 0; y < all->height; y += rows)
    {
      GeglRectangle part = { all->x, all->y + y, all->width, MIN (rows, all->height - y) };
      gsize n = (gsize) part.width * part.height;

      read_coverage_strip (&strip, buffer, &part, pairs, coverage);
      for (gsize i = 0; i < n; i++)
        if (coverage[i] > 0)
          {
            int column = (int) (i % all->width), row = y + (int) (i / all->width);

            left = MIN (left, column);
            right = MAX (right, column);
            top = MIN (top, row);
            bottom = MAX (bottom, row);
          }
    }
  *bounds = (SfRect) { all->x + left, all->y + top, right - left + 1, bottom - top + 1 };
  return right >= 0;
}

/*** Results ***/

/* The rows [@y, @y + @h) of @result as a result of their own; borrows everything. */
static SfResult
result_rows (const SfResult *result, int y, int h, SfTensor *rgba, SfTensor *mask)
{
  SfResult part = *result;

  *rgba = (SfTensor) { 1, h, result->rect.width, 4, result->rgba->data + (gsize) y * result->rect.width * 4 };
  *mask = (SfTensor) { 1, h, result->rect.width, 1, result->mask->data + (gsize) y * result->rect.width };
  part.rect.y += y;
  part.rect.height = h;
  part.rgba = rgba;
  part.mask = mask;
  return part;
}

/* @rgba: room for the pixels of @part; @kept: likewise, as they are stored */
static void
blend_strip (Strip *strip, GeglBuffer *original, GeglBuffer *target, const SfResult *part, float *rgba, guint8 *kept)
{
  GeglRectangle rect = to_gegl (&part->rect);
  gsize n = (gsize) rect.width * rect.height, size = babl_format_get_bytes_per_pixel (strip->stored);
  const Babl *rgba_format = babl_format ("R'G'B'A float");

  gegl_buffer_get (original, &rect, 1.0, strip->stored, kept, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  strip_read (strip, original, &rect, rgba_format, 4, rgba);
  sf_result_blend (part, rgba);
  strip_encode (strip, rgba_format, rgba, n);
  for (gsize i = 0; i < n; i++)
    if (part->mask->data[i] > 0)
      memcpy (kept + i * size, strip->raw + i * size, size);
  gegl_buffer_set (target, &rect, 0, strip->stored, kept, GEGL_AUTO_ROWSTRIDE);
}

gboolean
sf_buffer_blend (GeglBuffer *original, GeglBuffer *target, const SfResult *result, GError **error)
{
  const SfRect *rect = &result->rect;
  int rows = MIN (strip_rows (rect->width), rect->height);
  gsize n = (gsize) rows * rect->width;
  g_auto (Strip) strip = { NULL };
  g_autofree guint8 *kept = sf_try_alloc (n, babl_format_get_bytes_per_pixel (gegl_buffer_get_format (original)), error);
  g_autofree float *rgba = sf_try_alloc (n, 4 * sizeof (float), error);

  if (kept == NULL || rgba == NULL)
    return FALSE;
  strip_init (&strip, original, n);
  for (int y = 0; y < rect->height; y += rows)
    {
      SfTensor part_rgba, part_mask;
      SfResult part = result_rows (result, y, MIN (rows, rect->height - y), &part_rgba, &part_mask);

      blend_strip (&strip, original, target, &part, rgba, kept);
    }
  return TRUE;
}

void
sf_buffer_write_rgba (GeglBuffer *target, const SfResult *result)
{
  write_strips (target, &result->rect, babl_format ("R'G'B'A float"), 4, result->rgba->data);
}

void
sf_buffer_write_mask (GeglBuffer *target, const SfResult *result)
{
  write_strips (target, &result->rect, babl_format ("Y float"), 1, result->mask->data);
}
