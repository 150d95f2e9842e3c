/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of sf-tile-impl.c for CPUs with AMX: eight registers of 16 rows of 64 bytes, and instructions that multiply two of them
 * and add the products to a third.  Rows of A lie at equal distances.
 */
#include <float.h>
#include <math.h>

#include "kernels/sf-digits.h"
#include "kernels/sf-tile.h"

#define HALF 16 /* rows, columns of a register of sums */

/* Bytes from one row of A to the next. */
SF_INLINE gssize
row_distance (const SfTile *t)
{
  return t->m > 1 ? (const guint8 *) t->a[1] - (const guint8 *) t->a[0] : 64;
}

/* To their full size; rows that are not there are multiplied too, as that costs less than another shape. */
SF_INLINE void
shape_registers (void)
{
  struct
  {
    guint8 palette, start, reserved[14];
    guint16 bytes[16];
    guint8 rows[16];
  } shape = { .palette = 1, .bytes = { 64, 64, 64, 64, 64, 64, 64, 64 }, .rows = { HALF, HALF, HALF, HALF, HALF, HALF, HALF, HALF } };

  __asm__ volatile ("" : : "r"(&shape) : "memory"); /* all of it, where the intrinsic mentions its first bytes */
  _tile_loadconfig (&shape);
}

#define NEARER (16 << 10) /* bytes of a panel that are brought nearer where nothing else comes next */

/* What is read after a panel, to be brought nearer while it is multiplied. */
SF_INLINE const guint8 *
get_next (const SfTile *t, int panel, int panels, gsize b_step)
{
  if (t->next != NULL && t->next_step > 0)
    return (const guint8 *) t->next + panel * t->next_step;
  if (panel + 1 < panels)
    return (const guint8 *) t->b + b_step;
  return t->next != NULL ? (const guint8 *) t->next : (const guint8 *) t->b + NEARER;
}

/* Some lines of it, an even number. */
SF_INLINE void
bring_nearer (const guint8 **next, int lines)
{
  for (int line = 0; line < lines; line += 2, *next += 2 * 64)
    {
      __builtin_prefetch (*next, 0, 2);
      __builtin_prefetch (*next + 64, 0, 2);
    }
}

/*** bf16 ***/

/* 16 rows of 32 steps are multiplied by 32 steps of 16 columns.  Four such products stand side by side, so that each tile that
 * is loaded is used twice.  Registers 0 to 3 are the sums, 4 and 5 rows of A, 6 and 7 columns of B. */
#define GROUP_BF16 (2 * HALF)
#define STEP_BF16 32

/* @m: up to HALF rows, or up to twice as many; @row: bytes from one row of @c to the next */
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

/* Adds to the sums the products of rows at @a and columns at @b. */
SF_INLINE void
multiply_step (int m, const guint16 *a, gssize row, const guint16 *b)
{
  _tile_loadd (4, a, row);
  _tile_loadd (6, b, 4 * NR);
  _tile_dpbf16ps (0, 4, 6);
  _tile_loadd (7, b + 2 * HALF, 4 * NR);
  _tile_dpbf16ps (1, 4, 7);
  if (m <= HALF)
    return;
  _tile_loadd (5, a + HALF * row / (gssize) sizeof (guint16), row);
  _tile_dpbf16ps (2, 5, 6);
  _tile_dpbf16ps (3, 5, 7);
}

/* Writes rows [@i, @i + @m) to C, whose sums are in @block, with what else belongs into it. */
static void
store_block (const SfTile *t, int i, int m, const float *block)
{
  for (int end = i + m; i < end; i++, block += NR)
    for (int j = 0; j < NR; j += SF_LANES)
      {
        SfV sum = sf_load (block + j);

        if (t->bias != NULL)
          sum += sf_load (t->bias + j);
        if (t->residual != NULL)
          sum += sf_load (t->residual + i * t->residual_row + j);
        sum *= t->scale;
        if (t->stream)
          sf_stream (t->c + i * t->c_row + j, sum);
        else
          sf_store (t->c + i * t->c_row + j, sum);
      }
}

/* Rows [@i, @i + @m); @direct: the sums begin and end in C, as nothing else is to be added to them. @lines: of @next, at each
 * step */
SF_INLINE void
multiply_group_bf16 (const SfTile *t, int i, int m, gboolean direct, const guint8 **next, int lines)
{
  const gssize row = row_distance (t), c_row = (gssize) sizeof (float) * (direct ? t->c_row : NR);
  const guint16 *b = t->b;
  float block[GROUP_BF16 * NR], *c = direct ? t->c + i * t->c_row : block;

  if (direct && t->residual != NULL)
    load_sums (m, c, c_row);
  else
    {
      _tile_zero (0);
      _tile_zero (1);
      _tile_zero (2);
      _tile_zero (3);
    }
  for (int tap = 0; tap < t->taps; tap++)
    for (gssize p = 0; p < t->k; p += STEP_BF16, b += STEP_BF16 * NR)
      {
        multiply_step (m, (const guint16 *) t->a[tap * t->m + i] + p, row, b);
        bring_nearer (next, lines);
      }
  store_sums (m, c, c_row);
  if (!direct)
    store_block (t, i, m, block);
}

