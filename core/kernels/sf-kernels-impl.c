/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The patch engine's kernels in one C file, compiled once per flavour.
 *
 * V16 is a GCC vector: one register with AVX-512, two with AVX2, four with SSE2.
 */
#include "kernels/sf-kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/sf-flavour.h"

typedef float V16 __attribute__ ((vector_size (64)));
typedef float V16u __attribute__ ((vector_size (64), aligned (4), may_alias)); /* loads from anywhere */

typedef float V8 __attribute__ ((vector_size (32), may_alias));
typedef float V4 __attribute__ ((vector_size (16), may_alias));

#define N_LANES 16
#define MAX_RANDOM 16
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
  V8 eight = *(const V8 *) &x + *((const V8 *) &x + 1);
  V4 four = *(const V4 *) &eight + *((const V4 *) &eight + 1);

  return (four[0] + four[2]) + (four[1] + four[3]);
}

/* exp (x) for x <= 0, relative error below 1e-6; 0 below -87.  x = n ln 2 + f, |f| <= ln 2 / 2; degree-6 Taylor. */
static inline float
exp_negative (float x)
{
  float clamped = x > -87.0f ? x : -87.0f;
  gint32 n = (gint32) (clamped * 1.44269504f - 0.5f); /* rounds, as it truncates towards 0 */
  float f = clamped - n * 0.693147181f;
  float e = 1 + f * (1 + f * (0.5f + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 + f * (1.0f / 720))))));
  union
  {
    gint32 i;
    float f;
  } power = { .i = (n + 127) << 23 };

  return x > -87.0f ? e * power.f : 0;
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

/*** Search ***/

/* One query: where it is, and its best source so far. */
typedef struct
{
  int y, x; /* in the dictionary's coordinates */
  gsize zo; /* first float of its patch in z */
  gboolean plain;
  int nn;
  float cost, budget;
} Query;

static inline Query
query_open (const SfPatchSearch *m, gsize i, int r)
{
  int y = m->query[i] / m->qw, x = m->query[i] % m->qw;

  return (Query) {
    .y = y + m->dy,
    .x = x + m->dx,
    .zo = ((gsize) (y + m->pad_y - r) * m->zw + (x + m->pad_x - r)) * 4,
    .plain = m->plain[i],
    .nn = m->nn[i],
    .cost = m->cost[i],
    .budget = m->detail != NULL ? m->budget[i] : 0,
  };
}

/* s / sw without a division: exact, as s < 2^31 and double has 53 bits. */
static inline int
row_of (int s, double inverse)
{
  return (int) ((s + 0.5) * inverse);
}

/* Takes source @s if it costs less than bias * the best so far. */
static inline __attribute__ ((always_inline)) void
query_try (const SfPatchSearch *m, Query *q, int s, float bias, double inverse, const int r)
{
  float limit = q->cost * bias, fixed, c;
  const float *source;

  if (s == q->nn || s < 0 || s >= m->sh * m->sw || m->fault[s] == SF_FAULT_NEVER)
    return;
  fixed = m->fault[s] * m->fault_scale;
  if (m->detail != NULL && m->detail[s] > q->budget)
    fixed += MIN (m->detail[s] - q->budget, SF_DETAIL_STEPS) * (m->detail_scale / SF_DETAIL_STEPS);
  if (m->mu > 0 || m->exclude > 0)
    {
      int sy = row_of (s, inverse), ey = sy - q->y, ex = s - sy * m->sw - q->x;

      if (ABS (ey) < m->exclude && ABS (ex) < m->exclude)
        return;
      fixed += m->mu * (float) (ey * ey + ex * ex);
    }
  if (fixed >= limit)
    return;
  source = m->s + ((gsize) s - r * (gsize) m->sw - r) * 4;
  c = q->plain ? distance (m->z + q->zo, NULL, (gsize) m->zw * 4, source, (gsize) m->sw * 4, r, TRUE, limit - fixed)
               : distance (m->z + q->zo, m->weight + q->zo, (gsize) m->zw * 4, source, (gsize) m->sw * 4, r, FALSE,
                           limit - fixed);
  if (c == FLT_MAX || c + fixed >= limit)
    return;
  q->nn = s;
  q->cost = c + fixed;
}

