/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The register tile, compiled once per flavour: as many accumulators as there are registers, two registers of B, and one for
 * the broadcast of A.
 *
 *            registers   tile     accumulators
 *   AVX-512     32       14 x 32      28
 *   AVX2        16        6 x 16      12
 *
 * Other CPUs have no tile of ours: OpenBLAS multiplies, and rows that do not lie at equal distances are copied together first.
 */
#include "kernels/sf-flavour.h"
#include "kernels/sf-tile.h"

#include "kernels/sf-blas.h"

#ifdef __AVX512BF16__ /* intrinsics: no vector type multiplies bf16 */
#include <immintrin.h>
#endif

#if defined(__AVX2__)

#if defined(__AVX512F__)
#define MR 14
#else
#define MR 6
#endif
#define NR (2 * SF_LANES)

#define AHEAD (16 * NR) /* floats of B that are brought nearest: it streams from the second or third level of the cache */

typedef SfV Sums[MR][2];

/* Adds a run to C: what else belongs into C the first time, the scale the last time. */
SF_INLINE void
store (const SfTile *t, const int m, gboolean first, gboolean last, Sums sums)
{
  const float *add = first ? t->residual : t->c;
  const gsize add_row = first ? t->residual_row : t->c_row;
  const float scale = last ? t->scale : 1;
  const SfV zero = { 0 };

#pragma GCC unroll 2
  for (int j = 0; j < 2; j++)
    {
      SfV bias = first && t->bias != NULL ? sf_load (t->bias + j * SF_LANES) : zero;

#pragma GCC unroll 14
      for (int i = 0; i < m; i++)
        {
          SfV sum = sums[i][j] + bias;

          if (add != NULL)
            sum += sf_load (add + i * add_row + j * SF_LANES);
          sf_store (t->c + i * t->c_row + j * SF_LANES, sum * scale);
          sums[i][j] = zero;
        }
    }
}

SF_INLINE void
clear (const int m, Sums sums)
{
#pragma GCC unroll 14
  for (int i = 0; i < m; i++)
    sums[i][0] = sums[i][1] = (SfV) { 0 };
}

/* m x NR, all columns there. */
SF_INLINE void
multiply_rows (const SfTile *t, const int m)
{
  const int run = sf_tile_run (t->k);
  const float *const *a = (const float *const *) t->a;
  const float *b = t->b, *next = t->next != NULL ? t->next : b;
  gboolean first = TRUE;
  int steps = 0;
  Sums sums;

  clear (m, sums);
  for (int tap = 0; tap < t->taps; tap++, a += m)
    for (int begin = 0; begin < t->k; begin += run)
      {
        const int end = MIN (begin + run, t->k);
        const gboolean last = tap == t->taps - 1 && end == t->k;

        for (gssize p = begin; p < end; p++, b += NR, next += SF_TILE_LINE)
          {
            const SfV b0 = sf_load (b), b1 = sf_load (b + SF_LANES);

            __builtin_prefetch (next, 0, 2);
            __builtin_prefetch (b + AHEAD);
            if (NR > SF_TILE_LINE)
              __builtin_prefetch (b + AHEAD + SF_TILE_LINE);
#pragma GCC unroll 14
            for (int i = 0; i < m; i++)
              {
                sums[i][0] += a[i][p] * b0;
                sums[i][1] += a[i][p] * b1;
              }
          }
        steps += end - begin;
        if (steps > SF_TILE_RUN / 2 || last)
          {
            store (t, m, first, last, sums);
            first = FALSE;
            steps = 0;
          }
      }
}

/* One copy for each number of rows, so that the accumulators are registers. */
#define CASE(function, m) \
  case m:                 \
    function (t, m);      \
    break;
#define CASES(function)        \
  switch (t->m)                \
    {                          \
      CASE (function, 1)       \
      CASE (function, 2)       \
      CASE (function, 3)       \
      CASE (function, 4)       \
      CASE (function, 5)       \
      CASES_ABOVE_5 (function) \
    default:                   \
      function (t, MR);        \
    }
#if MR == 14
#define CASES_ABOVE_5(function) \
  CASE (function, 6)            \
  CASE (function, 7)            \
  CASE (function, 8)            \
  CASE (function, 9)            \
  CASE (function, 10)           \
  CASE (function, 11)           \
  CASE (function, 12)           \
  CASE (function, 13)
#else
#define CASES_ABOVE_5(function)
#endif

static void
multiply_whole (const SfTile *t) {
  CASES (multiply_rows)
}

/*** bf16 ***/

#ifdef __AVX512BF16__
/* The next panel of the result. */
SF_INLINE void next_panel (SfTile *t, gsize b_step, gsize c_step)
{
  t->b = (const guint8 *) t->b + b_step;
  t->c += c_step;
  t->bias = t->bias != NULL ? t->bias + NR : NULL;
  t->residual = t->residual != NULL ? t->residual + c_step : NULL;
}
#endif

#if defined(__AMX_BF16__)
#include "kernels/sf-tile-amx.h"
#elif defined(__AVX512BF16__)

