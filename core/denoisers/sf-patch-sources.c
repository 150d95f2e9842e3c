/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-sources.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "kernels/sf-blas.h"

#define RADIUS 3
#define SIDE (2 * RADIUS + 1)
#define SAMPLES (3 * SIDE * SIDE)
#define RING_WIDTH 4
#define EXPLAINED 0.15f   /* RMS distance to the ring up to which a source costs nothing */
#define UNEXPLAINED 0.35f /* and from which it costs the full penalty */
#define TILE 32

typedef struct
{
  const SfPatchImage *image;
  const gint32 *ring, *all;
  int n_ring;
  float *patches, *norms; /* of the ring: n_ring x SAMPLES, n_ring */
  float *map;
} Ring;

/* The patch around pixel @at, SAMPLES floats; returns its squared norm. */
static float
gather (const SfPatchImage *image, gint32 at, float *patch)
{
  const float *rgb = image->rgb + ((gsize) at - RADIUS * (gsize) image->w - RADIUS) * 4;
  float norm = 0;

  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++)
      for (int c = 0; c < 3; c++)
        {
          float v = rgb[((gsize) y * image->w + x) * 4 + c];

          *patch++ = v;
          norm += v * v;
        }
  return norm;
}

static void
ring_tile (gsize begin, gsize end, gpointer data)
{
  const Ring *r = data;
  const int n = (int) (end - begin);
  g_autofree float *patches = g_new (float, n * SAMPLES);
  g_autofree float *dots = g_new (float, (gsize) n * r->n_ring);
  float norms[TILE];

  for (int i = 0; i < n; i++)
    norms[i] = gather (r->image, r->all[begin + i], patches + i * SAMPLES);
  sf_gemm_nt (n, r->n_ring, SAMPLES, patches, r->patches, dots);
  for (int i = 0; i < n; i++)
    {
      float least = G_MAXFLOAT;

      for (int j = 0; j < r->n_ring; j++)
        least = MIN (least, norms[i] + r->norms[j] - 2 * dots[(gsize) i * r->n_ring + j]);
      least = sqrtf (MAX (least, 0) / SAMPLES);
      r->map[r->all[begin + i]] = CLAMP ((least - EXPLAINED) / (UNEXPLAINED - EXPLAINED), 0, 1);
    }
}

gboolean
sf_patch_ring_map (const SfPatchImage *image, float *map, GError **error)
{
  gsize n = (gsize) image->h * image->w;
  g_autofree float *distance = sf_try_alloc (n, sizeof (float), error);
  g_autofree guint8 *outside = sf_try_alloc (n, 1, error);
  g_autofree gint32 *all = sf_try_alloc (n, sizeof (gint32), error);
  g_autofree gint32 *ring = sf_try_alloc (n, sizeof (gint32), error);
  g_autofree float *patches = NULL, *norms = NULL;
  g_autofree guint8 *patch_known = NULL;
  int n_all = 0, n_ring = 0;

  memset (map, 0, n * sizeof (float));
  if (distance == NULL || outside == NULL || all == NULL || ring == NULL)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    outside[i] = image->state[i] != SF_PIXEL_HOLE;
  if (!sf_distance_transform (outside, TRUE, image->h, image->w, FALSE, distance, error))
    return FALSE;
  for (int y = RADIUS; y < image->h - RADIUS; y++)
    for (int x = RADIUS; x < image->w - RADIUS; x++)
      {
        gsize at = (gsize) y * image->w + x;
        gboolean known = TRUE;

        for (int dy = -RADIUS; dy <= RADIUS && known; dy++)
          for (int dx = -RADIUS; dx <= RADIUS && known; dx++)
            known = image->state[at + dy * (gssize) image->w + dx] == SF_PIXEL_KNOWN;
        if (!known)
          continue;
        all[n_all++] = (gint32) at;
        if (distance[at] <= RADIUS + RING_WIDTH)
          ring[n_ring++] = (gint32) at;
      }
  if (n_ring < 8)
    return TRUE;
  patches = sf_try_alloc ((gsize) n_ring * SAMPLES, sizeof (float), error);
  norms = sf_try_alloc (n_ring, sizeof (float), error);
  if (patches == NULL || norms == NULL)
    return FALSE;
  for (int i = 0; i < n_ring; i++)
    norms[i] = gather (image, ring[i], patches + (gsize) i * SAMPLES);
  sf_parallel_for (n_all, TILE, ring_tile, &(Ring) { image, ring, all, n_ring, patches, norms, map }, NULL);
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

        if (mask[i] != value || mask[i - 1] != value || mask[i + 1] != value || mask[i - w] != value || mask[i + w] != value)
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
sf_patch_ring_detail (const SfPatchImage *image, double reach, GError **error)
{
  gsize n = (gsize) image->h * image->w;
  g_autofree float *distance = sf_try_alloc (n, sizeof (float), error);
  g_autofree guint8 *mask = sf_try_alloc (n, 1, error);

  if (distance == NULL || mask == NULL)
    return -1;
  for (gsize i = 0; i < n; i++)
    mask[i] = image->state[i] != SF_PIXEL_HOLE;
  if (!sf_distance_transform (mask, TRUE, image->h, image->w, FALSE, distance, error))
    return -1;
  for (gsize i = 0; i < n; i++)
    mask[i] = image->state[i] == SF_PIXEL_KNOWN && distance[i] <= reach;
  return sf_patch_detail (image->rgb, 4, mask, TRUE, image->h, image->w);
}