static inline __attribute__ ((always_inline)) void
score (const SfPatchSearch *m, gsize begin, gsize end, const int r)
{
  const double inverse = 1.0 / m->sw;

  for (gsize i = begin; i < end; i++)
    {
      Query q = query_open (m, i, r);
      int nn = q.nn;

      q.nn = -1;
      q.cost = FLT_MAX;
      query_try (m, &q, nn, 1, inverse, r);
      for (int t = 0; t < 8 && q.nn < 0; t++)
        query_try (m, &q, m->sources[hash (m->seed * 77777 + (guint64) i * 64 + t) % (guint) m->n_sources], 1, inverse, r);
      m->nn[i] = q.nn;
      m->cost[i] = q.cost;
    }
}

/* A place at most @radius away from @s, from the two halves of @h. */
static inline int
place_near (const SfPatchSearch *m, int s, int radius, guint32 h, double inverse)
{
  guint span = 2 * (guint) radius + 1;
  int sy = row_of (s, inverse), sx = s - sy * m->sw;

  sy += (int) ((h & 0xffff) * span >> 16) - radius;
  sx += (int) ((h >> 16) * span >> 16) - radius;
  return sy >= 0 && sx >= 0 && sy < m->sh && sx < m->sw ? sy * m->sw + sx : -1;
}

/* Starts to load the first rows of source @s: a search at random is bound by the memory's latency. */
static inline void
prefetch (const SfPatchSearch *m, int s, int r)
{
  if (s < 0 || s >= m->sh * m->sw)
    return;
  __builtin_prefetch (m->fault + s);
  for (int y = -r; y <= 1 - r; y++)
    {
      const float *row = m->s + ((gssize) s + (gssize) y * m->sw - r) * 4;

      __builtin_prefetch (row);
      __builtin_prefetch (row + N_LANES);
    }
}

static inline __attribute__ ((always_inline)) void
improve (const SfPatchSearch *m, gsize begin, gsize end, const int r)
{
  static const int jump[3] = { 4, 2, 8 };
  const int far = jump[m->iteration % 3];
  const double inverse = 1.0 / m->sw;
  const int n_random = MIN (m->n_random, MAX_RANDOM);
  int tries[MAX_RANDOM];

  for (gsize i = begin; i < end; i++)
    {
      Query q = query_open (m, i, r);
      int y = m->query[i] / m->qw, x = m->query[i] % m->qw;
      int radius = m->radius;

      for (int j = 0; j < 8; j++) /* propagation: 4 neighbours, then 4 further away */
        {
          int d = j < 4 ? 1 : far;
          int dy = (j % 4 == 0) * d - (j % 4 == 1) * d, dx = (j % 4 == 2) * d - (j % 4 == 3) * d;
          int yy = y + dy, xx = x + dx, other;

          if (yy < 0 || xx < 0 || yy >= m->qh || xx >= m->qw)
            continue;
          other = m->query_map[(gsize) yy * m->qw + xx];
          if (other >= 0 && m->old[other] >= 0)
            query_try (m, &q, m->old[other] - dy * m->sw - dx, j < 4 ? m->coherence : 1, inverse, r);
        }
      for (int t = 0; t < n_random; t++) /* a random search, all places asked for before the first is waited for */
        {
          guint32 h = hash (m->seed * 1000003ULL + (guint64) m->iteration * 0x9E3779B97F4A7C15ULL + (guint64) i * 131 + t);

          if (t == 0 || q.nn < 0)
            tries[t] = m->sources[h % (guint) m->n_sources];
          else
            {
              tries[t] = place_near (m, q.nn, radius, h, inverse);
              radius = MAX (radius / 2, 1);
            }
          prefetch (m, tries[t], r);
        }
      for (int t = 0; t < n_random; t++)
        query_try (m, &q, tries[t], 1, inverse, r);
      m->nn[i] = q.nn;
      m->cost[i] = q.cost;
    }
}

/* One copy for each radius, so that the patch's loops unroll. */
#define FOR_EACH_RADIUS(function, m, begin, end) \
  switch ((m)->r)                                \
    {                                            \
    case 3:                                      \
      function (m, begin, end, 3);               \
      break;                                     \
    case 2:                                      \
      function (m, begin, end, 2);               \
      break;                                     \
    default:                                     \
      function (m, begin, end, 1);               \
      break;                                     \
    }

static void
patch_score (const SfPatchSearch *m, gsize begin, gsize end)
{
  FOR_EACH_RADIUS (score, m, begin, end)
}

