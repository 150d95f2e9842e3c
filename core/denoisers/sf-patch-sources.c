/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-sources.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-patch-solve.h"
#include "kernels/sf-blas.h"
#include "tensor/sf-image.h"

#define RADIUS 3
#define SIDE (2 * RADIUS + 1)
#define SAMPLES (3 * SIDE * SIDE)
#define TILE 32

/*** Explained by the ring ***/

/* RMS distance to the ring up to which a patch is explained, and from which it is not at all. */
typedef struct
{
  float explained, unexplained;
} Limits;

static const Limits source_limits = { 0.15f, 0.35f };
static const Limits result_limits = { 0.1f, 0.35f };
#define SOURCE_RING 4 /* width of the ring beyond a patch's radius */
#define RESULT_RING 6

typedef struct
{
  const float *rgb;      /* h x w x 4: patches that are judged are read here */
  int w;
  const gint32 *judged;
  int n_ring;
  float *patches, *norms; /* of the ring: n_ring x SAMPLES, n_ring */
  Limits limits;
  float *out;            /* of judged i */
} Judge;

/* The patch around pixel @at, SAMPLES floats; returns its squared norm. */
static float
gather (const float *rgb, int w, gint32 at, float *patch)
{
  float norm = 0;

  rgb += ((gsize) at - RADIUS * (gsize) w - RADIUS) * 4;
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++)
      for (int c = 0; c < 3; c++)
        {
          float v = rgb[((gsize) y * w + x) * 4 + c];

          *patch++ = v;
          norm += v * v;
        }
  return norm;
}

static void
judge_tile (gsize begin, gsize end, gpointer data)
{
  const Judge *j = data;
  const int n = (int) (end - begin);
  g_autofree float *patches = g_new (float, n *SAMPLES);
  g_autofree float *dots = g_new (float, (gsize) n * j->n_ring);
  float norms[TILE];

  for (int i = 0; i < n; i++)
    norms[i] = gather (j->rgb, j->w, j->judged[begin + i], patches + i * SAMPLES);
  sf_gemm_nt (n, j->n_ring, SAMPLES, patches, j->patches, dots);
  for (int i = 0; i < n; i++)
    {
      float least = G_MAXFLOAT;

      for (int k = 0; k < j->n_ring; k++)
        least = MIN (least, norms[i] + j->norms[k] - 2 * dots[(gsize) i * j->n_ring + k]);
      least = sqrtf (MAX (least, 0) / SAMPLES);
      j->out[begin + i] = CLAMP ((least - j->limits.explained) / (j->limits.unexplained - j->limits.explained), 0, 1);
    }
}

static gboolean
patch_is_known (const SfPatchImage *image, int y, int x)
{
  for (int dy = -RADIUS; dy <= RADIUS; dy++)
    for (int dx = -RADIUS; dx <= RADIUS; dx++)
      if (image->state[(gsize) (y + dy) * image->w + x + dx] != SF_PIXEL_KNOWN)
        return FALSE;
  return TRUE;
}

/* How badly the ring of @width explains the patches of @rgb around the pixels whose state is @state (fully known ones
 * if that is SF_PIXEL_KNOWN).  Returns their places; *out has a value for each.  None if there is hardly a ring. */
