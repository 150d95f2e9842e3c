/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-color-match.h"

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "denoisers/sf-patch-solve.h"
#include "tensor/sf-image.h"

#define MATCH_SIZE 64 /* px: at no more than this, as the difference is smooth */
/* px there: width of the band, and of its average.  2 lets the inside drift by 0.6 levels of 255 more; 6 gains it
 * 1.2 +- 0.3 dB at strength 1, and costs the band 1.7 +- 0.4 dB. */
#define MATCH_BAND 3
/* Likewise where the two sides of the edge are compared.  Of the fill of 100 x 80 px of clouds the edge shows 3.2 times as much as that of the
 * untouched picture at 64 px, 1.8 times at 128; on 7 holes in crops of at most 112 px at 64 px without matching 1.5 times, with a band
 * of 1 px 1.0 times, of 1.5 px 1.2 times, of 3 px 1.7 times. */
#define BESIDE_SIZE 256
#define BESIDE_BAND 1

typedef struct
{
  const SfTensor *freedom;
  const float *shift; /* h x w x 4 */
  int h, w;
  SfTensor *x;
} Shift;

static void
shift_rows (gsize begin, gsize end, gpointer data)
{
  const Shift *s = data;
  const SfTensor *x = s->x;
  float rgb[4];

  for (gsize i = begin * x->w; i < end * x->w; i++)
    if (s->freedom->data[i] > 0)
      {
        sf_bilinear_sample (s->shift, s->h, s->w, 4, (i / x->w + 0.5) * s->h / x->h - 0.5, (i % x->w + 0.5) * s->w / x->w - 0.5, rgb);
        for (int c = 0; c < x->c; c++)
          x->data[i * x->c + c] += rgb[c];
      }
}

/* Channel @c of @x around each pixel: the mean of the pixels that count.  @total: @counted, blurred by @sigma. */
static void
near_mean (const float *x, int channels, int c, const float *counted, const float *total, int h, int w, double sigma, GCancellable *cancellable, float *mean)
{
  for (gsize i = 0; i < (gsize) h * w; i++)
    mean[i] = x[i * channels + c] * counted[i];
  sf_gaussian_blur (mean, h, w, sigma, cancellable);
  for (gsize i = 0; i < (gsize) h * w; i++)
    mean[i] /= MAX (total[i], 1e-6f);
}

gboolean
sf_color_match (const SfTensor *original, const SfTensor *freedom, gboolean keep, SfTensor *x, const SfProgress *progress, GError **error)
{
  const double band = keep ? MATCH_BAND : BESIDE_BAND;
  const int most = keep ? MATCH_SIZE : BESIDE_SIZE, h = MIN (x->h, most), w = MIN (x->w, most);
  const gsize n = (gsize) h * w;
  GCancellable *cancellable = sf_progress_cancellable (progress);
  g_autofree float *made = sf_try_alloc (n, x->c * sizeof (float), error), *known = sf_try_alloc (n, x->c * sizeof (float), error);
  g_autofree float *free = sf_try_alloc (n, sizeof (float), error), *distance = sf_try_alloc (n, sizeof (float), error);
  g_autofree float *planes = sf_try_alloc (n, 6 * sizeof (float), error), *shift = sf_try_alloc (n, 4 * sizeof (float), error);
  g_autofree guint8 *fixed = sf_try_alloc (n, 1, error);
  float *inside = planes, *n_inside = planes + n, *beside = planes + 2 * n, *n_beside = planes + 3 * n;
  float *is = planes + 4 * n, *wanted = planes + 5 * n;
  Shift last = { freedom, shift, h, w, x };

  if (made == NULL || known == NULL || free == NULL || distance == NULL || planes == NULL || shift == NULL || fixed == NULL)
    return FALSE;
  sf_area_resize (x->data, x->h, x->w, x->c, made, h, w, cancellable);
  sf_area_resize (original->data, x->h, x->w, x->c, known, h, w, cancellable);
  sf_area_resize (freedom->data, x->h, x->w, 1, free, h, w, cancellable);
  for (gsize i = 0; i < n; i++)
    fixed[i] = free[i] > 0.5f;
  sf_distance_transform (fixed, TRUE, h, w, FALSE, distance, cancellable);
  for (gsize i = 0; i < n; i++)
    {
      n_inside[i] = inside[i] = fixed[i] = fixed[i] && distance[i] <= band;
      n_beside[i] = beside[i] = keep ? inside[i] : free[i] <= 0;
    }
  sf_gaussian_blur (n_inside, h, w, band, cancellable);
  sf_gaussian_blur (n_beside, h, w, band, cancellable);
  for (int c = 0; c < x->c; c++)
    {
      near_mean (made, x->c, c, inside, n_inside, h, w, band, cancellable, is);
      near_mean (known, x->c, c, beside, n_beside, h, w, band, cancellable, wanted);
      for (gsize i = 0; i < n; i++)
        shift[i * 4 + c] = fixed[i] ? wanted[i] - is[i] : 0;
    }
  if (!sf_patch_harmonic (shift, fixed, h, w, progress, error))
    return FALSE;
  sf_parallel_for (x->h, 16, shift_rows, &last, cancellable);
  return !sf_progress_stopped (progress, error);
}
