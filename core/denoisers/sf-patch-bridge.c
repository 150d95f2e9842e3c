/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pair of edges costs
 *   (sa^2 + sb^2 + sa sb) / (15 deg)^2 + 2 (d / 2 contrast)^2 + 0.1 L / max (h, w)
 * with sa, sb the signed angles between the tangents and the chord (an arc, sa = -sb, costs least), d the difference
 * of the colour profiles across the edge, L the chord.  The cheapest pairs are taken first, each end once, without
 * crossings; an end with an almost as good rival elsewhere is left alone.  Thresholds: measured on eleven holes.
 */
#include "denoisers/sf-patch-bridge.h"

#include <math.h>

#define MAX_ANGLE (40 * G_PI / 180)
#define ANGLE_SCALE (15 * G_PI / 180)
#define MAX_COST 1.5
#define AMBIGUITY 0.25
#define MAX_PROFILE_DIFFERENCE 0.22

typedef struct
{
  SfEdgeEnd at;
  SfProfile profile;
} End;

typedef struct
{
  double cost, length;
  int i, j;
} Pair;

/* Mean over the channels of the standard deviation along the profile. */
static double
contrast (const SfProfile *p)
{
  double total = 0;

  for (int c = 0; c < 3; c++)
    {
      double sum = 0, squares = 0;
      int n = 0;

      for (int u = 0; u <= 2 * SF_STROKE_HALF_WIDTH; u++)
        if (p->has[u])
          {
            sum += p->color[u][c];
            squares += (double) p->color[u][c] * p->color[u][c];
            n++;
          }
      if (n > 0)
        total += sqrt (MAX (squares / n - sum * sum / ((double) n * n), 0)) / 3;
    }
  return total;
}

/* RMS difference of a's profile and b's, which is seen from the other side; negative if they share too few samples. */
static double
profile_difference (const SfProfile *a, const SfProfile *b)
{
  double sum = 0, weights = 0;
  int shared = 0;

  for (int u = 0; u <= 2 * SF_STROKE_HALF_WIDTH; u++)
    {
      double d = u - SF_STROKE_HALF_WIDTH, weight = exp (-d * d / (2 * 0.25 * SF_STROKE_HALF_WIDTH * SF_STROKE_HALF_WIDTH));

      if (!a->has[u] || !b->has[2 * SF_STROKE_HALF_WIDTH - u])
        continue;
      shared++;
      weights += 3 * weight;
      for (int c = 0; c < 3; c++)
        sum += weight * pow (a->color[u][c] - b->color[2 * SF_STROKE_HALF_WIDTH - u][c], 2);
    }
  return shared >= SF_STROKE_HALF_WIDTH ? sqrt (sum / weights) : -1;
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
  d = profile_difference (&a->profile, &b->profile);
  con = MAX (1e-3, 0.5 * (contrast (&a->profile) + contrast (&b->profile)));
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
          if (hypot (ends[rival].at.y - ends[partner].at.y, ends[rival].at.x - ends[partner].at.x) > SF_STROKE_HALF_WIDTH)
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
sf_patch_find_strokes (const SfPatchImage *image, const SfProgress *progress, GError **error)
{
  g_autoptr (GArray) edges = sf_patch_find_edges (image, progress, error);
  g_autoptr (GArray) pairs = g_array_new (FALSE, FALSE, sizeof (Pair));
  g_autofree gboolean *used = NULL;
  g_autofree End *ends = NULL;
  GArray *strokes;

  if (edges == NULL)
    return NULL;
  used = g_new0 (gboolean, edges->len);
  ends = g_new (End, edges->len);
  for (guint i = 0; i < edges->len; i++)
    {
      ends[i].at = g_array_index (edges, SfEdgeEnd, i);
      sf_patch_read_profile (image, &ends[i].at, 1, SF_STROKE_HALF_WIDTH, 2, 1, &ends[i].profile);
    }
  for (guint i = 0; i < edges->len; i++)
    for (guint j = i + 1; j < edges->len; j++)
      {
        Pair pair = { .i = (int) i, .j = (int) j };

        if (pair_cost (image, &ends[i], &ends[j], &pair))
          g_array_append_val (pairs, pair);
      }
  g_array_sort (pairs, compare_pairs);
  strokes = g_array_new (FALSE, FALSE, sizeof (SfStroke));
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
  return strokes;
}