static GArray *
judge_by_ring (const SfPatchImage *image, const float *rgb, SfPixelState state, int width, Limits limits, float **out,
               const SfProgress *progress, GError **error)
{
  gsize n = (gsize) image->h * image->w;
  g_autofree float *distance = sf_try_alloc (n, sizeof (float), error), *patches = NULL, *norms = NULL;
  g_autofree guint8 *outside = sf_try_alloc (n, 1, error);
  g_autoptr (GArray) judged = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GArray) ring = g_array_new (FALSE, FALSE, sizeof (gint32));
  Judge judge = { .rgb = rgb, .w = image->w, .limits = limits };

  if (distance == NULL || outside == NULL)
    return NULL;
  for (gsize i = 0; i < n; i++)
    outside[i] = image->state[i] != SF_PIXEL_HOLE;
  sf_distance_transform (outside, TRUE, image->h, image->w, FALSE, distance, sf_progress_cancellable (progress));
  if (sf_progress_stopped (progress, error))
    return NULL;
  for (int y = RADIUS; y < image->h - RADIUS && !sf_progress_stopped (progress, NULL); y++)
    for (int x = RADIUS; x < image->w - RADIUS; x++)
      {
        gint32 at = y * image->w + x;
        gboolean known = image->state[at] == SF_PIXEL_KNOWN && patch_is_known (image, y, x);

        if (known && distance[at] <= RADIUS + width)
          g_array_append_val (ring, at);
        if (state == SF_PIXEL_KNOWN ? known : image->state[at] == state)
          g_array_append_val (judged, at);
      }
  if (ring->len < 8)
    g_array_set_size (judged, 0);
  patches = sf_try_alloc ((gsize) ring->len * SAMPLES, sizeof (float), error);
  norms = sf_try_alloc (ring->len, sizeof (float), error);
  *out = sf_try_alloc (judged->len, sizeof (float), error);
  if (patches == NULL || norms == NULL || *out == NULL)
    return NULL;
  for (guint i = 0; i < ring->len; i++)
    norms[i] = gather (image->rgb, image->w, g_array_index (ring, gint32, i), patches + (gsize) i * SAMPLES);
  judge.judged = (const gint32 *) (gpointer) judged->data;
  judge.n_ring = (int) ring->len;
  judge.patches = patches;
  judge.norms = norms;
  judge.out = *out;
  return sf_patch_for (judged->len, TILE, judge_tile, &judge, progress, error) ? g_steal_pointer (&judged) : NULL;
}

gboolean
sf_patch_ring_map (const SfPatchImage *image, float *map, const SfProgress *progress, GError **error)
{
  g_autofree float *values = NULL;
  g_autoptr (GArray) sources = judge_by_ring (image, image->rgb, SF_PIXEL_KNOWN, SOURCE_RING, source_limits, &values,
                                              progress, error);

  memset (map, 0, (gsize) image->h * image->w * sizeof (float));
  for (guint i = 0; sources != NULL && i < sources->len; i++)
    map[g_array_index (sources, gint32, i)] = values[i];
  return sources != NULL;
}

double
sf_patch_unexplained (const SfPatchImage *image, const float *filled, const SfProgress *progress, GError **error)
{
  g_autofree float *values = NULL;
  g_autoptr (GArray) made = judge_by_ring (image, filled, SF_PIXEL_HOLE, RESULT_RING, result_limits, &values, progress,
                                           error);
  double sum = 0;

  if (made == NULL)
    return -1;
  for (guint i = 0; i < made->len; i++)
    sum += values[i];
  return made->len > 0 ? sum / made->len : 0;
}

/*** Detail ***/

#define NO_LIMIT 9.0f
#define HEADROOM 0.7f /* octaves above the surroundings that cost nothing */

typedef struct
{
  const SfPatchImage *image;
  float *detail, *weight; /* sums around each pixel: squared gradients, and how many */
} Detail;

static void
gradient_rows (gsize begin, gsize end, gpointer data)
{
  const Detail *d = data;
  const int h = d->image->h, w = d->image->w;

  for (int y = MAX ((int) begin, 1); y < MIN ((int) end, h - 1); y++)
    for (int x = 1; x < w - 1; x++)
      {
        gsize i = (gsize) y * w + x;
        const float *p = d->image->rgb + i * 4;

        if (!sf_patch_cross_is (d->image->state, i, w, SF_PIXEL_KNOWN))
          continue;
        d->weight[i] = 1;
        for (int c = 0; c < 3; c++)
          {
            float gx = p[c + 4] - p[c - 4], gy = p[c + 4 * (gssize) w] - p[c - 4 * (gssize) w];

            d->detail[i] += (gx * gx + gy * gy) / 12;
          }
      }
}

