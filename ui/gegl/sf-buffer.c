/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All conversion is babl's.  Formats without a space mean sRGB, which is what models are made for; formats with the
 * space of a buffer give its stored numbers.
 *
 * Whatever may be as large as a picture is done in strips of some rows, so that a picture is never in memory twice.
 */
#include "sf-buffer.h"

#include <string.h>

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

float *
sf_buffer_read_rgba (GeglBuffer *buffer, const SfRect *rect, GError **error)
{
  GeglRectangle from = to_gegl (rect);
  float *rgba = sf_try_alloc ((gsize) rect->width * rect->height, 4 * sizeof (float), error);

  if (rgba != NULL)
    gegl_buffer_get (buffer, &from, 1.0, babl_format ("R'G'B'A float"), rgba, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
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

/* @coverage: (array length=strip height*width); @pairs: twice as many */
static void
read_strip (GeglBuffer *buffer, const GeglRectangle *strip, float *pairs, float *coverage)
{
  gsize n = (gsize) strip->width * strip->height;

  gegl_buffer_get (buffer, strip, 1.0, coverage_format (buffer), pairs, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  for (gsize i = 0; i < n; i++)
    {
      float v = pairs[2 * i] * pairs[2 * i + 1];

      coverage[i] = v > 0 ? MIN (v, 1) : 0; /* NaN is 0 */
    }
}

float *
sf_buffer_read_coverage (GeglBuffer *buffer, const SfRect *rect, GError **error)
{
  int rows = strip_rows (rect->width);
  g_autofree float *pairs = sf_try_alloc ((gsize) rect->width * rows, 2 * sizeof (float), error);
  float *coverage = pairs != NULL ? sf_try_alloc ((gsize) rect->width * rect->height, sizeof (float), error) : NULL;

  if (coverage != NULL)
    for (int y = 0; y < rect->height; y += rows)
      {
        GeglRectangle strip = { rect->x, rect->y + y, rect->width, MIN (rows, rect->height - y) };

        read_strip (buffer, &strip, pairs, coverage + (gsize) y * rect->width);
      }
  return coverage;
}

gboolean
sf_buffer_find_coverage (GeglBuffer *buffer, SfRect *bounds)
{
  const GeglRectangle *all = gegl_buffer_get_extent (buffer);
  int rows = strip_rows (all->width), left = G_MAXINT, right = -1, top = G_MAXINT, bottom = -1;
  g_autofree float *pairs = g_new (float, (gsize) all->width *rows * 2);
  g_autofree float *coverage = g_new (float, (gsize) all->width *rows);

  for (int y = 0; y < all->height; y += rows)
    {
      GeglRectangle strip = { all->x, all->y + y, all->width, MIN (rows, all->height - y) };
      gsize n = (gsize) strip.width * strip.height;

      read_strip (buffer, &strip, pairs, coverage);
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

/* What one strip needs: the pixels as they are stored, before and after, and as floats. */
typedef struct
{
  const Babl *format;
  guint8 *kept, *mixed;
  float *rgba;
} Strip;

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

static void
blend_strip (GeglBuffer *original, GeglBuffer *target, const SfResult *part, const Strip *s)
{
  GeglRectangle rect = to_gegl (&part->rect);
  gsize n = (gsize) rect.width * rect.height, size = babl_format_get_bytes_per_pixel (s->format);
  const Babl *rgba_format = babl_format ("R'G'B'A float");

  gegl_buffer_get (original, &rect, 1.0, s->format, s->kept, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  gegl_buffer_get (original, &rect, 1.0, rgba_format, s->rgba, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  sf_result_blend (part, s->rgba);
  babl_process (babl_fish (rgba_format, s->format), s->rgba, s->mixed, (long) n);
  for (gsize i = 0; i < n; i++)
    if (part->mask->data[i] > 0)
      memcpy (s->kept + i * size, s->mixed + i * size, size);
  gegl_buffer_set (target, &rect, 0, s->format, s->kept, GEGL_AUTO_ROWSTRIDE);
}

gboolean
sf_buffer_blend (GeglBuffer *original, GeglBuffer *target, const SfResult *result, GError **error)
{
  const SfRect *rect = &result->rect;
  const Babl *format = gegl_buffer_get_format (original);
  gsize size = babl_format_get_bytes_per_pixel (format);
  int rows = MIN (strip_rows (rect->width), rect->height);
  gsize n = (gsize) rows * rect->width;
  g_autofree guint8 *kept = sf_try_alloc (n, size, error);
  g_autofree guint8 *mixed = kept != NULL ? sf_try_alloc (n, size, error) : NULL;
  g_autofree float *rgba = mixed != NULL ? sf_try_alloc (n, 4 * sizeof (float), error) : NULL;
  Strip strip = { format, kept, mixed, rgba };

  if (rgba == NULL)
    return FALSE;
  for (int y = 0; y < rect->height; y += rows)
    {
      SfTensor part_rgba, part_mask;
      SfResult part = result_rows (result, y, MIN (rows, rect->height - y), &part_rgba, &part_mask);

      blend_strip (original, target, &part, &strip);
    }
  return TRUE;
}

void
sf_buffer_write_rgba (GeglBuffer *target, const SfResult *result)
{
  GeglRectangle rect = { 0, 0, result->rect.width, result->rect.height };

  gegl_buffer_set (target, &rect, 0, babl_format ("R'G'B'A float"), result->rgba->data, GEGL_AUTO_ROWSTRIDE);
}

void
sf_buffer_write_mask (GeglBuffer *target, const SfResult *result)
{
  GeglRectangle rect = { 0, 0, result->rect.width, result->rect.height };

  gegl_buffer_set (target, &rect, 0, babl_format ("Y float"), result->mask->data, GEGL_AUTO_ROWSTRIDE);
}