static void
multiply_whole_bf16 (const SfTile *tile, int panels, gsize b_step, gsize c_step)
{
  const int groups = (tile->m + GROUP_BF16 - 1) / GROUP_BF16, lines = (STEP_BF16 * NR * (int) sizeof (guint16) / 64 + groups - 1) / groups;
  SfTile t = *tile;

  shape_registers ();
  for (int panel = 0; panel < panels; panel++, next_panel (&t, b_step, c_step))
    {
      const gboolean direct = t.bias == NULL && t.scale == 1 && !t.stream && (t.residual == NULL || (t.residual == t.c && t.residual_row == t.c_row));
      const guint8 *next = get_next (&t, panel, panels, b_step);

      for (int i = 0; i < t.m; i += GROUP_BF16)
        {
          const int m = MIN (GROUP_BF16, t.m - i);

          multiply_group_bf16 (&t, i, m, direct && m % HALF == 0, &next, lines);
        }
    }
  _tile_release ();
  if (t.stream)
    sf_stream_end ();
}

/*** Fixed point ***/

/* a b = (a0 2^16 + a1 2^8 + a2) (b0 2^16 + b1 2^8 + b2); what is left out of it, a1 b2 + a2 b1 and a2 b2, is below the last digit
 * of a0 b0.  Products of one place, which is the sum of those of the digits, are summed together, as integers: exactly.
 * Registers 0 and 1 are the sums of the highest place, 2 and 3, 4 and 5 those of the next; 6 is a digit of A, 7 one of B. */
#define DIGITS SF_FIXED_DIGITS
#define STEP_BYTES (DIGITS * SF_FIXED_STEP * NR) /* of a panel */
#define PLANE (SF_FIXED_STEP * NR)               /* of one digit */
#define RUN 4                                    /* steps of 64 whose panel stays in the first level of the cache */

typedef gint32 Places[DIGITS][HALF][NR];

/* Sums of the three places that are still to be joined and written to C, row by row, while the next sums are made: the one takes
 * nearly no time from the other.  All of the next row. */
typedef struct
{
  const gint32 *places;
  const guint8 *row_scale;
  const float *add; /* (nullable) */
  float *c;
  gsize add_row, c_row;
  SfV column_scales[NR / SF_LANES];
  const float *bias; /* (nullable) */
  float scale;
  gboolean stream;
} Rest;

/* @row: bytes from one row of A to the next */
SF_INLINE void
join_row (Rest *rest, gssize row)
{
  const float row_scale = *(const float *) rest->row_scale;

#pragma GCC unroll 2
  for (int i = 0; i < NR / SF_LANES; i++)
    {
      const gint32 *places = rest->places + i * SF_LANES;
      SfV sum = (SfV) _mm512_cvtepi32_ps (_mm512_load_si512 (places));

      sum = sum * 256 + (SfV) _mm512_cvtepi32_ps (_mm512_load_si512 (places + HALF * NR));
      sum = sum * 256 + (SfV) _mm512_cvtepi32_ps (_mm512_load_si512 (places + 2 * HALF * NR));
      sum *= row_scale * rest->column_scales[i];
      if (rest->bias != NULL)
        sum += sf_load (rest->bias + i * SF_LANES);
      if (rest->add != NULL)
        sum += sf_load (rest->add + i * SF_LANES);
      sum *= rest->scale;
      if (rest->stream)
        sf_stream (rest->c + i * SF_LANES, sum);
      else
        sf_store (rest->c + i * SF_LANES, sum);
    }
  rest->places += NR;
  rest->row_scale += row;
  rest->add = rest->add != NULL ? rest->add + rest->add_row : NULL;
  rest->c += rest->c_row;
}

SF_INLINE void
zero_places (void)
{
  _tile_zero (0);
  _tile_zero (1);
  _tile_zero (2);
  _tile_zero (3);
  _tile_zero (4);
  _tile_zero (5);
}

SF_INLINE void
store_places (Places places)
{
  _tile_stored (0, places[0], 4 * NR);
  _tile_stored (1, places[0][0] + HALF, 4 * NR);
  _tile_stored (2, places[1], 4 * NR);
  _tile_stored (3, places[1][0] + HALF, 4 * NR);
  _tile_stored (4, places[2], 4 * NR);
  _tile_stored (5, places[2][0] + HALF, 4 * NR);
}

