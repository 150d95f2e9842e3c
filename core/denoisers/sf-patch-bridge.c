/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edges come from the structure tensor over known pixels, in a ring just outside of the hole.  A pair costs
 *   (sa^2 + sb^2 + sa sb) / (15 deg)^2 + 2 (d / 2 contrast)^2 + 0.1 L / max (h, w)
 * with sa, sb the signed angles between the tangents and the chord (an arc, sa = -sb, costs least), d the difference
 * of the colour profiles across the edge, L the chord.  The cheapest pairs are taken first, each end once, without
 * crossings; an end with an almost as good rival elsewhere is left alone.  Thresholds: measured on eleven holes.
 */
#include "denoisers/sf-patch-bridge.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "tensor/sf-image.h"

#define MAX_ENDS 80
#define HALF_WIDTH 3           /* of the profile, at the level where strokes are found */
#define MAX_HALF_WIDTH 64
#define RING_NEAR 1.4
#define RING_FAR 3.0
#define BAND_FAR 6.0
#define MIN_STRENGTH 0.035
#define MEDIAN_FACTOR 1.2      /* of the median strength in the band: switches bridging off in textures */
#define MIN_COHERENCE 0.5
#define MIN_INWARD 0.35        /* |tangent . inward normal| */
#define MAX_ANGLE (40 * G_PI / 180)
#define ANGLE_SCALE (15 * G_PI / 180)
#define MAX_COST 1.5
#define AMBIGUITY 0.25
#define MAX_PROFILE_DIFFERENCE 0.22
#define TENSOR_SIGMA 2.0

typedef struct
{
  SfEdgeEnd at;
  double ny, nx;   /* unit normal, rot90 of the tangent */
  float strength;
  float profile[2 * MAX_HALF_WIDTH + 1][3];
  gboolean has[2 * MAX_HALF_WIDTH + 1];
} End;

typedef struct
{
  double cost, length;
  int i, j;
} Pair;

/*** Edges ***/

/* The structure tensor (xx, xy, yy), averaged over known pixels only, and the inward normal of the hole. */
typedef struct
{
  float *xx, *xy, *yy;
  float *known;           /* distance to what is not known */
  float *ny, *nx;         /* inward */
} Analysis;

static void
analysis_free (Analysis *a)
{
  g_free (a->xx);
  g_free (a->xy);
  g_free (a->yy);
  g_free (a->known);
  g_free (a->ny);
  g_free (a->nx);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Analysis, analysis_free)

static gboolean
tensor_fill (const SfPatchImage *image, Analysis *a, GError **error)
{
  const int h = image->h, w = image->w;
  g_autofree float *weight = sf_try_alloc ((gsize) h * w, sizeof (float), error);

  if (weight == NULL)
    return FALSE;
  for (int y = 1; y < h - 1; y++)
    for (int x = 1; x < w - 1; x++)
      {
        gsize i = (gsize) y * w + x;

        if (!sf_patch_cross_is (image->state, i, w, SF_PIXEL_KNOWN))
          continue;
        weight[i] = 1;
        for (int c = 0; c < 3; c++)
          {
            const float *p = image->rgb + i * 4 + c;
            float gx = (p[4] - p[-4]) / 2, gy = (p[4 * (gssize) w] - p[-4 * (gssize) w]) / 2;

            a->xx[i] += gx * gx / 3;
            a->xy[i] += gx * gy / 3;
            a->yy[i] += gy * gy / 3;
          }
      }
  sf_gaussian_blur (a->xx, h, w, TENSOR_SIGMA);
  sf_gaussian_blur (a->xy, h, w, TENSOR_SIGMA);
  sf_gaussian_blur (a->yy, h, w, TENSOR_SIGMA);
  sf_gaussian_blur (weight, h, w, TENSOR_SIGMA);
  for (gsize i = 0; i < (gsize) h * w; i++)
    {
      float inverse = 1 / MAX (weight[i], 1e-6f);

      a->xx[i] *= inverse;
      a->xy[i] *= inverse;
      a->yy[i] *= inverse;
    }
  return TRUE;
}

