/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edges come from the structure tensor over known pixels, in a ring just outside of the hole.  Thresholds: measured on
 * eleven holes.
 */
#include "denoisers/sf-patch-edge.h"

#include <math.h>

#include "base/sf-error.h"
#include "tensor/sf-image.h"

#define MAX_EDGES 80
#define RING_NEAR 1.4
#define RING_FAR 3.0
#define BAND_FAR 6.0
#define MIN_STRENGTH 0.035
#define MEDIAN_FACTOR 1.2      /* of the median strength in the band: switches bridging off in textures */
#define MIN_COHERENCE 0.5
#define MIN_INWARD 0.35        /* |tangent . inward normal| */
#define TENSOR_SIGMA 2.0

typedef struct
{
  SfEdgeEnd at;
  float strength;
} Edge;

/* The structure tensor (xx, xy, yy), averaged over known pixels only, and the inward normal of the hole. */
typedef struct
{
  const SfPatchImage *image;
  float *xx, *xy, *yy;
  float *weight;          /* of the average */
  float *known;           /* distance to what is not known */
  float *inside;          /* distance to the hole's edge, negative outside; smoothed */
  float *ny, *nx;         /* inward */
} Analysis;

static void
analysis_free (Analysis *a)
{
  g_free (a->xx);
  g_free (a->xy);
  g_free (a->yy);
  g_free (a->weight);
  g_free (a->known);
  g_free (a->inside);
  g_free (a->ny);
  g_free (a->nx);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Analysis, analysis_free)

static void
gradient_rows (gsize begin, gsize end, gpointer data)
{
  const Analysis *a = data;
  const SfPatchImage *image = a->image;
  const int h = image->h, w = image->w;

  for (int y = MAX ((int) begin, 1); y < MIN ((int) end, h - 1); y++)
    for (int x = 1; x < w - 1; x++)
      {
        gsize i = (gsize) y * w + x;

        if (!sf_patch_cross_is (image->state, i, w, SF_PIXEL_KNOWN))
          continue;
        a->weight[i] = 1;
        for (int c = 0; c < 3; c++)
          {
            const float *p = image->rgb + i * 4 + c;
            float gx = (p[4] - p[-4]) / 2, gy = (p[4 * (gssize) w] - p[-4 * (gssize) w]) / 2;

            a->xx[i] += gx * gx / 3;
            a->xy[i] += gx * gy / 3;
            a->yy[i] += gy * gy / 3;
          }
      }
}

/* After the smoothing. */
static void
mean_tile (gsize begin, gsize end, gpointer data)
{
  const Analysis *a = data;

  for (gsize i = begin; i < end; i++)
    {
      float inverse = 1 / MAX (a->weight[i], 1e-6f);

      a->xx[i] *= inverse;
      a->xy[i] *= inverse;
      a->yy[i] *= inverse;
      a->inside[i] = MIN (a->inside[i], 1e4f) - MIN (a->known[i], 1e4f);
    }
}

static void
normal_rows (gsize begin, gsize end, gpointer data)
{
  const Analysis *a = data;
  const int h = a->image->h, w = a->image->w;

  for (int y = (int) begin; y < (int) end; y++)
    for (int x = 0; x < w; x++)
      {
        int y0 = MAX (y - 1, 0), y1 = MIN (y + 1, h - 1), x0 = MAX (x - 1, 0), x1 = MIN (x + 1, w - 1);
        float ny = (a->inside[(gsize) y1 * w + x] - a->inside[(gsize) y0 * w + x]) / MAX (y1 - y0, 1);
        float nx = (a->inside[(gsize) y * w + x1] - a->inside[(gsize) y * w + x0]) / MAX (x1 - x0, 1);
        float length = hypotf (ny, nx) + 1e-9f;

        a->ny[(gsize) y * w + x] = ny / length;
        a->nx[(gsize) y * w + x] = nx / length;
      }
}

static gboolean
analyse (Analysis *a, const SfProgress *progress, GError **error)
{
  const SfPatchImage *image = a->image;
  const int h = image->h, w = image->w;
  gsize n = (gsize) h * w;
  float **maps[] = { &a->xx, &a->xy, &a->yy, &a->weight, &a->known, &a->inside, &a->ny, &a->nx };
  GCancellable *cancellable = sf_progress_cancellable (progress);

  for (gsize i = 0; i < G_N_ELEMENTS (maps); i++)
    if ((*maps[i] = sf_try_alloc (n, sizeof (float), error)) == NULL)
      return FALSE;
  sf_parallel_for (h, 16, gradient_rows, a, cancellable);
  for (gsize i = 0; i < 4; i++)
    sf_gaussian_blur (*maps[i], h, w, TENSOR_SIGMA, cancellable);
  sf_distance_transform (image->state, SF_PIXEL_KNOWN, h, w, FALSE, a->known, cancellable);
  sf_distance_transform (image->state, SF_PIXEL_HOLE, h, w, FALSE, a->inside, cancellable);
  sf_parallel_for (n, 4096, mean_tile, a, cancellable);
  sf_gaussian_blur (a->inside, h, w, 1.5, cancellable);
  return sf_patch_for (h, 16, normal_rows, a, progress, error);
}

