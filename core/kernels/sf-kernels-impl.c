/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All kernels in one C file, compiled once per flavour with -DSF_FLAVOUR=name and that CPU's -m options.
 *
 * V16 is a GCC vector: one register with AVX-512, two with AVX2, four with SSE2.
 */
#include "kernels/sf-kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef float V16 __attribute__ ((vector_size (64)));
typedef float V16u __attribute__ ((vector_size (64), aligned (4), may_alias)); /* loads from anywhere */

#define N_LANES 16
#define MAX_SIDE (2 * SF_PATCH_MAX_RADIUS + 1)
#define MAX_TAPS ((MAX_SIDE * MAX_SIDE + N_LANES - 1) / N_LANES * N_LANES)

static inline V16
load (const float *x)
{
  return *(const V16u *) x;
}

static inline float
sum (V16 x)
{
  float s[8];

  for (int i = 0; i < 8; i++)
    s[i] = x[i] + x[i + 8];
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* exp (x) for x <= 0, relative error below 1e-6; 0 below -87.  x = n ln 2 + f, |f| <= ln 2 / 2; degree-6 Taylor. */
static inline float
exp_negative (float x)
{
  float t = fmaxf (x, -87.0f) * 1.44269504f;
  float n = floorf (t + 0.5f);
  float f = (t - n) * 0.693147181f;
  float e = 1 + f * (1 + f * (0.5f + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 + f * (1.0f / 720))))));
  union
  {
    gint32 i;
    float f;
  } power = { .i = ((gint32) n + 127) << 23 };

  return x < -87.0f ? 0 : e * power.f;
}

/* 64-bit finaliser of MurmurHash3: a hash of (seed, iteration, query, try). */
static inline guint32
hash (guint64 a)
{
  a ^= a >> 33;
  a *= 0xff51afd7ed558ccdULL;
  a ^= a >> 33;
  a *= 0xc4ceb9fe1a85ec53ULL;
  a ^= a >> 33;
  return (guint32) a;
}

/*** Patch distance ***/

/* 1 in the lanes that a row of a patch has beyond its first 16, 0 in the rest: rows are read as 8 pixels. */
static const V16 tail_mask[SF_PATCH_MAX_RADIUS + 1] = {
  { 0 },
  { 0 },
  { 1, 1, 1, 1 },
  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
};
static const V16 head_mask[SF_PATCH_MAX_RADIUS + 1] = {
  { 1, 1, 1, 1 },
  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
};

/* sum W (z - s)^2 over a patch from its first rows' pixels; FLT_MAX as soon as it is known to exceed @best. */
static inline __attribute__ ((always_inline)) float
distance (const float *z, const float *w, gsize z_row, const float *s, gsize s_row, const int r, const gboolean plain,
          float best)
{
  V16 head = { 0 }, tail = { 0 };
  const int side = 2 * r + 1;
  float total = 0;

  for (int y = 0; y < side; y++)
    {
      V16 a = load (z) - load (s);

      if (r < 2)
        a *= head_mask[r];
      head += plain ? a * a : load (w) * a * a;
      if (r >= 2)
        {
          V16 b = (load (z + N_LANES) - load (s + N_LANES)) * tail_mask[r];

          tail += plain ? b * b : load (w + N_LANES) * b * b;
        }
      z += z_row;
      w += z_row;
      s += s_row;
      if (y == side - 1 || (y & 1))
        {
          total = sum (head + tail);
          if (total > best)
            return FLT_MAX;
        }
    }
  return total;
}

static inline float
distance_any (const SfPatchSearch *m, gsize zo, gsize so, gboolean plain, float best)
{
  const float *z = m->z + zo, *w = m->weight + zo, *s = m->s + so;
  gsize z_row = (gsize) m->zw * 4, s_row = (gsize) m->sw * 4;

  switch (m->r * 2 + plain)
    {
    case 7:
      return distance (z, w, z_row, s, s_row, 3, TRUE, best);
    case 6:
      return distance (z, w, z_row, s, s_row, 3, FALSE, best);
    case 5:
      return distance (z, w, z_row, s, s_row, 2, TRUE, best);
    case 4:
      return distance (z, w, z_row, s, s_row, 2, FALSE, best);
    case 3:
      return distance (z, w, z_row, s, s_row, 1, TRUE, best);
    default:
      return distance (z, w, z_row, s, s_row, 1, FALSE, best);
    }
}

/*** Search ***/