static gboolean
analyse (const SfPatchImage *image, Analysis *a, GError **error)
{
  const int h = image->h, w = image->w;
  gsize n = (gsize) h * w;
  g_autofree float *inside = sf_try_alloc (n, sizeof (float), error);

  if (inside == NULL || (a->xx = sf_try_alloc (n, sizeof (float), error)) == NULL ||
      (a->xy = sf_try_alloc (n, sizeof (float), error)) == NULL ||
      (a->yy = sf_try_alloc (n, sizeof (float), error)) == NULL ||
      (a->known = sf_try_alloc (n, sizeof (float), error)) == NULL ||
      (a->ny = sf_try_alloc (n, sizeof (float), error)) == NULL ||
      (a->nx = sf_try_alloc (n, sizeof (float), error)) == NULL || !tensor_fill (image, a, error))
    return FALSE;
  sf_distance_transform (image->state, SF_PIXEL_KNOWN, h, w, FALSE, a->known);
  sf_distance_transform (image->state, SF_PIXEL_HOLE, h, w, FALSE, inside);
  for (gsize i = 0; i < n; i++)
    inside[i] = MIN (inside[i], 1e4f) - MIN (a->known[i], 1e4f);
  sf_gaussian_blur (inside, h, w, 1.5);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      {
        int y0 = MAX (y - 1, 0), y1 = MIN (y + 1, h - 1), x0 = MAX (x - 1, 0), x1 = MIN (x + 1, w - 1);
        float ny = (inside[(gsize) y1 * w + x] - inside[(gsize) y0 * w + x]) / MAX (y1 - y0, 1);
        float nx = (inside[(gsize) y * w + x1] - inside[(gsize) y * w + x0]) / MAX (x1 - x0, 1);
        float length = hypotf (ny, nx) + 1e-9f;

        a->ny[(gsize) y * w + x] = ny / length;
        a->nx[(gsize) y * w + x] = nx / length;
      }
  return TRUE;
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
edge_threshold (const SfPatchImage *image, const Analysis *a)
{
  g_autoptr (GArray) band = g_array_new (FALSE, FALSE, sizeof (float));
  float median;

  for (gsize i = 0; i < (gsize) image->h * image->w; i++)
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
  float x = ((const End *) a)->strength, y = ((const End *) b)->strength;

  return (x < y) - (x > y);
}

static gboolean
end_at (const SfPatchImage *image, const Analysis *a, int y, int x, float threshold, End *end)
{
  gsize i = (gsize) y * image->w + x;
  float coherence, strength;
  double angle, inward;

  if (a->known[i] < RING_NEAR || a->known[i] >= RING_FAR)
    return FALSE;
  strength = strength_at (a, i, &coherence);
  if (strength <= threshold || coherence <= MIN_COHERENCE)
    return FALSE;
  angle = 0.5 * atan2 (2 * a->xy[i], a->xx[i] - a->yy[i]); /* of the gradient */
  *end = (End) { .at = { y, x, -cos (angle), sin (angle) }, .strength = strength };
  inward = end->at.ty * a->ny[i] + end->at.tx * a->nx[i];
  if (inward < 0)
    {
      end->at.ty = -end->at.ty;
      end->at.tx = -end->at.tx;
    }
  end->ny = end->at.tx;
  end->nx = -end->at.ty;
  return fabs (inward) > MIN_INWARD;
}

/* The ends, strongest first, thinned across the edge: one edge is seen by several pixels of the ring. */
static GArray *
find_ends (const SfPatchImage *image, const Analysis *a)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (End));
  GArray *kept = g_array_new (FALSE, FALSE, sizeof (End));
  float threshold = edge_threshold (image, a);

  for (int y = 2; y < image->h - 2; y++)
    for (int x = 2; x < image->w - 2; x++)
      {
        End end;

        if (end_at (image, a, y, x, threshold, &end))
          g_array_append_val (all, end);
      }
  g_array_sort (all, compare_strength);
  for (guint i = 0; i < all->len && kept->len < MAX_ENDS; i++)
    {
      const End *e = &g_array_index (all, End, i);
      gboolean fresh = TRUE;

      for (guint j = 0; j < kept->len && fresh; j++)
        {
          const End *k = &g_array_index (kept, End, j);
          double dy = e->at.y - k->at.y, dx = e->at.x - k->at.x;

          fresh = fabs (dy * k->ny + dx * k->nx) >= 2.2 || hypot (dy, dx) >= 5;
        }
      if (fresh)
        g_array_append_vals (kept, e, 1);
    }
  return kept;
}

/* Colours at u = -half…half across the edge at (@y, @x), averaged over @reach pixels outwards; known pixels only. */
static void
read_profile (const SfPatchImage *image, double y, double x, const End *end, int half, double reach, double step,
              End *out)
{
  for (int u = -half; u <= half; u++)
    {
      float sum[3] = { 0 };
      int n = 0;

      for (double back = 0; back <= reach + 1e-6; back += step)
        {
          int yi = (int) lrint (y - back * end->at.ty + u * end->ny);
          int xi = (int) lrint (x - back * end->at.tx + u * end->nx);
          gsize i = (gsize) CLAMP (yi, 0, image->h - 1) * image->w + CLAMP (xi, 0, image->w - 1);

          if (image->state[i] != SF_PIXEL_KNOWN)
            continue;
          n++;
          for (int c = 0; c < 3; c++)
            sum[c] += image->rgb[i * 4 + c];
        }
      out->has[u + half] = n > 0;
      for (int c = 0; c < 3; c++)
        out->profile[u + half][c] = n > 0 ? sum[c] / n : 0;
    }
}