static float
strength_at (const Analysis *a, gsize i, float *coherence)
{
  float trace = a->xx[i] + a->yy[i], d = a->xx[i] - a->yy[i];
  float difference = sqrtf (d * d + 4 * a->xy[i] * a->xy[i]);

  *coherence = difference / MAX (trace, 1e-9f);
  return sqrtf (MAX (trace + difference, 0) / 2);
}

static int
compare_floats (gconstpointer a, gconstpointer b)
{
  float x = *(const float *) a, y = *(const float *) b;

  return (x > y) - (x < y);
}

/* The strength that counts as an edge here. */
static float
edge_threshold (const Analysis *a)
{
  g_autoptr (GArray) band = g_array_new (FALSE, FALSE, sizeof (float));
  float median;

  for (gsize i = 0; i < (gsize) a->image->h * a->image->w; i++)
    if (a->known[i] >= RING_NEAR && a->known[i] < BAND_FAR)
      {
        float coherence, strength = strength_at (a, i, &coherence);

        g_array_append_val (band, strength);
      }
  if (band->len == 0)
    return MIN_STRENGTH;
  g_array_sort (band, compare_floats);
  median = g_array_index (band, float, band->len / 2);
  return MAX (MIN_STRENGTH, MEDIAN_FACTOR * median);
}

static int
compare_strength (gconstpointer a, gconstpointer b)
{
  float x = ((const Edge *) a)->strength, y = ((const Edge *) b)->strength;

  return (x < y) - (x > y);
}

static gboolean
edge_at (const Analysis *a, int y, int x, float threshold, Edge *edge)
{
  gsize i = (gsize) y * a->image->w + x;
  float coherence, strength;
  double angle, inward;

  if (a->known[i] < RING_NEAR || a->known[i] >= RING_FAR)
    return FALSE;
  strength = strength_at (a, i, &coherence);
  if (strength <= threshold || coherence <= MIN_COHERENCE)
    return FALSE;
  angle = 0.5 * atan2 (2 * a->xy[i], a->xx[i] - a->yy[i]); /* of the gradient */
  *edge = (Edge) { .at = { y, x, -cos (angle), sin (angle) }, .strength = strength };
  inward = edge->at.ty * a->ny[i] + edge->at.tx * a->nx[i];
  if (inward < 0)
    {
      edge->at.ty = -edge->at.ty;
      edge->at.tx = -edge->at.tx;
    }
  return fabs (inward) > MIN_INWARD;
}

/* Does the edge at @e belong to the one at @k?  Several pixels of the ring see the same edge. */
static gboolean
is_same_edge (const SfEdgeEnd *e, const SfEdgeEnd *k)
{
  double dy = e->y - k->y, dx = e->x - k->x;

  return fabs (dy * k->tx - dx * k->ty) < 2.2 && hypot (dy, dx) < 5;
}

GArray *
sf_patch_find_edges (const SfPatchImage *image, const SfProgress *progress, GError **error)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (Edge));
  g_auto (Analysis) analysis = { .image = image };
  GArray *kept;
  float threshold;

  if (!analyse (&analysis, progress, error))
    return NULL;
  threshold = edge_threshold (&analysis);
  for (int y = 2; y < image->h - 2; y++)
    for (int x = 2; x < image->w - 2; x++)
      {
        Edge edge;

        if (edge_at (&analysis, y, x, threshold, &edge))
          g_array_append_val (all, edge);
      }
  g_array_sort (all, compare_strength);
  kept = g_array_new (FALSE, FALSE, sizeof (SfEdgeEnd));
  for (guint i = 0; i < all->len && kept->len < MAX_EDGES; i++)
    {
      const SfEdgeEnd *end = &g_array_index (all, Edge, i).at;
      gboolean fresh = TRUE;

      for (guint j = 0; j < kept->len && fresh; j++)
        fresh = !is_same_edge (end, &g_array_index (kept, SfEdgeEnd, j));
      if (fresh)
        g_array_append_vals (kept, end, 1);
    }
  return kept;
}

void
sf_patch_read_profile (const SfPatchImage *image, const SfEdgeEnd *end, int side, int half, double reach, double step,
                       SfProfile *out)
{
  for (int u = -half; u <= half; u++)
    {
      float sum[3] = { 0 };
      int n = 0;

      for (double back = 0; back <= reach + 1e-6; back += step)
        {
          int y = (int) lrint (end->y - back * end->ty + u * side * end->tx);
          int x = (int) lrint (end->x - back * end->tx - u * side * end->ty);
          gsize i = (gsize) CLAMP (y, 0, image->h - 1) * image->w + CLAMP (x, 0, image->w - 1);

          if (image->state[i] != SF_PIXEL_KNOWN)
            continue;
          n++;
          for (int c = 0; c < 3; c++)
            sum[c] += image->rgb[i * 4 + c];
        }
      out->has[u + half] = n > 0;
      for (int c = 0; c < 3; c++)
        out->color[u + half][c] = n > 0 ? sum[c] / n : 0;
    }
}