#define STEP_BF16 2

/* vdpbf16ps adds the products of two neighbours in k to each lane. */
SF_INLINE void multiply_rows_bf16 (const SfTile *t, const int m)
{
  const guint16 *const *a = (const guint16 *const *) t->a;
  const guint16 *b = t->b;
  Sums sums;

  clear (m, sums);
  for (int tap = 0; tap < t->taps; tap++, a += m)
    for (gssize p = 0; p < t->k; p += 2, b += 2 * NR)
      {
        const __m512bh b0 = (__m512bh) _mm512_loadu_si512 (b), b1 = (__m512bh) _mm512_loadu_si512 (b + NR);

        __builtin_prefetch (b + 2 * AHEAD);
        __builtin_prefetch (b + 2 * AHEAD + NR);
#pragma GCC unroll 14
        for (int i = 0; i < m; i++)
          {
            gint32 pair;
            __m512bh x;

            memcpy (&pair, a[i] + p, sizeof pair);
            x = (__m512bh) _mm512_set1_epi32 (pair);
            sums[i][0] = (SfV) _mm512_dpbf16_ps ((__m512) sums[i][0], b0, x);
            sums[i][1] = (SfV) _mm512_dpbf16_ps ((__m512) sums[i][1], b1, x);
          }
      }
  store (t, m, TRUE, TRUE, sums);
}

static void
multiply_panel_bf16 (const SfTile *t)
{
  CASES (multiply_rows_bf16)
}

static void
multiply_whole_bf16 (const SfTile *tile, int panels, gsize b_step, gsize c_step)
{
  SfTile t = *tile;

  for (int panel = 0; panel < panels; panel++, next_panel (&t, b_step, c_step))
    multiply_panel_bf16 (&t);
}

#endif

/*** Panels at the edge of C ***/

/* They go through a block of their own. */
SF_INLINE void
multiply_edge (const SfTile *t, void (*multiply_block) (const SfTile *))
{
  float block[SF_TILE_MAX_ROWS * NR];
  SfTile whole = { .m = t->m, .n = NR, .k = t->k, .taps = t->taps, .a = t->a, .b = t->b, .scale = 1, .c = block, .c_row = NR };

  multiply_block (&whole);
  for (int i = 0; i < t->m; i++)
    for (int j = 0; j < t->n; j++)
      {
        float sum = block[i * NR + j];

        if (t->bias != NULL)
          sum += t->bias[j];
        if (t->residual != NULL)
          sum += t->residual[i * t->residual_row + j];
        t->c[i * t->c_row + j] = sum * t->scale;
      }
}

static void
multiply (const SfTile *t)
{
  if (t->n == NR)
    multiply_whole (t);
  else
    multiply_edge (t, multiply_whole);
}

#ifdef __AMX_BF16__
static void
multiply_one_fixed (const SfTile *t)
{
  multiply_whole_fixed (t, 1, 0, 0);
}

static void
multiply_fixed (const SfTile *t, int panels, gsize b_step, gsize c_step)
{
  if (t->n == NR)
    multiply_whole_fixed (t, panels, b_step, c_step);
  else
    multiply_edge (t, multiply_one_fixed);
}
#endif

#ifdef __AVX512BF16__
static void
bf16_panel (const float *panel, int k, guint16 *out)
{
  guint32 *pairs = (guint32 *) out;
  const int whole = k / 2, steps = (k + STEP_BF16 - 1) / STEP_BF16 * STEP_BF16;

  for (int p = 0; p < whole; p++, panel += 2 * NR, pairs += NR)
#pragma omp simd
    for (int j = 0; j < NR; j++)
      pairs[j] = sf_bf16 (panel[j]) | (guint32) sf_bf16 (panel[NR + j]) << 16;
  memset (pairs, 0, (steps / 2 - whole) * NR * sizeof *pairs);
  for (int j = 0; j < NR && k % 2 == 1; j++)
    pairs[j] = sf_bf16 (panel[j]);
}

static void
multiply_one_bf16 (const SfTile *t)
{
  multiply_whole_bf16 (t, 1, 0, 0);
}

static void
multiply_bf16 (const SfTile *t, int panels, gsize b_step, gsize c_step)
{
  if (t->n == NR)
    multiply_whole_bf16 (t, panels, b_step, c_step);
  else
    multiply_edge (t, multiply_one_bf16);
}
#endif

#else /* no tile */

#define MR 56 /* multiples of OpenBLAS's own tiles */
#define NR 32
#define GATHER 512 /* steps of rows that are copied together */

