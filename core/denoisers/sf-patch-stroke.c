/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stroke is a cubic curve; the profiles of its two ends blend along it.  Samples are shared out bilinearly. */
#include "denoisers/sf-patch-bridge.h"

#include <math.h>
#include <string.h>

/* Cubic Hermite from a to b with tangents of the chord's length: place and unit tangent at @t. */
static void
hermite (const SfEdgeEnd *a, const SfEdgeEnd *b, double length, double t, double at[2], double tangent[2])
{
  double p0[2] = { a->y, a->x }, p1[2] = { b->y, b->x };
  double m0[2] = { a->ty * length, a->tx * length }, m1[2] = { -b->ty * length, -b->tx * length };
  double norm;

  for (int k = 0; k < 2; k++)
    {
      at[k] = (2 * t * t * t - 3 * t * t + 1) * p0[k] + (t * t * t - 2 * t * t + t) * m0[k] +
              (-2 * t * t * t + 3 * t * t) * p1[k] + (t * t * t - t * t) * m1[k];
      tangent[k] = (6 * t * t - 6 * t) * p0[k] + (3 * t * t - 4 * t + 1) * m0[k] + (-6 * t * t + 6 * t) * p1[k] +
                   (3 * t * t - 2 * t) * m1[k];
    }
  norm = hypot (tangent[0], tangent[1]) + 1e-9;
  tangent[0] /= norm;
  tangent[1] /= norm;
}

/* Adds a sample of weight @weight at (@y, @x), shared bilinearly. */
static void
splat (const SfPatchFrame *frame, double y, double x, const float color[3], double weight, float *guide, float *total)
{
  int y0, x0;

  y -= frame->y;
  x -= frame->x;
  y0 = (int) floor (y);
  x0 = (int) floor (x);

  for (int dy = 0; dy < 2; dy++)
    for (int dx = 0; dx < 2; dx++)
      {
        int yy = y0 + dy, xx = x0 + dx;
        float share = (float) (weight * (1 - fabs (y - yy)) * (1 - fabs (x - xx)));
        gsize i = (gsize) yy * frame->w + xx;

        if (yy < 0 || xx < 0 || yy >= frame->h || xx >= frame->w)
          continue;
        total[i] += share;
        for (int c = 0; c < 3; c++)
          guide[i * 4 + c] += share * color[c];
      }
}

static void
paint_stroke (const SfPatchImage *image, const SfPatchFrame *frame, const SfStroke *stroke, double scale, float *guide,
              float *total)
{
  const int half = MIN ((int) lrint (SF_STROKE_HALF_WIDTH * scale), SF_PROFILE_MAX_HALF_WIDTH), oversampling = 3;
  SfEdgeEnd a = stroke->a, b = stroke->b;
  double length = stroke->length * scale;
  int n = (int) (length * oversampling) + 2;
  SfProfile from, to;

  a.y = (a.y + 0.5) * scale - 0.5;
  a.x = (a.x + 0.5) * scale - 0.5;
  b.y = (b.y + 0.5) * scale - 0.5;
  b.x = (b.x + 0.5) * scale - 0.5;
  sf_patch_read_profile (image, &a, 1, half, 2 * scale, 0.5 * scale, &from);
  sf_patch_read_profile (image, &b, -1, half, 2 * scale, 0.5 * scale, &to);
  for (int k = 0; k < n; k++)
    {
      double t = (double) k / (n - 1), at[2], tangent[2];

      hermite (&a, &b, length, t, at, tangent);
      for (int u = -half; u <= half; u++)
        {
          float color[3];
          double sigma = 0.5 * half;

          if (!from.has[u + half] || !to.has[u + half])
            continue;
          for (int c = 0; c < 3; c++)
            color[c] = (float) (from.color[u + half][c] * (1 - t) + to.color[u + half][c] * t);
          splat (frame, at[0] + u * tangent[1], at[1] - u * tangent[0], color,
                 exp (-u * u / (2 * sigma * sigma)) / oversampling, guide, total);
        }
    }
}

gboolean
sf_patch_paint_strokes (const SfPatchImage *image, const GArray *strokes, double scale, const SfPatchFrame *frame,
                        float *guide, float *confidence, const SfProgress *progress, GError **error)
{
  SfPatchFrame whole = { .h = image->h, .w = image->w }, f = frame != NULL ? *frame : whole;

  memset (guide, 0, (gsize) f.h * f.w * 4 * sizeof (float));
  memset (confidence, 0, (gsize) f.h * f.w * sizeof (float));
  for (guint k = 0; k < strokes->len; k++)
    {
      if (sf_progress_stopped (progress, error))
        return FALSE;
      paint_stroke (image, &f, &g_array_index (strokes, SfStroke, k), scale, guide, confidence);
    }
  for (int y = 0; y < f.h; y++)
    for (int x = 0; x < f.w; x++)
      {
        gsize i = (gsize) y * f.w + x;
        gboolean hole = image->state[(gsize) (y + f.y) * image->w + x + f.x] == SF_PIXEL_HOLE;

        for (int c = 0; c < 3 && confidence[i] > 0; c++)
          guide[i * 4 + c] /= MAX (confidence[i], 1e-9f);
        confidence[i] = hole ? MIN (confidence[i], 1) : 0;
      }
  return TRUE;
}