/*** Pairs ***/

/* Mean over the channels of the standard deviation along the profile. */
static double
contrast (const End *e)
{
  double total = 0;

  for (int c = 0; c < 3; c++)
    {
      double sum = 0, squares = 0;
      int n = 0;

      for (int u = 0; u <= 2 * HALF_WIDTH; u++)
        if (e->has[u])
          {
            sum += e->profile[u][c];
            squares += (double) e->profile[u][c] * e->profile[u][c];
            n++;
          }
      if (n > 0)
        total += sqrt (MAX (squares / n - sum * sum / ((double) n * n), 0)) / 3;
    }
  return total;
}

/* RMS difference of a's profile and b's, which is seen from the other side; negative if they share too few samples. */
static double
profile_difference (const End *a, const End *b)
{
  double sum = 0, weights = 0;
  int shared = 0;

  for (int u = 0; u <= 2 * HALF_WIDTH; u++)
    {
      double d = u - HALF_WIDTH, weight = exp (-d * d / (2 * 0.25 * HALF_WIDTH * HALF_WIDTH));

      if (!a->has[u] || !b->has[2 * HALF_WIDTH - u])
        continue;
      shared++;
      weights += 3 * weight;
      for (int c = 0; c < 3; c++)
        sum += weight * pow (a->profile[u][c] - b->profile[2 * HALF_WIDTH - u][c], 2);
    }
  return shared >= HALF_WIDTH ? sqrt (sum / weights) : -1;
}

/* Share of the chord that lies in the hole. */
static double
share_inside (const SfPatchImage *image, const SfEdgeEnd *a, const SfEdgeEnd *b, double length)
{
  int n = MAX (8, (int) length), inside = 0;

  for (int k = 0; k < n; k++)
    {
      double t = (double) k / (n - 1);
      int y = (int) lrint (a->y + t * (b->y - a->y)), x = (int) lrint (a->x + t * (b->x - a->x));

      inside += image->state[(gsize) y * image->w + x] == SF_PIXEL_HOLE;
    }
  return (double) inside / n;
}

static gboolean
pair_cost (const SfPatchImage *image, const End *a, const End *b, Pair *pair)
{
  double dy = b->at.y - a->at.y, dx = b->at.x - a->at.x, length = hypot (dy, dx), sa, sb, d, con;

  if (length < 5)
    return FALSE;
  dy /= length;
  dx /= length;
  sa = atan2 (a->at.tx * dy - a->at.ty * dx, a->at.ty * dy + a->at.tx * dx);
  sb = atan2 (-(b->at.tx * dy - b->at.ty * dx), -(b->at.ty * dy + b->at.tx * dx));
  if (fabs (sa) > MAX_ANGLE || fabs (sb) > MAX_ANGLE)
    return FALSE;
  if (share_inside (image, &a->at, &b->at, length) < MIN (0.6, length > 8 ? 1 - 8 / length : 0.2))
    return FALSE;
  d = profile_difference (a, b);
  con = MAX (1e-3, 0.5 * (contrast (a) + contrast (b)));
  if (d < 0 || d > MAX_PROFILE_DIFFERENCE || d > 1.5 * con)
    return FALSE;
  pair->length = length;
  pair->cost = (sa * sa + sb * sb + sa * sb) / (ANGLE_SCALE * ANGLE_SCALE) + 2 * pow (d / (2 * con), 2) +
               0.1 * length / MAX (image->h, image->w);
  return TRUE;
}

static int
compare_pairs (gconstpointer a, gconstpointer b)
{
  const Pair *p = a, *q = b;

  if (p->cost != q->cost)
    return p->cost < q->cost ? -1 : 1;
  return p->i != q->i ? p->i - q->i : p->j - q->j;
}

/* Does an end of @pair have another partner, somewhere else, that is almost as good? */
static gboolean
is_ambiguous (const GArray *pairs, const Pair *pair, const End *ends, const gboolean *used)
{
  for (guint k = 0; k < pairs->len; k++)
    {
      const Pair *p = &g_array_index (pairs, Pair, k);

      if (p->cost > pair->cost + AMBIGUITY || (p->i == pair->i && p->j == pair->j))
        return FALSE;
      if (used[p->i] || used[p->j])
        continue;
      for (int side = 0; side < 2; side++)
        {
          int end = side == 0 ? pair->i : pair->j, partner = side == 0 ? pair->j : pair->i;
          int rival = p->i == end ? p->j : p->j == end ? p->i
                                                       : -1;

          if (rival < 0)
            continue;
          if (hypot (ends[rival].at.y - ends[partner].at.y, ends[rival].at.x - ends[partner].at.x) > HALF_WIDTH)
            return TRUE;
        }
    }
  return FALSE;
}

