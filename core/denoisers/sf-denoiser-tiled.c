/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-denoiser-tiled.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"

/* Neighbours share at least this part of their side. */
#define OVERLAP 0.25

/* Tiles along one side. */
typedef struct
{
  int size; /* of a tile */
  int n;
  gboolean wrap;
} Row;

typedef struct
{
  SfDenoiser parent;
  SfDenoiser *inner;
  int height, width;
  gboolean wrap_y, wrap_x;
  const SfTensor *whole; /* (nullable) */
  SfTensor *part;        /* (nullable) */
  SfTensor *x, *denoised, *variance; /* (nullable) of one tile */
  float *total;                      /* (nullable) sum of weights of each pixel of the state */
  gsize n_total;
} Tiled;

/* As few tiles as overlap enough.  A side that wraps has an edge to be covered even where one tile would do. */
static Row
row_of (int side, int size, gboolean wrap)
{
  int step = MAX (1, (int) (size * (1 - OVERLAP)));
  Row row = { size, 1, wrap };

  if (wrap)
    row.n = MAX (2, (side + step - 1) / step);
  else if (side > size)
    row.n = 1 + (side - size + step - 1) / step;
  return row;
}

/* Where tile @i begins. */
static int
tile_begin (Row row, int side, int i)
{
  if (row.wrap)
    return (int) ((gint64) side * i / row.n);
  return row.n > 1 ? (int) ((gint64) (side - row.size) * i / (row.n - 1)) : 0;
}

/* Of pixel @i of a tile: a hill over its side, flat where nothing overlaps. */
static float
hill (Row row, int i)
{
  return row.n > 1 ? (float) (sin (G_PI * (i + 0.5) / row.size)) : 1;
}

int
sf_tiles_count (int height, int width, int tile_height, int tile_width, gboolean wrap_y, gboolean wrap_x)
{
  return row_of (height, tile_height, wrap_y).n * row_of (width, tile_width, wrap_x).n;
}

static gboolean
prepare (Tiled *self, const SfTensor *x, gboolean variance, GError **error)
{
  gsize n = (gsize) x->h * x->w;

  if (self->x == NULL)
    self->x = sf_tensor_new (1, self->height, self->width, x->c, error);
  if (self->denoised == NULL)
    self->denoised = sf_tensor_new (1, self->height, self->width, x->c, error);
  if (variance && self->variance == NULL)
    self->variance = sf_tensor_new (1, self->height, self->width, x->c, error);
  if (self->n_total != n)
    {
      g_free (self->total);
      self->total = sf_try_alloc (self->n_total = n, sizeof (float), error);
    }
  if (self->total != NULL)
    memset (self->total, 0, n * sizeof (float));
  return self->x != NULL && self->denoised != NULL && (!variance || self->variance != NULL) && self->total != NULL;
}

static void
cut_tile (const SfTensor *x, int y0, int x0, SfTensor *tile)
{
  for (int y = 0; y < tile->h; y++)
    for (int i = 0; i < tile->w; i++)
      memcpy (tile->data + ((gsize) y * tile->w + i) * x->c,
              x->data + ((gsize) ((y + y0) % x->h) * x->w + (i + x0) % x->w) * x->c, x->c * sizeof (float));
}

/* Shows @inner what lies where it is asked next. */
static void
show_part (const Tiled *self, int y0, int x0)
{
  if (self->whole != NULL)
    cut_tile (self->whole, y0, x0, self->part);
}

/* out += weight * tile; the weights into @total, unless it is %NULL */
static void
add_tile (const SfTensor *tile, Row rows, Row columns, int y0, int x0, SfTensor *out, float *total)
{
  for (int y = 0; y < tile->h; y++)
    for (int i = 0; i < tile->w; i++)
      {
        gsize to = (gsize) ((y + y0) % out->h) * out->w + (i + x0) % out->w;
        float weight = hill (rows, y) * hill (columns, i);

        for (int c = 0; c < out->c; c++)
          out->data[to * out->c + c] += weight * tile->data[((gsize) y * tile->w + i) * out->c + c];
        if (total != NULL)
          total[to] += weight;
      }
}

static void
divide (SfTensor *x, const float *total)
{
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] /= total[i / x->c];
}

static gboolean
tiled_predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
               const SfProgress *progress, GError **error)
{
  Tiled *self = (Tiled *) denoiser;
  Row rows = row_of (x->h, self->height, self->wrap_y), columns = row_of (x->w, self->width, self->wrap_x);
  int n = rows.n * columns.n;

  g_return_val_if_fail (x->n == 1 && x->h >= self->height && x->w >= self->width, FALSE);

  show_part (self, 0, 0);
  if (n == 1)
    return sf_denoiser_predict (self->inner, x, level, denoised, variance, progress, error);
  if (!prepare (self, x, variance != NULL, error))
    return FALSE;
  memset (denoised->data, 0, sf_tensor_size (denoised) * sizeof (float));
  if (variance != NULL)
    memset (variance->data, 0, sf_tensor_size (variance) * sizeof (float));
  for (int i = 0; i < n; i++)
    {
      SfProgress part = sf_progress_sub (progress, (double) i / n, (i + 1.0) / n);
      int y0 = tile_begin (rows, x->h, i / columns.n), x0 = tile_begin (columns, x->w, i % columns.n);

      cut_tile (x, y0, x0, self->x);
      show_part (self, y0, x0);
      if (!sf_denoiser_predict (self->inner, self->x, level, self->denoised, variance != NULL ? self->variance : NULL, &part, error))
        return FALSE;
      add_tile (self->denoised, rows, columns, y0, x0, denoised, self->total);
      if (variance != NULL)
        add_tile (self->variance, rows, columns, y0, x0, variance, NULL);
    }
  divide (denoised, self->total);
  if (variance != NULL)
    divide (variance, self->total);
  return TRUE;
}

static void
tiled_free (SfDenoiser *denoiser)
{
  Tiled *self = (Tiled *) denoiser;

  sf_denoiser_free (self->inner);
  sf_tensor_unref (self->x);
  sf_tensor_unref (self->denoised);
  sf_tensor_unref (self->variance);
  g_free (self->total);
  g_free (self);
}

SfDenoiser *
sf_denoiser_tiled_new (SfDenoiser *inner, int height, int width, gboolean wrap_y, gboolean wrap_x, const SfTensor *whole, SfTensor *part)
{
  Tiled *self = g_new0 (Tiled, 1);

  *self = (Tiled) {
    .parent = { .predict = tiled_predict, .free = tiled_free, .variance = inner->variance, .predicts_v = inner->predicts_v },
    .inner = inner,
    .height = height,
    .width = width,
    .wrap_y = wrap_y,
    .wrap_x = wrap_x,
    .whole = whole,
    .part = part,
  };
  return &self->parent;
}
