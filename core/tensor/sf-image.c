/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-image.h"

#include <math.h>
#include <string.h>

#include "base/sf-parallel.h"
#include "kernels/sf-kernels.h"

/*** Resampling ***/

typedef struct
{
  const float *in;    /* (nullable) H x W x c; or */
  SfRowFunc func;       /* a function that makes the rows */
  gconstpointer data;
  float *out;
  int H, W, c, h, w;
} Area;

/* The means of what each output pixel covers: first down a column, into one row, then along it. */
static void
area_rows (gsize begin, gsize end, gpointer data)
{
  const Area *a = data;
  const gsize n = (gsize) a->W * a->c;
  g_autofree float *means = g_new (float, n), *made = g_new (float, n);

  for (gsize i = begin; i < end; i++)
    {
      double lo = (double) i * a->H / a->h, hi = (double) (i + 1) * a->H / a->h;

      memset (means, 0, n * sizeof (float));
      for (int y = (int) lo; y < a->H && y < hi - 1e-9; y++)
        {
          float share = (float) ((MIN (hi, y + 1) - MAX (lo, y)) / (hi - lo));

          if (a->func != NULL)
            a->func (y, made, a->data);
          sf_kernels ()->combine (means, 1, means, share, a->func != NULL ? made : a->in + y * n, n);
        }
      for (int j = 0; j < a->w; j++)
        {
          float *out = a->out + (i * a->w + j) * a->c;

          lo = (double) j * a->W / a->w;
          hi = (double) (j + 1) * a->W / a->w;
          memset (out, 0, a->c * sizeof (float));
          for (int x = (int) lo; x < a->W && x < hi - 1e-9; x++)
            {
              float share = (float) ((MIN (hi, x + 1) - MAX (lo, x)) / (hi - lo));

              for (int k = 0; k < a->c; k++)
                out[k] += share * means[(gsize) x * a->c + k];
            }
        }
    }
}

void
sf_area_resize (const float *in, int H, int W, int c, float *out, int h, int w, GCancellable *cancellable)
{
  Area area = { .in = in, .out = out, .H = H, .W = W, .c = c, .h = h, .w = w };

  sf_parallel_for (h, 8, area_rows, &area, cancellable);
}

void
sf_area_resize_rows (SfRowFunc func, gconstpointer data, int H, int W, int c, float *out, int h, int w,
                     GCancellable *cancellable)
{
  Area area = { .func = func, .data = data, .out = out, .H = H, .W = W, .c = c, .h = h, .w = w };

  sf_parallel_for (h, 8, area_rows, &area, cancellable);
}

void
sf_bilinear_sample (const float *in, int H, int W, int c, double y, double x, float *out)
{
  double fy = floor (y), fx = floor (x);
  float ty = (float) (y - fy), tx = (float) (x - fx);
  int y0 = CLAMP ((int) fy, 0, H - 1), y1 = CLAMP ((int) fy + 1, 0, H - 1);
  int x0 = CLAMP ((int) fx, 0, W - 1), x1 = CLAMP ((int) fx + 1, 0, W - 1);

  for (int k = 0; k < c; k++)
    {
      float a = in[((gsize) y0 * W + x0) * c + k], b = in[((gsize) y0 * W + x1) * c + k];
      float d = in[((gsize) y1 * W + x0) * c + k], e = in[((gsize) y1 * W + x1) * c + k];

      out[k] = (a + (b - a) * tx) * (1 - ty) + (d + (e - d) * tx) * ty;
    }
}

typedef struct
{
  const float *in;
  float *out;
  int H, W, c, h, w;
} Bilinear;

static void
bilinear_rows (gsize begin, gsize end, gpointer data)
{
  const Bilinear *b = data;

  for (gsize y = begin; y < end; y++)
    for (int x = 0; x < b->w; x++)
      sf_bilinear_sample (b->in, b->H, b->W, b->c, (y + 0.5) * b->H / b->h - 0.5, (x + 0.5) * b->W / b->w - 0.5,
                          b->out + (y * b->w + x) * b->c);
}

void
sf_bilinear_resize (const float *in, int H, int W, int c, float *out, int h, int w, GCancellable *cancellable)
{
  Bilinear bilinear = { in, out, H, W, c, h, w };

  sf_parallel_for (h, 16, bilinear_rows, &bilinear, cancellable);
}

/*** Line by line ***/

/* The rows or the columns of a map; line l begins at l * skip. */
typedef struct
{
  int n, length;
  gsize step, skip;
} Lines;

static Lines
lines_of (int h, int w, gboolean columns)
{
  return columns ? (Lines) { .n = w, .length = h, .step = w, .skip = 1 } : (Lines) { .n = h, .length = w, .step = 1, .skip = w };
}

/* Neighbouring columns share cache lines, so a tile has some of them. */
static void
for_lines (const Lines *lines, SfTileFunc func, gpointer data, GCancellable *cancellable)
{
  sf_parallel_for (lines->n, MAX (16, 16384 / lines->length), func, data, cancellable);
}

typedef struct
{
  Lines lines;
  const guint8 *mask; /* (nullable): the first pass reads it, the second one the squares that the first one left */
  guint8 inside;
  float edge;
  float *distance;
} Distance;

#define FAR 1e12f