static double
turn (const SfEdgeEnd *a, const SfEdgeEnd *b, const SfEdgeEnd *c)
{
  return (b->y - a->y) * (c->x - a->x) - (b->x - a->x) * (c->y - a->y);
}

static gboolean
crosses_any (const GArray *strokes, const SfEdgeEnd *a, const SfEdgeEnd *b)
{
  for (guint k = 0; k < strokes->len; k++)
    {
      const SfStroke *s = &g_array_index (strokes, SfStroke, k);

      if (turn (a, b, &s->a) * turn (a, b, &s->b) < 0 && turn (&s->a, &s->b, a) * turn (&s->a, &s->b, b) < 0)
        return TRUE;
    }
  return FALSE;
}

GArray *
sf_patch_find_strokes (const SfPatchImage *image, GError **error)
{
  g_autoptr (GArray) strokes = g_array_new (FALSE, FALSE, sizeof (SfStroke));
  g_autoptr (GArray) pairs = g_array_new (FALSE, FALSE, sizeof (Pair));
  g_autoptr (GArray) found = NULL;
  g_auto (Analysis) analysis = { 0 };
  gboolean used[MAX_ENDS] = { 0 };
  End *ends;

  if (!analyse (image, &analysis, error))
    return NULL;
  found = find_ends (image, &analysis);
  ends = (End *) (gpointer) found->data;
  for (guint i = 0; i < found->len; i++)
    read_profile (image, ends[i].at.y, ends[i].at.x, &ends[i], HALF_WIDTH, 2, 1, &ends[i]);
  for (guint i = 0; i < found->len; i++)
    for (guint j = i + 1; j < found->len; j++)
      {
        Pair pair = { .i = (int) i, .j = (int) j };

        if (pair_cost (image, &ends[i], &ends[j], &pair))
          g_array_append_val (pairs, pair);
      }
  g_array_sort (pairs, compare_pairs);
  for (guint k = 0; k < pairs->len; k++)
    {
      const Pair *p = &g_array_index (pairs, Pair, k);
      SfStroke stroke = { ends[p->i].at, ends[p->j].at, p->length };

      if (p->cost > MAX_COST)
        break;
      if (used[p->i] || used[p->j] || is_ambiguous (pairs, p, ends, used) || crosses_any (strokes, &stroke.a, &stroke.b))
        continue;
      used[p->i] = used[p->j] = TRUE;
      g_array_append_val (strokes, stroke);
    }
  return g_steal_pointer (&strokes);
}

/*** Painting ***/

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
  const int half = MIN ((int) lrint (HALF_WIDTH * scale), MAX_HALF_WIDTH), oversampling = 3;
  SfEdgeEnd a = stroke->a, b = stroke->b;
  double length = stroke->length * scale;
  int n = (int) (length * oversampling) + 2;
  End from = { .at = a, .ny = a.tx, .nx = -a.ty }, to = { .at = b, .ny = -b.tx, .nx = b.ty };

  a.y = (a.y + 0.5) * scale - 0.5;
  a.x = (a.x + 0.5) * scale - 0.5;
  b.y = (b.y + 0.5) * scale - 0.5;
  b.x = (b.x + 0.5) * scale - 0.5;
  read_profile (image, a.y, a.x, &from, half, 2 * scale, 0.5 * scale, &from);
  read_profile (image, b.y, b.x, &to, half, 2 * scale, 0.5 * scale, &to);
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
            color[c] = (float) (from.profile[u + half][c] * (1 - t) + to.profile[u + half][c] * t);
          splat (frame, at[0] + u * tangent[1], at[1] - u * tangent[0], color,
                 exp (-u * u / (2 * sigma * sigma)) / oversampling, guide, total);
        }
    }
}

void
sf_patch_paint_strokes (const SfPatchImage *image, const GArray *strokes, double scale, const SfPatchFrame *frame,
                        float *guide, float *confidence)
{
  SfPatchFrame whole = { .h = image->h, .w = image->w }, f = frame != NULL ? *frame : whole;

  memset (guide, 0, (gsize) f.h * f.w * 4 * sizeof (float));
  memset (confidence, 0, (gsize) f.h * f.w * sizeof (float));
  for (guint k = 0; k < strokes->len; k++)
    paint_stroke (image, &f, &g_array_index (strokes, SfStroke, k), scale, guide, confidence);
  for (int y = 0; y < f.h; y++)
    for (int x = 0; x < f.w; x++)
      {
        gsize i = (gsize) y * f.w + x;
        gboolean hole = image->state[(gsize) (y + f.y) * image->w + x + f.x] == SF_PIXEL_HOLE;

        for (int c = 0; c < 3 && confidence[i] > 0; c++)
          guide[i * 4 + c] /= MAX (confidence[i], 1e-9f);
        confidence[i] = hole ? MIN (confidence[i], 1) : 0;
      }
}