static void
patch_improve (const SfPatchSearch *m, gsize begin, gsize end)
{
  FOR_EACH_RADIUS (improve, m, begin, end)
}

/*** Vote ***/

/* Votes that agree this well (mean squared difference / 2 robust^2) need no re-weighting: it could not move their mean by
 * a visible amount. */
#define AGREED 1e-3f

typedef struct
{
  float v[3][MAX_TAPS];
  float w[MAX_TAPS];
} Taps;

/* All that covers pixel (y, x); wrapped grids are folded.  Returns the number of votes. */
static inline int
taps_gather (const SfPatchVote *m, int y, int x, Taps *taps)
{
  const int r = m->r, side = 2 * r + 1;
  int n = 0;

  for (int dy = -r; dy <= r; dy++)
    {
      int cy = y - dy;
      const float *window = m->window + (dy + r) * side + r;
      gsize row;

      if (m->wrap_y)
        cy = (cy + m->qh) % m->qh;
      else if (cy < 0 || cy >= m->qh)
        continue;
      row = (gsize) cy * m->qw;
      for (int dx = -r; dx <= r; dx++)
        {
          int cx = x - dx;
          const float *s;
          float w;

          if (cx < 0 || cx >= m->qw)
            {
              if (!m->wrap_x)
                continue;
              cx = (cx + m->qw) % m->qw;
            }
          w = m->weight[row + cx];
          if (w <= 0)
            continue;
          s = m->s + (m->centre[row + cx] + dy * (gssize) m->row + dx * 4);
          taps->v[0][n] = s[0];
          taps->v[1][n] = s[1];
          taps->v[2][n] = s[2];
          taps->w[n++] = w * window[dx];
        }
    }
  return n;
}

/* Weighted mean of the taps, each weight first multiplied by exp (-|v - mean|^2 * scale) + 1e-9 if @robust; returns the
 * weighted mean of |v - mean|^2 around the old mean. */
static inline __attribute__ ((always_inline)) float
taps_mean (const Taps *taps, int n, const gboolean robust, float scale, float mean[3])
{
  float total = 0, a = 0, b = 0, c = 0, spread = 0;
  const float m0 = mean[0], m1 = mean[1], m2 = mean[2];

#pragma omp simd reduction(+ : total, a, b, c, spread)
  for (int i = 0; i < n; i++)
    {
      float d0 = taps->v[0][i] - m0, d1 = taps->v[1][i] - m1, d2 = taps->v[2][i] - m2;
      float d = d0 * d0 + d1 * d1 + d2 * d2;
      float w = robust ? taps->w[i] * (exp_negative (-d * scale) + 1e-9f) : taps->w[i];

      total += w;
      spread += w * d;
      a += w * d0;
      b += w * d1;
      c += w * d2;
    }
  mean[0] = m0 + a / total;
  mean[1] = m1 + b / total;
  mean[2] = m2 + c / total;
  return spread / total;
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
      float mean[3], spread;

      if (n == 0)
        continue;
      for (int c = 0; c < 3; c++)
        mean[c] = taps.v[c][0];
      spread = taps_mean (&taps, n, FALSE, 0, mean);
      if (scale > 0 && spread * scale > AGREED)
        for (int pass = 0; pass < 2; pass++)
          taps_mean (&taps, n, TRUE, scale, mean);
      memcpy (m->out + (gsize) m->pixel[i] * 4, mean, sizeof mean);
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
softmin (float *d, gsize n, float least, float scale)
{
  float total = 0;

#pragma omp simd reduction(+ : total)
  for (gsize i = 0; i < n; i++)
    {
      d[i] = exp_negative ((least - d[i]) * scale);
      total += d[i];
    }
  return total;
}

extern const SfKernels SF_TABLE (sf_kernels);
extern const SfLayerKernels SF_TABLE (sf_layers);
extern const SfTileKernels SF_TABLE (sf_tile);
extern const SfWinogradKernels SF_TABLE (sf_winograd);

const SfKernels SF_TABLE (sf_kernels) = {
  .name = SF_STRING (SF_FLAVOUR),
  .layers = &SF_TABLE (sf_layers),
  .tile = &SF_TABLE (sf_tile),
  .winograd = &SF_TABLE (sf_winograd),
  .patch_score = patch_score,
  .patch_improve = patch_improve,
  .patch_vote = patch_vote,
  .combine = combine,
  .softmin = softmin,
};