/* One query: where it is, and its best source so far. */
typedef struct
{
  int y, x;  /* in the dictionary's coordinates */
  gsize zo;  /* first float of its patch in z */
  gboolean plain;
  int nn;
  float cost;
} Query;

static inline Query
query_open (const SfPatchSearch *m, gsize i)
{
  int y = m->query[i] / m->qw, x = m->query[i] % m->qw;

  return (Query) {
    .y = y + m->dy,
    .x = x + m->dx,
    .zo = ((gsize) (y + m->pad_y - m->r) * m->zw + (x + m->pad_x - m->r)) * 4,
    .plain = m->plain[i],
    .nn = m->nn[i],
    .cost = m->cost[i],
  };
}

/* Takes source (sy, sx) if it costs less than bias * the best so far. */
static inline void
query_try (const SfPatchSearch *m, Query *q, int sy, int sx, float bias)
{
  int s = sy * m->sw + sx;
  float limit = q->cost * bias, fixed = 0, c;
  int ey = sy - q->y, ex = sx - q->x;

  if (s == q->nn || !m->valid[s])
    return;
  if (m->exclude > 0 && ABS (ey) < m->exclude && ABS (ex) < m->exclude)
    return;
  if (m->penalty != NULL)
    fixed = m->penalty[s] * m->penalty_scale;
  fixed += m->mu * (float) (ey * ey + ex * ex);
  if (fixed >= limit)
    return;
  c = distance_any (m, q->zo, ((gsize) (sy - m->r) * m->sw + (sx - m->r)) * 4, q->plain, limit - fixed);
  if (c == FLT_MAX || c + fixed >= limit)
    return;
  q->nn = s;
  q->cost = c + fixed;
}

static void
patch_score (const SfPatchSearch *m, gsize begin, gsize end)
{
  for (gsize i = begin; i < end; i++)
    {
      Query q = query_open (m, i);
      int nn = q.nn;

      q.nn = -1;
      q.cost = FLT_MAX;
      if (nn >= 0)
        query_try (m, &q, nn / m->sw, nn % m->sw, 1);
      for (int t = 0; t < 8 && q.nn < 0; t++)
        {
          int s = m->sources[hash (m->seed * 77777 + (guint64) i * 64 + t) % (guint) m->n_sources];

          query_try (m, &q, s / m->sw, s % m->sw, 1);
        }
      m->nn[i] = q.nn;
      m->cost[i] = q.cost;
    }
}

static void
patch_improve (const SfPatchSearch *m, gsize begin, gsize end)
{
  static const int jump[3] = { 4, 2, 8 };
  const int far = jump[m->iteration % 3];

  for (gsize i = begin; i < end; i++)
    {
      Query q = query_open (m, i);
      int y = m->query[i] / m->qw, x = m->query[i] % m->qw;
      int radius = m->radius;

      for (int j = 0; j < 8; j++) /* propagation: 4 neighbours, then 4 further away */
        {
          int d = j < 4 ? 1 : far;
          int dy = (j % 4 == 0) * d - (j % 4 == 1) * d, dx = (j % 4 == 2) * d - (j % 4 == 3) * d;
          int yy = y + dy, xx = x + dx, other, sy, sx;

          if (yy < 0 || xx < 0 || yy >= m->qh || xx >= m->qw)
            continue;
          other = m->query_map[(gsize) yy * m->qw + xx];
          if (other < 0 || m->old[other] < 0)
            continue;
          sy = m->old[other] / m->sw - dy;
          sx = m->old[other] % m->sw - dx;
          if (sy >= 0 && sx >= 0 && sy < m->sh && sx < m->sw)
            query_try (m, &q, sy, sx, j < 4 ? m->coherence : 1);
        }
      for (int t = 0; t < m->n_random; t++)
        {
          guint32 h = hash (m->seed * 1000003ULL + (guint64) m->iteration * 0x9E3779B97F4A7C15ULL + (guint64) i * 131 + t);

          if (t == 0 || q.nn < 0)
            {
              int s = m->sources[h % (guint) m->n_sources];

              query_try (m, &q, s / m->sw, s % m->sw, 1);
            }
          else
            {
              guint span = 2 * (guint) radius + 1;
              int sy = q.nn / m->sw + (int) ((h & 0xffff) * span >> 16) - radius;
              int sx = q.nn % m->sw + (int) ((h >> 16) * span >> 16) - radius;

              if (sy >= 0 && sx >= 0 && sy < m->sh && sx < m->sw)
                query_try (m, &q, sy, sx, 1);
              radius = MAX (radius / 2, 1);
            }
        }
      m->nn[i] = q.nn;
      m->cost[i] = q.cost;
    }
}

