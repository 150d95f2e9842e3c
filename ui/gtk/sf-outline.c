/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edges are kept as straight runs, in no order.  Dashes along them would start anew with each run, so the dashes are
 * in the paint instead: a diagonal stripe of black and white, fixed to the window, as GIMP's own outline has.
 */
#include "sf-outline.h"

#include <math.h>

typedef struct
{
  int x, y, length;
  gboolean vertical;
} SfEdge;

static gboolean
inside (const float *coverage, int width, int height, int x, int y)
{
  return x >= 0 && y >= 0 && x < width && y < height && coverage[(gsize) y * width + x] >= 0.5f;
}

/* The runs along one grid line: @at is its position, @n its length in pixels. */
static void
trace_line (GArray *edges, const float *coverage, int width, int height, int at, int n, gboolean vertical)
{
  int begin = -1;

  for (int i = 0; i <= n; i++)
    {
      gboolean a = vertical ? inside (coverage, width, height, at - 1, i) : inside (coverage, width, height, i, at - 1);
      gboolean b = vertical ? inside (coverage, width, height, at, i) : inside (coverage, width, height, i, at);
      gboolean edge = i < n && a != b;

      if (edge && begin < 0)
        begin = i;
      else if (!edge && begin >= 0)
        {
          SfEdge run = { vertical ? at : begin, vertical ? begin : at, i - begin, vertical };

          g_array_append_val (edges, run);
          begin = -1;
        }
    }
}

GArray *
sf_outline_trace (const float *coverage, int width, int height)
{
  GArray *edges = g_array_new (FALSE, FALSE, sizeof (SfEdge));

  for (int y = 0; y <= height; y++)
    trace_line (edges, coverage, width, height, y, width, FALSE);
  for (int x = 0; x <= width; x++)
    trace_line (edges, coverage, width, height, x, height, TRUE);
  return edges;
}

/* Diagonal stripes, four pixels of each. */
static cairo_pattern_t *
stripes (void)
{
  cairo_surface_t *tile = cairo_image_surface_create (CAIRO_FORMAT_RGB24, 8, 8);
  guint8 *data = cairo_image_surface_get_data (tile);
  int stride = cairo_image_surface_get_stride (tile);
  cairo_pattern_t *pattern;

  for (int y = 0; y < 8; y++)
    for (int x = 0; x < 8; x++)
      ((guint32 *) (gpointer) (data + y * stride))[x] = (x + y) % 8 < 4 ? 0x000000 : 0xffffff;
  cairo_surface_mark_dirty (tile);
  pattern = cairo_pattern_create_for_surface (tile);
  cairo_pattern_set_extend (pattern, CAIRO_EXTEND_REPEAT);
  cairo_pattern_set_filter (pattern, CAIRO_FILTER_NEAREST);
  cairo_surface_destroy (tile);
  return pattern;
}

void
sf_outline_draw (cairo_t *cr, const GArray *outline, double x0, double y0, double zoom)
{
  cairo_pattern_t *paint = stripes ();

  for (guint i = 0; i < outline->len; i++)
    {
      const SfEdge *edge = &g_array_index (outline, SfEdge, i);
      double x = floor (x0 + edge->x * zoom) + 0.5, y = floor (y0 + edge->y * zoom) + 0.5;

      cairo_move_to (cr, x, y);
      if (edge->vertical)
        cairo_line_to (cr, x, floor (y0 + (edge->y + edge->length) * zoom) + 0.5);
      else
        cairo_line_to (cr, floor (x0 + (edge->x + edge->length) * zoom) + 0.5, y);
    }
  cairo_set_source (cr, paint);
  cairo_set_line_width (cr, 1);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_SQUARE);
  cairo_stroke (cr);
  cairo_pattern_destroy (paint);
}
