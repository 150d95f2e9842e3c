/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "picture.h"

#include <math.h>

#include "base/sf-rng.h"
#include "tensor/sf-image.h"

SfTensor *
picture_texture (int h, int w, double sigma, guint64 seed)
{
  SfTensor *picture = sf_tensor_new (1, h, w, 3, NULL);
  gsize n = (gsize) h * w;
  g_autofree float *plane = g_new (float, n);

  for (int c = 0; c < 3; c++)
    {
      double sum = 0, squares = 0, deviation;

      sf_rng_normal ((SfRng) { seed, c }, 0, plane, n);
      if (sigma > 0)
        sf_gaussian_blur (plane, h, w, sigma, NULL);
      for (gsize i = 0; i < n; i++)
        {
          sum += plane[i];
          squares += plane[i] * plane[i];
        }
      deviation = sqrt (MAX (squares / n - sum * sum / ((double) n * n), 1e-12));
      for (gsize i = 0; i < n; i++)
        picture->data[i * 3 + c] = CLAMP ((float) (0.3 * (plane[i] - sum / n) / deviation), -1, 1);
    }
  return picture;
}

SfTensor *
picture_periodic (int h, int w, int period, guint64 seed)
{
  g_autoptr (SfTensor) tile = picture_texture (period, period, 0, seed);
  SfTensor *picture = sf_tensor_new (1, h, w, 3, NULL);

  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      for (int c = 0; c < 3; c++)
        picture->data[(y * w + x) * 3 + c] = tile->data[(y % period * period + x % period) * 3 + c];
  return picture;
}

SfTensor *
picture_edge (int h, int w, double direction, float a, float b)
{
  SfTensor *picture = sf_tensor_new (1, h, w, 3, NULL);

  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      {
        double d = (y - (h - 1) / 2.0 + direction * (x - (w - 1) / 2.0)) / hypot (1, direction);
        float t = (float) CLAMP (d + 0.5, 0, 1);

        for (int c = 0; c < 3; c++)
          picture->data[(y * w + x) * 3 + c] = a + t * (b - a);
      }
  return picture;
}

guint8 *
picture_hole (int h, int w, int y, int x, int hole_h, int hole_w)
{
  guint8 *state = g_malloc0 ((gsize) h * w); /* SF_PIXEL_KNOWN is 0 */

  for (int i = y; i < y + hole_h; i++)
    for (int j = x; j < x + hole_w; j++)
      state[i * w + j] = SF_PIXEL_HOLE;
  return state;
}

double
picture_rms (const float *a, const float *b, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
  return sqrt (sum / n);
}

float *
picture_to_rgba (const SfTensor *picture)
{
  gsize n = (gsize) picture->h * picture->w;
  float *rgba = g_new (float, n * 4);

  for (gsize i = 0; i < n; i++)
    {
      for (int c = 0; c < 3; c++)
        rgba[i * 4 + c] = (picture->data[i * 3 + c] + 1) / 2;
      rgba[i * 4 + 3] = 1;
    }
  return rgba;
}