static void
octaves_tile (gsize begin, gsize end, gpointer data)
{
  const Detail *d = data;

  for (gsize i = begin; i < end; i++)
    d->detail[i] = log2f (sqrtf (MAX (d->detail[i] / MAX (d->weight[i], 1e-6f), 0)) + 0.02f);
}

gboolean
sf_patch_detail_maps (const SfPatchImage *image, float *detail, float *budget, const SfProgress *progress, GError **error)
{
  const int h = image->h, w = image->w;
  gsize n = (gsize) h * w;
  GCancellable *cancellable = sf_progress_cancellable (progress);
  g_autofree float *weight = sf_try_alloc (n, sizeof (float), error);
  g_autofree float *distance = sf_try_alloc (n, sizeof (float), error);
  g_autofree float *extended = sf_patch_pixels_new (h, w, error);
  g_autofree guint8 *fixed = sf_try_alloc (n, 1, error);
  Detail d = { image, detail, weight };
  double mean = 0;
  gsize count = 0;

  if (weight == NULL || distance == NULL || extended == NULL || fixed == NULL)
    return FALSE;
  sf_distance_transform (image->state, SF_PIXEL_KNOWN, h, w, FALSE, distance, cancellable);
  memset (detail, 0, n * sizeof (float));
  sf_parallel_for (h, 16, gradient_rows, &d, cancellable);
  sf_gaussian_blur (detail, h, w, 2, cancellable);
  sf_gaussian_blur (weight, h, w, 2, cancellable);
  if (!sf_patch_for (n, 4096, octaves_tile, &d, progress, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      fixed[i] = image->state[i] == SF_PIXEL_KNOWN && distance[i] >= 1.5f;
      mean += fixed[i] ? detail[i] : 0;
      count += fixed[i];
    }
  for (gsize i = 0; i < n; i++)
    extended[i * 4] = fixed[i] ? detail[i] : (float) (mean / MAX (count, 1));
  if (count > 0 && !sf_patch_harmonic (extended, fixed, h, w, progress, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    budget[i] = image->state[i] == SF_PIXEL_HOLE ? extended[i * 4] + HEADROOM : NO_LIMIT;
  return TRUE;
}

double
sf_patch_detail (const float *rgb, int stride, const guint8 *mask, guint8 value, int h, int w)
{
  double sum = 0;
  gsize n = 0;

  for (int y = 1; y < h - 1; y++)
    for (int x = 1; x < w - 1; x++)
      {
        gsize i = (gsize) y * w + x;
        float laplacian = 0;

        if (!sf_patch_cross_is (mask, i, w, value))
          continue;
        for (int c = 0; c < 3; c++)
          laplacian += rgb[(i - 1) * stride + c] + rgb[(i + 1) * stride + c] + rgb[(i - w) * stride + c] +
                       rgb[(i + w) * stride + c] - 4 * rgb[i * stride + c];
        sum += fabsf (laplacian) / 3;
        n++;
      }
  return n > 0 ? sum / n : 0;
}

double
sf_patch_ring_detail (const SfPatchImage *image, double reach, const SfProgress *progress, GError **error)
{
  gsize n = (gsize) image->h * image->w;
  g_autofree float *distance = sf_try_alloc (n, sizeof (float), error);
  g_autofree guint8 *mask = sf_try_alloc (n, 1, error);

  if (distance == NULL || mask == NULL)
    return -1;
  for (gsize i = 0; i < n; i++)
    mask[i] = image->state[i] != SF_PIXEL_HOLE;
  sf_distance_transform (mask, TRUE, image->h, image->w, FALSE, distance, sf_progress_cancellable (progress));
  if (sf_progress_stopped (progress, error))
    return -1;
  for (gsize i = 0; i < n; i++)
    mask[i] = image->state[i] == SF_PIXEL_KNOWN && distance[i] <= reach;
  return sf_patch_detail (image->rgb, 4, mask, TRUE, image->h, image->w);
}
