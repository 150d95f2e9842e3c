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
multiply_whole (const SfTile *t)
{
  CASES (multiply_rows)
}

/*** bf16 ***/

#if defined(__AMX_BF16__)

/* AMX multiplies 16 rows of 32 steps by 32 steps of 16 columns.  Four such products stand side by side, so that each tile that
 * is loaded is used twice.  Registers 0 to 3 are the sums, 4 and 5 rows of A, 6 and 7 columns of B. */
#define MR_BF16 32
#define STEP_BF16 SF_SPLIT_STEP
#define HALF 16 /* rows, columns of a register */

/* How the registers are shaped for @m rows. */
static void
shape_registers (int m)
{
  const int upper = MIN (m, HALF), lower = MAX (m - HALF, 1);
  struct
  {
    guint8 palette, start, reserved[14];
    guint16 bytes[16];
    guint8 rows[16];
  } shape = { .palette = 1, .bytes = { 64, 64, 64, 64, 64, 64, 64, 64 }, .rows = { upper, upper, lower, lower, upper, lower, 16, 16 } };

  __asm__ volatile ("" : : "r"(&shape) : "memory"); /* all of it, where the intrinsic mentions its first bytes */
  _tile_loadconfig (&shape);
}

SF_INLINE void
zero_sums (void)
{
  _tile_zero (0);
  _tile_zero (1);
  _tile_zero (2);
  _tile_zero (3);
}

/* @row: bytes from one row of @c to the next */
SF_INLINE void
load_sums (int m, const float *c, gssize row)
{
  _tile_loadd (0, c, row);
  _tile_loadd (1, c + HALF, row);
  if (m <= HALF)
    return;
  c += HALF * row / (gssize) sizeof (float);
  _tile_loadd (2, c, row);
  _tile_loadd (3, c + HALF, row);
}

SF_INLINE void
store_sums (int m, float *c, gssize row)
{
  _tile_stored (0, c, row);
  _tile_stored (1, c + HALF, row);
  if (m <= HALF)
    return;
  c += HALF * row / (gssize) sizeof (float);
  _tile_stored (2, c, row);
  _tile_stored (3, c + HALF, row);
}

/* Adds to the sums the products of the rows that are loaded and the columns at @b. */
SF_INLINE void
multiply_columns (int m, const guint16 *b)
{
  _tile_loadd (6, b, 4 * NR);
  _tile_dpbf16ps (0, 4, 6);
  _tile_loadd (7, b + 2 * HALF, 4 * NR);
  _tile_dpbf16ps (1, 4, 7);
  if (m <= HALF)
    return;
  _tile_dpbf16ps (2, 5, 6);
  _tile_dpbf16ps (3, 5, 7);
}

SF_INLINE void
load_rows (int m, const guint16 *a, gssize row)
{
  _tile_loadd (4, a, row);
  if (m > HALF)
    _tile_loadd (5, a + HALF * row / (gssize) sizeof (guint16), row);
}

/* Bytes from one row of A to the next. */
SF_INLINE gssize
row_distance (const SfTile *t)
{
  return t->m > 1 ? (const guint8 *) t->a[1] - (const guint8 *) t->a[0] : 64;
}

/* Adds a run to C, as store() does. */
static void
store_block (const SfTile *t, gboolean first, gboolean last, const float *block)
{
  const float *add = first ? t->residual : t->c, scale = last ? t->scale : 1;
  const gsize add_row = first ? t->residual_row : t->c_row;

  for (int i = 0; i < t->m; i++)
    for (int j = 0; j < NR; j += SF_LANES)
      {
        SfV sum = sf_load (block + i * NR + j);

        if (first && t->bias != NULL)
          sum += sf_load (t->bias + j);
        if (add != NULL)
          sum += sf_load (add + i * add_row + j);
        sf_store (t->c + i * t->c_row + j, sum * scale);
      }
}

static void
multiply_whole_bf16 (const SfTile *t)
{
  /* The sums begin and end in C, if nothing else is to be added to them. */
  const gboolean direct = t->bias == NULL && t->scale == 1 && (t->residual == NULL || (t->residual == t->c && t->residual_row == t->c_row));
  const gssize row = row_distance (t), c_row = (gssize) sizeof (float) * (direct ? t->c_row : NR);
  const guint16 *b = t->b;
  float block[MR_BF16 * NR], *c = direct ? t->c : block;

  shape_registers (t->m);
  if (direct && t->residual != NULL)
    load_sums (t->m, c, c_row);
  else
    zero_sums ();
  for (int tap = 0; tap < t->taps; tap++)
    for (gssize p = 0; p < t->k; p += STEP_BF16, b += STEP_BF16 * NR)
      {
        load_rows (t->m, (const guint16 *) t->a[tap * t->m] + p, row);
        multiply_columns (t->m, b);
      }
  store_sums (t->m, c, c_row);
  _tile_release ();
  if (!direct)
    store_block (t, TRUE, TRUE, block);
}

/*** Split numbers ***/