/*** Vote ***/

typedef struct
{
  float v[3][MAX_TAPS];
  float w[MAX_TAPS];
} Taps;

static inline int
taps_gather (const SfPatchVote *m, int y, int x, Taps *taps)
{
  const int r = m->r, side = 2 * r + 1;
  int n = 0;

  for (int dy = -r; dy <= r; dy++)
    {
      int cy = y - dy;

      if (m->wrap_y)
        cy = (cy + m->qh) % m->qh;
      else if (cy < 0 || cy >= m->qh)
        continue;
      for (int dx = -r; dx <= r; dx++)
        {
          int cx = x - dx, q;
          const float *s;

          if (m->wrap_x)
            cx = (cx + m->qw) % m->qw;
          else if (cx < 0 || cx >= m->qw)
            continue;
          q = m->query_map[(gsize) cy * m->qw + cx];
          if (q < 0 || m->weight[q] <= 0)
            continue;
          s = m->s + ((gssize) m->centre[q] + dy * (gssize) m->row + dx * 4);
          taps->v[0][n] = s[0];
          taps->v[1][n] = s[1];
          taps->v[2][n] = s[2];
          taps->w[n++] = m->weight[q] * m->window[(dy + r) * side + dx + r];
        }
    }
  return n;
}

/* Weighted mean of the taps; with @scale > 0 each weight is first multiplied by exp (-|v - mean|^2 * scale). */
static inline void
taps_mean (const Taps *taps, int n, float scale, float mean[3])
{
  float total = 0, a = 0, b = 0, c = 0;
  const float m0 = mean[0], m1 = mean[1], m2 = mean[2];

#pragma omp simd reduction(+ : total, a, b, c)
  for (int i = 0; i < n; i++)
    {
      float d0 = taps->v[0][i] - m0, d1 = taps->v[1][i] - m1, d2 = taps->v[2][i] - m2;
      float w = taps->w[i];

      if (scale > 0)
        w *= exp_negative (-(d0 * d0 + d1 * d1 + d2 * d2) * scale) + 1e-9f;
      total += w;
      a += w * taps->v[0][i];
      b += w * taps->v[1][i];
      c += w * taps->v[2][i];
    }
  mean[0] = a / total;
  mean[1] = b / total;
  mean[2] = c / total;
}

static void
patch_vote (const SfPatchVote *m, gsize begin, gsize end)
{
  float scale = m->robust > 0 ? 1 / (2 * m->robust * m->robust) : 0;
  Taps taps;

  for (gsize i = begin; i < end; i++)
    {
      int y = m->pixel[i] / m->qw, x = m->pixel[i] % m->qw;
      int n = taps_gather (m, y, x, &taps);
      float mean[3] = { 0 };
      float *out = m->out + (gsize) m->pixel[i] * 4;

      if (n == 0)
        continue;
      taps_mean (&taps, n, 0, mean);
      if (scale > 0)
        for (int pass = 0; pass < 2; pass++)
          taps_mean (&taps, n, scale, mean);
      memcpy (out, mean, sizeof mean);
    }
}

/*** Vectors ***/

static void
combine (float *out, float a, const float *x, float b, const float *y, gsize n)
{
#pragma omp simd
  for (gsize i = 0; i < n; i++)
    out[i] = a * x[i] + b * y[i];
}

static float
softmin (float *d, gsize n, float scale, gsize *best)
{
  float least = d[0], total = 0;

  *best = 0;
  for (gsize i = 1; i < n; i++)
    if (d[i] < least)
      {
        least = d[i];
        *best = i;
      }
#pragma omp simd reduction(+ : total)
  for (gsize i = 0; i < n; i++)
    {
      d[i] = exp_negative ((least - d[i]) * scale);
      total += d[i];
    }
  return total;
}

#define CONCAT(a, b) a##b
#define TABLE(flavour) CONCAT (sf_kernels_, flavour)
#define STRING(name) #name
#define NAME(flavour) STRING (flavour)

extern const SfKernels TABLE (SF_FLAVOUR);

const SfKernels TABLE (SF_FLAVOUR) = {
  .name = NAME (SF_FLAVOUR),
  .patch_score = patch_score,
  .patch_improve = patch_improve,
  .patch_vote = patch_vote,
  .combine = combine,
  .softmin = softmin,
};
