/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-trend.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "tensor/sf-image.h"

#define N SF_PATCH_TREND_TERMS
#define RING 5             /* px wide */
#define MIN_RING 32        /* px in it */
#define RIDGE 1e-5         /* a ring on one side alone hardly tells a curve from a slope */
#define VISIBLE 0.002      /* deviation: less counts as noise */
#define UNEXPLAINED 0.1    /* share of the ring's variance from which there is no trend, */
#define EXPLAINED 0.05     /* and up to which it has all its strength */

/* Of the quadratic, at a place of the picture. */
static void
terms (const SfPatchTrend *self, double y, double x, double t[N])
{
  y = (y - self->y) / self->unit;
  x = (x - self->x) / self->unit;
  t[0] = 1;
  t[1] = x;
  t[2] = y;
  t[3] = x * x;
  t[4] = x * y;
  t[5] = y * y;
}

static double
dot (const double *a, const double *b)
{
  double sum = 0;

  for (int i = 0; i < N; i++)
    sum += a[i] * b[i];
  return sum;
}

/* Solves a p = b for the three channels; @a is symmetric and positive. */
static void
solve (double a[N][N], double b[3][N])
{
  for (int k = 0; k < N; k++)
    for (int i = 0; i < N; i++)
      {
        double factor = a[i][k] / a[k][k];

        if (i == k)
          continue;
        for (int j = k; j < N; j++)
          a[i][j] -= factor * a[k][j];
        for (int c = 0; c < 3; c++)
          b[c][i] -= factor * b[c][k];
      }
  for (int i = 0; i < N; i++)
    for (int c = 0; c < 3; c++)
      b[c][i] /= a[i][i];
}

typedef struct
{
  double t[N];
  float rgb[3];
} Sample;

/* The known pixels around the hole. */
static GArray *
sample_ring (const SfPatchTrend *self, const SfPatchImage *image, double scale, const SfProgress *progress, GError **error)
{
  const int w = image->w;
  gsize n = (gsize) image->h * w;
  g_autofree guint8 *outside = sf_try_alloc (n, 1, error);
  g_autofree float *distance = sf_try_alloc (n, sizeof (float), error);
  GArray *samples;

  if (outside == NULL || distance == NULL)
    return NULL;
  for (gsize i = 0; i < n; i++)
    outside[i] = image->state[i] != SF_PIXEL_HOLE;
  sf_distance_transform (outside, TRUE, image->h, w, FALSE, distance, sf_progress_cancellable (progress));
  if (sf_progress_stopped (progress, error))
    return NULL;
  samples = g_array_new (FALSE, FALSE, sizeof (Sample));
  for (gsize i = 0; i < n; i++)
    if (image->state[i] == SF_PIXEL_KNOWN && distance[i] <= RING)
      {
        Sample sample;

        terms (self, (i / w + 0.5) * scale, (i % w + 0.5) * scale, sample.t);
        memcpy (sample.rgb, image->rgb + i * 4, sizeof sample.rgb);
        g_array_append_val (samples, sample);
      }
  return samples;
}

/* Least squares over the ring. */
static void
fit (SfPatchTrend *self, const GArray *samples)
{
  double a[N][N] = { 0 };

  for (guint k = 0; k < samples->len; k++)
    {
      const Sample *s = &g_array_index (samples, Sample, k);

      for (int i = 0; i < N; i++)
        {
          for (int j = 0; j < N; j++)
            a[i][j] += s->t[i] * s->t[j] / samples->len;
          for (int c = 0; c < 3; c++)
            self->p[c][i] += s->t[i] * s->rgb[c] / samples->len;
        }
    }
  for (int i = 1; i < N; i++)
    a[i][i] += RIDGE;
  solve (a, self->p);
}

/* Share of the ring's variance that the fit leaves; finds the fit's middle and range on the way. */
static double
unexplained (SfPatchTrend *self, const GArray *samples)
{
  double variance = 0, rest = 0;

  for (int c = 0; c < 3; c++)
    {
      double least = G_MAXDOUBLE, most = -G_MAXDOUBLE, sum = 0, squares = 0;

      for (guint k = 0; k < samples->len; k++)
        {
          const Sample *s = &g_array_index (samples, Sample, k);
          double p = dot (self->p[c], s->t);

          least = MIN (least, p);
          most = MAX (most, p);
          sum += s->rgb[c];
          squares += s->rgb[c] * s->rgb[c];
          rest += (s->rgb[c] - p) * (s->rgb[c] - p) + VISIBLE * VISIBLE;
        }
      variance += squares - sum * sum / samples->len;
      self->middle[c] = (least + most) / 2;
      self->reach[c] = MAX (2 * (most - least), VISIBLE);
    }
  return rest / MAX (variance, 1e-12);
}

gboolean
sf_patch_trend_fit (SfPatchTrend *self, const SfPatchImage *image, const SfPatchFrame *frame, double hole, double scale,
                    const SfProgress *progress, GError **error)
{
  g_autoptr (GArray) samples = NULL;
  double share;

  *self = (SfPatchTrend) {
    .y = (frame->y + frame->h / 2.0) * scale,
    .x = (frame->x + frame->w / 2.0) * scale,
    .unit = hole * scale,
  };
  if ((samples = sample_ring (self, image, scale, progress, error)) == NULL)
    return FALSE;
  if (samples->len < MIN_RING)
    return TRUE;
  fit (self, samples);
  share = unexplained (self, samples);
  if (share < UNEXPLAINED) /* and is a number */
    self->strength = MIN ((UNEXPLAINED - share) / (UNEXPLAINED - EXPLAINED), 1);
  return TRUE;
}

void
sf_patch_trend_add (const SfPatchTrend *self, float sign, double y, double x, float *rgb)
{
  double t[N];

  if (self->strength == 0)
    return;
  terms (self, y, x, t);
  for (int c = 0; c < 3; c++)
    {
      double u = (dot (self->p[c], t) - self->middle[c]) / self->reach[c];

      rgb[c] += sign * (float) (self->strength * self->reach[c] * u / sqrt (sqrt (1 + u * u * u * u)));
    }
}