/* a b = (a0 + a1 + a2) (b0 + b1 + b2); a term of i + j > 2 is below the last digit of a0 b0. */
static void
multiply_whole_split (const SfTile *t)
{
  const int run = 2 * sf_tile_run (t->k);
  const gssize row = row_distance (t), plane = SF_SPLIT_STEP * NR;
  const guint16 *a = t->a[0], *b = t->b;
  float block[MR_BF16 * NR];
  gboolean first = TRUE;

  shape_registers (t->m);
  for (int k = 0, begin = 0; k < t->k; a += 3 * SF_SPLIT_STEP, b += 3 * plane)
    {
      if (k == begin)
        zero_sums ();
      load_rows (t->m, a, row);
      multiply_columns (t->m, b);
      multiply_columns (t->m, b + plane);
      multiply_columns (t->m, b + 2 * plane);
      load_rows (t->m, a + SF_SPLIT_STEP, row);
      multiply_columns (t->m, b);
      multiply_columns (t->m, b + plane);
      load_rows (t->m, a + 2 * SF_SPLIT_STEP, row);
      multiply_columns (t->m, b);
      k += SF_SPLIT_STEP;
      if (k - begin >= run || k >= t->k)
        {
          store_sums (t->m, block, NR * sizeof (float));
          store_block (t, first, k >= t->k, block);
          first = FALSE;
          begin = k;
        }
    }
  _tile_release ();
}

/* The upper half of each number. */
SF_INLINE __m512
upper (__m512 x)
{
  return (__m512) _mm512_and_si512 ((__m512i) x, _mm512_set1_epi32 ((int) 0xffff0000));
}

/* The parts of 16 numbers, in the upper halves. */
SF_INLINE void
split (__m512 x, __m512 part[3])
{
  for (int i = 0; i < 3; i++)
    {
      part[i] = upper (x);
      x -= part[i];
    }
}

/* 16 numbers, of which @n are there. */
SF_INLINE void
split_few (const float *x, int n, __m512 part[3])
{
  split (n >= HALF ? _mm512_loadu_ps (x) : _mm512_maskz_loadu_ps ((__mmask16) (n > 0 ? (1 << n) - 1 : 0), x), part);
}

static void
split_row (const float *x, int k, guint16 *out)
{
  for (int p = 0; p < k; p += SF_SPLIT_STEP, x += SF_SPLIT_STEP, out += 3 * SF_SPLIT_STEP)
    {
      __m512 low[3], high[3];

      split_few (x, k - p, low);
      split_few (x + HALF, k - p - HALF, high);
      for (int i = 0; i < 3; i++)
        {
          const __m512i words = _mm512_inserti64x4 (_mm512_castsi256_si512 (_mm512_cvtepi32_epi16 (_mm512_srli_epi32 ((__m512i) low[i], 16))),
                                                    _mm512_cvtepi32_epi16 (_mm512_srli_epi32 ((__m512i) high[i], 16)), 1);

          _mm512_storeu_si512 (out + i * SF_SPLIT_STEP, words);
        }
    }
}

/* Two rows side by side. */
static void
split_panel (const float *panel, int k, guint16 *out)
{
  const int whole = (k + SF_SPLIT_STEP - 1) / SF_SPLIT_STEP * SF_SPLIT_STEP;

  for (int p = 0; p < whole; p += 2, out += p % SF_SPLIT_STEP == 0 ? (2 * SF_SPLIT_STEP + 2) * NR : 2 * NR)
    for (int j = 0; j < NR; j += HALF)
      {
        __m512 even[3], odd[3];

        split_few (panel + (gsize) p * NR + j, p < k ? HALF : 0, even);
        split_few (panel + (gsize) (p + 1) * NR + j, p + 1 < k ? HALF : 0, odd);
        for (int i = 0; i < 3; i++)
          _mm512_storeu_si512 (out + i * SF_SPLIT_STEP * NR + 2 * j,
                               _mm512_or_si512 (_mm512_srli_epi32 ((__m512i) even[i], 16), (__m512i) odd[i]));
      }
}

#elif defined(__AVX512BF16__)

#define MR_BF16 MR
#define STEP_BF16 2

/* vdpbf16ps adds the products of two neighbours in k to each lane. */
SF_INLINE void
multiply_rows_bf16 (const SfTile *t, const int m)
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
multiply_whole_bf16 (const SfTile *t) {
  CASES (multiply_rows_bf16)
}

#else
#define MR_BF16 MR
#endif

/*** Panels at the edge of C ***/

/* They go through a block of their own. */
SF_INLINE void
multiply_edge (const SfTile *t, void (*multiply_block) (const SfTile *))
{
  float block[MAX (MR, MR_BF16) * NR];
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
multiply_split (const SfTile *t)
{
  if (t->n == NR)
    multiply_whole_split (t);
  else
    multiply_edge (t, multiply_whole_split);
}
#endif

#ifdef __AVX512BF16__
static void
multiply_bf16 (const SfTile *t)
{
  if (t->n == NR)
    multiply_whole_bf16 (t);
  else
    multiply_edge (t, multiply_whole_bf16);
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
#ifdef __AMX_BF16__
  .multiply_split = multiply_split,
  .mr_split = MR_BF16,
  .split_row = split_row,
  .split_panel = split_panel,
#endif
#ifdef __AVX512BF16__
  .mr_bf16 = MR_BF16,
  .step_bf16 = STEP_BF16,
  .multiply_bf16 = multiply_bf16,
#endif
};
