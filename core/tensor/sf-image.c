/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-image.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
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
sf_area_resize (const float *in, int H, int W, int c, float *out, int h, int w)
{
  Area area = { .in = in, .out = out, .H = H, .W = W, .c = c, .h = h, .w = w };

  sf_parallel_for (h, 8, area_rows, &area, NULL);
}

void
sf_area_resize_rows (SfRowFunc func, gconstpointer data, int H, int W, int c, float *out, int h, int w)
{
  Area area = { .func = func, .data = data, .out = out, .H = H, .W = W, .c = c, .h = h, .w = w };

  sf_parallel_for (h, 8, area_rows, &area, NULL);
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
sf_bilinear_resize (const float *in, int H, int W, int c, float *out, int h, int w)
{
  Bilinear bilinear = { in, out, H, W, c, h, w };

  sf_parallel_for (h, 16, bilinear_rows, &bilinear, NULL);
}

/*** Distance transform ***/

/* In place along one line of n: f (q) <- min_p (q - p)^2 + f (p), the lower envelope of parabolas. */
static void
envelope (const float *f, int n, gsize stride, float *out, int *v, double *z)
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
      out[q * stride] = (float) ((double) (q - v[j]) * (q - v[j])) + f[v[j]];
    }
}

gboolean
sf_distance_transform (const guint8 *mask, guint8 inside, int h, int w, gboolean border, float *distance,
                       GError **error)
{
  const int n = MAX (h, w) + 2;
  g_autofree float *line = sf_try_alloc (n, sizeof (float), error);
  g_autofree int *v = sf_try_alloc (n, sizeof (int), error);
  g_autofree double *z = sf_try_alloc (n + 1, sizeof (double), error);
  g_autofree float *result = sf_try_alloc (n, sizeof (float), error);
  const float far = 1e12f, edge = border ? 0 : far;

  if (line == NULL || v == NULL || z == NULL || result == NULL)
    return FALSE;
  for (int x = 0; x < w; x++) /* columns, with one row beyond each end */
    {
      line[0] = line[h + 1] = edge;
      for (int y = 0; y < h; y++)
        line[y + 1] = mask[(gsize) y * w + x] == inside ? far : 0;
      envelope (line, h + 2, 1, result, v, z);
      for (int y = 0; y < h; y++)
        distance[(gsize) y * w + x] = result[y + 1];
    }
  for (int y = 0; y < h; y++)
    {
      line[0] = line[w + 1] = edge;
      memcpy (line + 1, distance + (gsize) y * w, w * sizeof (float));
      envelope (line, w + 2, 1, result, v, z);
      for (int x = 0; x < w; x++)
        distance[(gsize) y * w + x] = sqrtf (result[x + 1]);
    }
  return TRUE;
}

/*** Gaussian ***/

gboolean
sf_gaussian_blur (float *x, int h, int w, double sigma, GError **error)
{
  const int radius = (int) (4 * sigma + 0.5), n = MAX (h, w);
  g_autofree float *line = sf_try_alloc (n, sizeof (float), error);
  g_autofree float *kernel = g_new (float, 2 * radius + 1);
  double total = 0;

  if (line == NULL)
    return FALSE;
  for (int i = -radius; i <= radius; i++)
    total += kernel[i + radius] = (float) exp (-i * i / (2 * sigma * sigma));
  for (int i = 0; i <= 2 * radius; i++)
    kernel[i] /= (float) total;
  for (int pass = 0; pass < 2; pass++) /* rows, then columns */
    {
      int length = pass == 0 ? w : h, lines = pass == 0 ? h : w;
      gsize step = pass == 0 ? 1 : w, skip = pass == 0 ? w : 1;

      for (int l = 0; l < lines; l++)
        {
          float *data = x + l * skip;

          for (int i = 0; i < length; i++)
            line[i] = data[i * step];
          for (int i = 0; i < length; i++)
            {
              float sum = 0;

              for (int j = -radius; j <= radius; j++)
                sum += kernel[j + radius] * line[CLAMP (i + j, 0, length - 1)];
              data[i * step] = sum;
            }
        }
    }
  return TRUE;
}