/* Along one line of n: f (q) <- min_p (q - p)^2 + f (p), the lower envelope of parabolas. */
static void
envelope (const float *f, int n, float *out, int *v, double *z)
{
  int k = 0;

  v[0] = 0;
  z[0] = -1e20;
  z[1] = 1e20;
  for (int q = 1; q < n; q++)
    {
      double s;

      do
        {
          int p = v[k];

          s = ((f[q] + (double) q * q) - (f[p] + (double) p * p)) / (2.0 * (q - p));
        }
      while (s <= z[k] && --k >= 0);
      k++;
      v[k] = q;
      z[k] = s;
      z[k + 1] = 1e20;
    }
  for (int q = 0, j = 0; q < n; q++)
    {
      while (z[j + 1] < q)
        j++;
      out[q] = (float) ((double) (q - v[j]) * (q - v[j])) + f[v[j]];
    }
}

/* Lines have one element beyond each end. */
static void
distance_lines (gsize begin, gsize end, gpointer data)
{
  const Distance *d = data;
  const int length = d->lines.length, n = length + 2;
  g_autofree float *line = g_new (float, n), *result = g_new (float, n);
  g_autofree int *v = g_new (int, n);
  g_autofree double *z = g_new (double, n + 1);

  line[0] = line[n - 1] = d->edge;
  for (gsize l = begin; l < end; l++)
    {
      gsize at = l * d->lines.skip;

      for (int i = 0; i < length; i++)
        if (d->mask != NULL)
          line[i + 1] = d->mask[at + i * d->lines.step] == d->inside ? FAR : 0;
        else
          line[i + 1] = d->distance[at + i * d->lines.step];
      envelope (line, n, result, v, z);
      for (int i = 0; i < length; i++)
        d->distance[at + i * d->lines.step] = d->mask != NULL ? result[i + 1] : sqrtf (result[i + 1]);
    }
}

void
sf_distance_transform (const guint8 *mask, guint8 inside, int h, int w, gboolean border, float *distance,
                       GCancellable *cancellable)
{
  Distance d = { lines_of (h, w, TRUE), mask, inside, border ? 0 : FAR, distance };

  for_lines (&d.lines, distance_lines, &d, cancellable);
  d.lines = lines_of (h, w, FALSE);
  d.mask = NULL;
  for_lines (&d.lines, distance_lines, &d, cancellable);
}

typedef struct
{
  Lines lines;
  float *x;
  const float *kernel; /* 2 radius + 1 */
  int radius;
} Blur;

static void
blur_lines (gsize begin, gsize end, gpointer data)
{
  const Blur *b = data;
  const int length = b->lines.length, radius = b->radius;
  g_autofree float *line = g_new (float, length + 2 * radius), *sum = g_new (float, length);

  for (gsize l = begin; l < end; l++)
    {
      float *x = b->x + l * b->lines.skip;

      for (int i = 0; i < length + 2 * radius; i++)
        line[i] = x[CLAMP (i - radius, 0, length - 1) * b->lines.step];
      memset (sum, 0, length * sizeof (float));
      for (int j = 0; j <= 2 * radius; j++)
        for (int i = 0; i < length; i++)
          sum[i] += b->kernel[j] * line[i + j];
      for (int i = 0; i < length; i++)
        x[i * b->lines.step] = sum[i];
    }
}

void
sf_gaussian_blur (float *x, int h, int w, double sigma, GCancellable *cancellable)
{
  const int radius = (int) (4 * sigma + 0.5);
  g_autofree float *kernel = g_new (float, 2 * radius + 1);
  double total = 0;

  for (int i = -radius; i <= radius; i++)
    total += kernel[i + radius] = (float) exp (-i * i / (2 * sigma * sigma));
  for (int i = 0; i <= 2 * radius; i++)
    kernel[i] /= (float) total;
  for (int pass = 0; pass < 2; pass++)
    {
      Blur blur = { lines_of (h, w, pass == 1), x, kernel, radius };

      for_lines (&blur.lines, blur_lines, &blur, cancellable);
    }
}

typedef struct
{
  Lines lines;
  guint8 *mask;
  int r;
  gboolean wrap;
} Dilate;

static void
dilate_lines (gsize begin, gsize end, gpointer data)
{
  const Dilate *d = data;
  const int length = d->lines.length, r = d->r;
  g_autofree guint8 *line = g_malloc0 (length + 2 * (gsize) r);

  for (gsize l = begin; l < end; l++)
    {
      guint8 *mask = d->mask + l * d->lines.skip;
      int count = 0;

      for (int i = 0; i < length; i++)
        line[i + r] = mask[i * d->lines.step] != 0;
      for (int i = 0; i < r && d->wrap; i++)
        {
          line[r - 1 - i] = line[r + length - 1 - i % length];
          line[r + length + i] = line[r + i % length];
        }
      for (int i = 0; i < 2 * r; i++)
        count += line[i];
      for (int i = 0; i < length; i++)
        {
          count += line[i + 2 * r];
          mask[i * d->lines.step] = count > 0;
          count -= line[i];
        }
    }
}

void
sf_dilate (guint8 *mask, int h, int w, int r, gboolean wrap_y, gboolean wrap_x, GCancellable *cancellable)
{
  for (int pass = 0; pass < 2; pass++)
    {
      Dilate dilate = { lines_of (h, w, pass == 1), mask, r, pass == 0 ? wrap_x : wrap_y };

      for_lines (&dilate.lines, dilate_lines, &dilate, cancellable);
    }
}

void
sf_rgb_to_channels (const float *rgb, gsize n, int c, float *out)
{
  if (c == 3)
    memcpy (out, rgb, n * 3 * sizeof (float));
  for (gsize i = 0; i < n && c == 1; i++)
    out[i] = (rgb[i * 3] + rgb[i * 3 + 1] + rgb[i * 3 + 2]) / 3;
}