/* From an address and a constant, which the compiler's own function would add beforehand: it lacks the registers for that. */
#define LOAD(register, from, offset, row) \
  __asm__ volatile ("tileloadd %c2(%0,%1,1), %%tmm" #register : : "r"(from), "r"((gssize) (row)), "i"(offset))

/* One digit of A, which is loaded, times one of B.  A macro and not a function: as long as what it changes are plain variables of
 * its caller, GCC keeps them in registers, which makes a quarter of the time. */
#define MULTIPLIES 6 /* of a step */
#define MULTIPLY(place_left, place_right, digit)   \
  LOAD (7, b, (digit) * PLANE, 4 * NR);            \
  _tile_dpbssd (place_left, 6, 7);                 \
  LOAD (7, b, (digit) * PLANE + 4 * HALF, 4 * NR); \
  _tile_dpbssd (place_right, 6, 7);                \
  bring_nearer (&next, lines);                     \
  if (left > 0)                                    \
    {                                              \
      join_row (&rest, row);                       \
      left--;                                      \
    }                                              \
  if (steps == 1 && left > 0)                      \
    {                                              \
      join_row (&rest, row);                       \
      left--;                                      \
    }

static void
multiply_whole_fixed (const SfTile *tile, int panels, gsize b_step, gsize c_step)
{
  const int steps = sf_fixed_steps (tile->k), groups = (tile->m + HALF - 1) / HALF;
  const int lines = (STEP_BYTES / 64 + groups * MULTIPLIES - 1) / (groups * MULTIPLIES); /* of the next panel, at a time */
  const gssize row = row_distance (tile);
  Places places __attribute__ ((aligned (64)));
  Rest rest = { .places = NULL };
  int left = 0; /* rows of the rest */
  SfTile t = *tile;

  shape_registers ();
  for (int panel = 0; panel < panels; panel++, next_panel (&t, b_step, c_step))
    {
      const float *column_scales = (const float *) ((const guint8 *) t.b + steps * STEP_BYTES);
      const guint8 *next = get_next (&t, panel, panels, b_step);

      for (int k = 0; k < steps; k += RUN)
        for (int i = 0; i < t.m; i += HALF)
          {
            const int n = MIN (RUN, steps - k);
            const guint8 *a = (const guint8 *) t.a[0] + i * row + k * DIGITS * SF_FIXED_STEP, *b = (const guint8 *) t.b + k * STEP_BYTES;

            zero_places ();
            for (int step = 0; step < n; step++, a += DIGITS * SF_FIXED_STEP, b += STEP_BYTES)
              {
                LOAD (6, a, 2 * SF_FIXED_STEP, row);
                MULTIPLY (4, 5, 0)
                LOAD (6, a, SF_FIXED_STEP, row);
                MULTIPLY (2, 3, 0)
                MULTIPLY (4, 5, 1)
                LOAD (6, a, 0, row);
                MULTIPLY (2, 3, 1)
                MULTIPLY (4, 5, 2)
                MULTIPLY (0, 1, 0)
              }
            for (; left > 0; left--)
              join_row (&rest, row);
            store_places (places);
            rest = (Rest) {
              .places = places[0][0],
              .row_scale = (const guint8 *) t.a[0] + i * row + steps * DIGITS * SF_FIXED_STEP,
              .add = k > 0 ? t.c + i * t.c_row : t.residual != NULL ? t.residual + i * t.residual_row
                                                                    : NULL,
              .add_row = k > 0 ? t.c_row : t.residual_row,
              .c = t.c + i * t.c_row,
              .c_row = t.c_row,
              .column_scales = { sf_load (column_scales), sf_load (column_scales + SF_LANES) },
              .bias = k == 0 ? t.bias : NULL,
              .scale = k + n == steps ? t.scale : 1,
              .stream = t.stream && steps <= RUN, /* else C is in the cache already */
            };
            left = MIN (HALF, t.m - i);
          }
    }
  for (; left > 0; left--)
    join_row (&rest, row);
  _tile_release ();
  if (t.stream)
    sf_stream_end ();
}

#undef LOAD
#undef MULTIPLY

/*** To fixed point ***/

/* 16 numbers, of which @n are there. */
SF_INLINE __m512
load_few (const float *x, int n)
{
  return n >= HALF ? _mm512_loadu_ps (x) : _mm512_maskz_loadu_ps ((__mmask16) (n > 0 ? (1 << n) - 1 : 0), x);
}

/* Digits of 4 x 16 numbers times @factor, in the order of sf_split_digits(). */
SF_INLINE void
to_digits (const __m512 x[4], __m512 factor, __m512i digit[DIGITS])
{
  __m512i n[4];

  for (int i = 0; i < 4; i++)
    n[i] = _mm512_add_epi32 (_mm512_cvtps_epi32 (x[i] * factor), _mm512_set1_epi32 (SF_FIXED_CARRY));
  sf_split_digits (n, digit);
}

/* The larger magnitudes, as integers: NaN is the largest. */
SF_INLINE __m512i
larger (__m512i largest, __m512 x)
{
  return _mm512_max_epi32 (largest, _mm512_and_si512 ((__m512i) x, _mm512_set1_epi32 (G_MAXINT32)));
}

/* What numbers up to @largest are multiplied with, and what gives them back; no numbers if all are 0, or next to it. */
SF_INLINE __m512
get_factor (__m512i largest, __m512 *scale)
{
  const __m512 most = (__m512) largest;
  const __mmask16 there = _mm512_cmp_ps_mask (most, _mm512_set1_ps (FLT_MIN * SF_FIXED_HIGHEST), _CMP_NLT_UQ);
  const __mmask16 broken = _mm512_cmp_ps_mask (most, _mm512_set1_ps (FLT_MAX), _CMP_NLE_UQ);

  *scale = _mm512_mask_mov_ps (_mm512_maskz_mov_ps (there, most * (256.0f / SF_FIXED_HIGHEST)), broken, _mm512_set1_ps (NAN));
  return _mm512_maskz_div_ps (there & ~broken, _mm512_set1_ps (SF_FIXED_HIGHEST), most);
}

/* Up to 16 rows: their maxima together, as one waits long for the maximum of a register, and for a quotient. */
SF_INLINE void
fixed_few_rows (const float *x, gsize x_row, int rows, int k, guint8 *out, gsize out_row)
{
  const int steps = sf_fixed_steps (k);
  gint32 most[HALF] = { 0 };
  float factors[HALF], scales[HALF];
  __m512 scale, part[4];
  __m512i digit[DIGITS];

  for (int r = 0; r < rows; r++)
    {
      __m512i largest = _mm512_setzero_si512 ();

      for (int p = 0; p < k; p += HALF)
        largest = larger (largest, load_few (x + r * x_row + p, k - p));
      most[r] = _mm512_reduce_max_epi32 (largest);
    }
  _mm512_storeu_ps (factors, get_factor (_mm512_loadu_si512 (most), &scale));
  _mm512_storeu_ps (scales, scale);
  for (int r = 0; r < rows; r++, x += x_row, out += out_row)
    {
      const __m512 factor = _mm512_set1_ps (factors[r]);
      guint8 *to = out;

      for (int p = 0; p < steps * SF_FIXED_STEP; p += SF_FIXED_STEP)
        {
          for (int i = 0; i < 4; i++)
            part[i] = load_few (x + p + i * HALF, k - p - i * HALF);
          to_digits (part, factor, digit);
          for (int i = 0; i < DIGITS; i++, to += SF_FIXED_STEP)
            _mm512_storeu_si512 (to, digit[i]);
        }
      *(float *) to = scales[r];
    }
}

static void
fixed_rows (const float *x, gsize x_row, int rows, int k, guint8 *out, gsize out_row)
{
  for (int r = 0; r < rows; r += HALF)
    fixed_few_rows (x + r * x_row, x_row, MIN (HALF, rows - r), k, out + r * out_row, out_row);
}

/* 16 columns of a panel. */
SF_INLINE void
fixed_columns (const float *panel, int k, guint8 *out, float *scales)
{
  const int steps = sf_fixed_steps (k);
  const __m512 zero = _mm512_setzero_ps ();
  __m512i largest = _mm512_setzero_si512 (), digit[DIGITS];
  __m512 factor, scale, part[4];

  for (int p = 0; p < k; p++)
    largest = larger (largest, _mm512_loadu_ps (panel + (gsize) p * NR));
  factor = get_factor (largest, &scale);
  _mm512_storeu_ps (scales, scale);
  for (int step = 0; step < steps; step++, out += STEP_BYTES)
    for (int row = 0; row < SF_FIXED_STEP / 4; row++)
      {
        for (int i = 0, p = step * SF_FIXED_STEP + row; i < 4; i++, p += HALF)
          part[i] = p < k ? _mm512_loadu_ps (panel + (gsize) p * NR) : zero;
        to_digits (part, factor, digit);
        for (int i = 0; i < DIGITS; i++)
          _mm512_storeu_si512 (out + i * PLANE + row * 4 * NR, digit[i]);
      }
}

static void
fixed_panel (const float *panel, int k, guint8 *out)
{
  float *scales = (float *) (out + sf_fixed_steps (k) * STEP_BYTES);

  for (int j = 0; j < NR; j += HALF)
    fixed_columns (panel + j, k, out + 4 * j, scales + j);
}
