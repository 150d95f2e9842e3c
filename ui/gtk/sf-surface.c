/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-surface.h"

static inline guint32
byte (float x)
{
  return x > 0 ? (x < 1 ? (guint32) (x * 255 + 0.5f) : 255) : 0; /* NaN gives 0 */
}

static cairo_surface_t *
surface_new (cairo_format_t format, int width, int height)
{
  cairo_surface_t *surface = cairo_image_surface_create (format, width, height);

  if (cairo_surface_status (surface) == CAIRO_STATUS_SUCCESS)
    return surface;
  cairo_surface_destroy (surface);
  return NULL;
}

/* @c channels a pixel: 3 is opaque, 4 has straight alpha. */
static cairo_surface_t *
surface_from_floats (const float *x, int width, int height, int c)
{
  cairo_surface_t *surface = surface_new (CAIRO_FORMAT_ARGB32, width, height);
  guint8 *data;
  int stride;

  if (surface == NULL)
    return NULL;
  data = cairo_image_surface_get_data (surface);
  stride = cairo_image_surface_get_stride (surface);
  for (int row = 0; row < height; row++)
    {
      guint32 *out = (guint32 *) (gpointer) (data + (gsize) row * stride);

      for (int col = 0; col < width; col++, x += c)
        {
          float a = c == 4 ? CLAMP (x[3], 0, 1) : 1;

          out[col] = byte (a) << 24 | byte (x[0] * a) << 16 | byte (x[1] * a) << 8 | byte (x[2] * a);
        }
    }
  cairo_surface_mark_dirty (surface);
  return surface;
}

cairo_surface_t *
sf_surface_from_rgba (const float *rgba, int width, int height)
{
  return surface_from_floats (rgba, width, height, 4);
}

cairo_surface_t *
sf_surface_from_tensor (const SfTensor *image)
{
  return surface_from_floats (image->data, image->w, image->h, image->c);
}

cairo_surface_t *
sf_surface_from_coverage (const float *coverage, int width, int height)
{
  cairo_surface_t *surface = surface_new (CAIRO_FORMAT_A8, width, height);
  guint8 *data;
  int stride;

  if (surface == NULL)
    return NULL;
  data = cairo_image_surface_get_data (surface);
  stride = cairo_image_surface_get_stride (surface);
  for (int row = 0; row < height; row++)
    for (int col = 0; col < width; col++)
      data[(gsize) row * stride + col] = byte (*coverage++);
  cairo_surface_mark_dirty (surface);
  return surface;
}

cairo_surface_t *
sf_surface_copy (cairo_surface_t *surface)
{
  int width = cairo_image_surface_get_width (surface), height = cairo_image_surface_get_height (surface);
  cairo_surface_t *copy = surface_new (cairo_image_surface_get_format (surface), width, height);

  if (copy != NULL)
    {
      cairo_t *cr = cairo_create (copy);

      cairo_set_operator (cr, CAIRO_OPERATOR_SOURCE);
      cairo_set_source_surface (cr, surface, 0, 0);
      cairo_paint (cr);
      cairo_destroy (cr);
    }
  return copy;
}

/* Makes @surface the source so that it fills the rectangle; the edge pixels go on outside of it. */
static void
set_source_in (cairo_t *cr, cairo_surface_t *surface, double x, double y, double width, double height)
{
  cairo_matrix_t matrix;

  cairo_set_source_surface (cr, surface, 0, 0);
  cairo_matrix_init_scale (&matrix, cairo_image_surface_get_width (surface) / width,
                           cairo_image_surface_get_height (surface) / height);
  cairo_matrix_translate (&matrix, -x, -y);
  cairo_pattern_set_matrix (cairo_get_source (cr), &matrix);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
}

void
sf_surface_paint_into (cairo_t *cr, cairo_surface_t *surface, double x, double y, double width, double height)
{
  cairo_save (cr);
  cairo_rectangle (cr, x, y, width, height);
  cairo_clip (cr);
  set_source_in (cr, surface, x, y, width, height);
  cairo_paint (cr);
  cairo_restore (cr);
}

void
sf_surface_paint_result (cairo_t *cr, const SfResult *result)
{
  cairo_surface_t *made = sf_surface_from_tensor (result->rgba);
  cairo_surface_t *mask = sf_surface_from_coverage (result->mask->data, result->mask->w, result->mask->h);

  if (made != NULL && mask != NULL)
    {
      cairo_save (cr);
      set_source_in (cr, made, result->rect.x, result->rect.y, result->rect.width, result->rect.height);
      cairo_mask_surface (cr, mask, result->rect.x, result->rect.y);
      cairo_restore (cr);
    }
  g_clear_pointer (&made, cairo_surface_destroy);
  g_clear_pointer (&mask, cairo_surface_destroy);
}