/* C += A B for rows at any places. */
static void
add_tap (const SfTile *t, const float *const *a, const float *b)
{
  const gssize row = t->m > 1 ? a[1] - a[0] : t->k;
  gboolean regular = row >= t->k;
  float block[MR * GATHER];

  for (int i = 2; i < t->m && regular; i++)
    regular = a[i] - a[i - 1] == row;
  if (regular)
    {
      sf_gemm (FALSE, FALSE, t->m, t->n, t->k, a[0], row, b, NR, TRUE, t->c, t->c_row);
      return;
    }
  for (int p = 0; p < t->k; p += GATHER)
    {
      const int n = MIN (GATHER, t->k - p);

      for (int i = 0; i < t->m; i++)
        memcpy (block + i * n, a[i] + p, n * sizeof (float));
      sf_gemm (FALSE, FALSE, t->m, t->n, n, block, n, b + p * NR, NR, TRUE, t->c, t->c_row);
    }
}

static void
multiply (const SfTile *t)
{
  const float *const *a = (const float *const *) t->a;

  for (int i = 0; i < t->m; i++)
    for (int j = 0; j < t->n; j++)
      t->c[i * t->c_row + j] = (t->residual != NULL ? t->residual[i * t->residual_row + j] : 0) + (t->bias != NULL ? t->bias[j] : 0);
  for (int tap = 0; tap < t->taps; tap++)
    add_tap (t, a + tap * t->m, (const float *) t->b + (gsize) tap * t->k * NR);
  if (t->scale != 1)
    for (int i = 0; i < t->m; i++)
      for (int j = 0; j < t->n; j++)
        t->c[i * t->c_row + j] *= t->scale;
}

#endif

/*** Transposition ***/

/* A transposition of as many rows and columns as a register has lanes is the same shuffle, log2 of them times: each pair of rows
 * i and i + half becomes rows 2 i and 2 i + 1, with the numbers of both in turn. */
#if SF_LANES == 16
#define LOWER 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UPPER 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif SF_LANES == 8
#define LOWER 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOWER 0, 4, 1, 5
#define UPPER 2, 6, 3, 7
#endif

typedef gint32 SfI __attribute__ ((vector_size (SF_LANES * 4)));

SF_INLINE void
shuffle (SfV x[SF_LANES])
{
  SfV y[SF_LANES];

#pragma GCC unroll 8
  for (int i = 0; i < SF_LANES / 2; i++)
    {
      y[2 * i] = __builtin_shuffle (x[i], x[i + SF_LANES / 2], (SfI) { LOWER });
      y[2 * i + 1] = __builtin_shuffle (x[i], x[i + SF_LANES / 2], (SfI) { UPPER });
    }
#pragma GCC unroll 16
  for (int i = 0; i < SF_LANES; i++)
    x[i] = y[i];
}

SF_INLINE void
transpose_block (const float *x, gsize x_row, const int rows, const int columns, SfV scale, float *y, gsize y_row)
{
  SfV block[SF_LANES];

#pragma GCC unroll 16
  for (int i = 0; i < SF_LANES; i++)
    block[i] = i >= rows ? (SfV) { 0 } : scale * (columns == SF_LANES ? sf_load (x + i * x_row) : sf_load_n (x + i * x_row, columns));
#pragma GCC unroll 4
  for (int lanes = 1; lanes < SF_LANES; lanes *= 2)
    shuffle (block);
#pragma GCC unroll 16
  for (int j = 0; j < SF_LANES; j++)
    if (j < columns && rows == SF_LANES)
      sf_store (y + j * y_row, block[j]);
    else if (j < columns)
      sf_store_n (y + j * y_row, block[j], rows);
}

static void
transpose (const float *x, gsize x_row, int rows, int columns, const float *scale, float *y, gsize y_row)
{
  for (int j = 0; j < columns; j += SF_LANES)
    for (int i = 0; i < rows; i += SF_LANES)
      {
        const float *from = x + i * x_row + j;
        float *to = y + j * y_row + i;
        const int m = MIN (SF_LANES, rows - i), n = MIN (SF_LANES, columns - j);
        const SfV factor = scale != NULL ? sf_load_n (scale + j, n) : 1 - (SfV) { 0 };

        if (m == SF_LANES && n == SF_LANES)
          transpose_block (from, x_row, SF_LANES, SF_LANES, factor, to, y_row);
        else
          transpose_block (from, x_row, m, n, factor, to, y_row);
      }
}

static void
to_bf16 (const float *in, guint16 *out, gsize n)
{
#pragma omp simd
  for (gsize i = 0; i < n; i++)
    out[i] = sf_bf16 (in[i]);
}

extern const SfTileKernels SF_TABLE (sf_tile);

const SfTileKernels SF_TABLE (sf_tile) = {
  .mr = MR,
  .nr = NR,
  .multiply = multiply,
  .to_bf16 = to_bf16,
  .transpose = transpose,
#ifdef __AMX_BF16__
  .multiply_fixed = multiply_fixed,
  .fixed_rows = fixed_rows,
  .fixed_panel = fixed_panel,
#endif
#ifdef __AVX512BF16__
#ifdef __AMX_BF16__
  .mr_bf16 = SF_TILE_MAX_ROWS,
#else
  .mr_bf16 = MR,
#endif
  .step_bf16 = STEP_BF16,
  .multiply_bf16 = multiply_bf16,
  .bf16_panel = bf16_panel,
#endif
};
