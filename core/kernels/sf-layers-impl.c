/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inner loops of layers, compiled once per flavour.  Functions are of a register of numbers; all exponentials are one
 * polynomial.
 */
#include "kernels/sf-layers.h"

#include <math.h>

#include "kernels/sf-flavour.h"

#ifdef __AMX_INT8__
#include "kernels/sf-digits.h"
#endif
#ifdef __AVX__
#include <immintrin.h>
#endif

typedef gint32 SfI __attribute__ ((vector_size (SF_LANES * 4)));
typedef guint32 SfU __attribute__ ((vector_size (SF_LANES * 4)));

/*** Functions of one number ***/

SF_INLINE SfV
all (float x)
{
  return x - (SfV) { 0 };
}

SF_INLINE SfV
choose (SfI condition, SfV yes, SfV no)
{
  return (SfV) ((condition & (SfI) yes) | (~condition & (SfI) no));
}

/* The larger, the smaller; y where one is NaN, as the instructions have it that GCC's vectors have no operator for. */
#if defined(__AVX512F__)
#define larger(x, y) ((SfV) _mm512_max_ps ((__m512) (x), (__m512) (y)))
#define smaller(x, y) ((SfV) _mm512_min_ps ((__m512) (x), (__m512) (y)))
#elif defined(__AVX__)
#define larger(x, y) ((SfV) _mm256_max_ps ((__m256) (x), (__m256) (y)))
#define smaller(x, y) ((SfV) _mm256_min_ps ((__m256) (x), (__m256) (y)))
#else
#define larger(x, y) choose ((x) > (y), x, y)
#define smaller(x, y) choose ((x) < (y), x, y)
#endif

SF_INLINE SfV
magnitude (SfV x)
{
  return (SfV) ((SfI) x & 0x7fffffff);
}

/* x = n + f, n whole, 0 <= f <= 1: f, and 2^n y.  |x| <= 126. */
#ifdef __AVX512F__

SF_INLINE SfV
fraction (SfV x)
{
  return (SfV) _mm512_reduce_ps ((__m512) x, _MM_FROUND_TO_NEG_INF);
}

SF_INLINE SfV
scaled (SfV y, SfV x)
{
  return (SfV) _mm512_scalef_ps ((__m512) y, (__m512) x);
}

#else

/* 1.5 * 2^23: added to a float below 2^22, it rounds that to an integer, which then stands in the lowest bits. */
#define ROUNDER 12582912.0f

SF_INLINE SfV
whole (SfV x)
{
  return x - 0.5f + ROUNDER;
}

SF_INLINE SfV
fraction (SfV x)
{
  return x - (whole (x) - ROUNDER);
}

SF_INLINE SfV
scaled (SfV y, SfV x)
{
  return y * (SfV) (((SfU) whole (x) << 23) + 0x3f800000);
}

#endif

/* 2^x, relative error below 2e-7, for |x| <= 126: the polynomial of degree 5 with p (0) = 1 whose largest relative error is
 * least, 8.3e-8. */
SF_INLINE SfV
exp2_fast (SfV x)
{
  const SfV f = fraction (x);
  SfV p = f * 1.86695263e-3f + 9.01748054e-3f;

  p = p * f + 5.57995141e-2f;
  p = p * f + 0.240164593f;
  p = p * f + 0.693151295f;
  p = p * f + 1;
  return scaled (p, x);
}

/* 2^x for x <= 0; that of -126 below; NaN stays. */
SF_INLINE SfV
exp2_below (SfV x)
{
  return exp2_fast (larger (all (-126), x));
}

/* Between -126 and 126; anything for NaN. */
SF_INLINE SfV
limited (SfV x)
{
#ifdef __AVX512F__
  return (SfV) _mm512_range_ps ((__m512) x, (__m512) all (126), 2); /* the smaller magnitude, the sign of x */
#else
  return smaller (all (126), larger (all (-126), x));
#endif
}

/* e^x, that of the nearer bound where it leaves the floats; anything for NaN.  The relative error grows by 8e-8 |x|: all below use
 * it where it stays as small as that of 2^x in what they make of it. */
SF_INLINE SfV
exp_fast (SfV x)
{
  return exp2_fast (limited (x * 1.44269504f));
}

/* Phi (x), absolute error below 2e-7: Abramowitz and Stegun 7.1.26 for the smaller tail. */
SF_INLINE SfV
normal_cdf (SfV x)
{
  SfV z = magnitude (x) * 0.707106781f, t = 1 / (1 + 0.3275911f * z), tail;

  tail = t * 1.061405429f - 1.453152027f;
  tail = tail * t + 1.421413741f;
  tail = tail * t - 0.284496736f;
  tail = tail * t + 0.254829592f;
  tail *= 0.5f * t * exp_fast (-z * z);
  return choose (x > 0, 1 - tail, tail);
}

/* x / y for y > 0, relative error below 2e-7; for y so large that its reciprocal is no normal number, 0. */
SF_INLINE SfV
divided (SfV x, SfV y)
{
#ifdef __AVX512F__ /* where division takes as long as all the rest of an activation: one step of Newton's method */
  SfV r = (SfV) _mm512_rcp14_ps ((__m512) y);

  return x * (r * (2 - y * r));
#else
  return x / y;
#endif
}

/* x sigmoid (z) */
SF_INLINE SfV
gate (SfV x, SfV z)
{
  return divided (x, 1 + exp_fast (-z));
}

/* x tanh (log (1 + e)), e = e^x: tanh (log (a)) = (a^2 - 1) / (a^2 + 1). */
SF_INLINE SfV
mish (SfV x)
{
  SfV e = exp_fast (smaller (all (30), x)), q = e * (e + 2);

  return x * (q / (q + 2));
}

SF_INLINE SfV
activation_of (const SfActivation activation, SfV x)
{
  switch (activation)
    {
    case SF_ACTIVATION_SILU:
      return gate (x, x);
    case SF_ACTIVATION_GELU:
      return x * normal_cdf (x);
    case SF_ACTIVATION_GELU_TANH: /* (1 + tanh u) / 2 = sigmoid (2 u) */
      return gate (x, 1.59576912f * (x + 0.044715f * x * x * x));
    case SF_ACTIVATION_QUICK_GELU:
      return gate (x, 1.702f * x);
    case SF_ACTIVATION_RELU:
      return larger (all (0), x);
    case SF_ACTIVATION_MISH:
      return mish (x);
    default:
      return x;
    }
}

/* One copy of a loop for each activation. */
#define CASE(activation, function, ...) \
  case activation:                      \
    function (activation, __VA_ARGS__); \
    break;
#define FOR_ACTIVATION(activation, function, ...)            \
  switch (activation)                                        \
    {                                                        \
      CASE (SF_ACTIVATION_SILU, function, __VA_ARGS__)       \
      CASE (SF_ACTIVATION_GELU, function, __VA_ARGS__)       \
      CASE (SF_ACTIVATION_GELU_TANH, function, __VA_ARGS__)  \
      CASE (SF_ACTIVATION_QUICK_GELU, function, __VA_ARGS__) \
      CASE (SF_ACTIVATION_RELU, function, __VA_ARGS__)       \
      CASE (SF_ACTIVATION_MISH, function, __VA_ARGS__)       \
    default:                                                 \
      function (SF_ACTIVATION_NONE, __VA_ARGS__);            \
    }

/*** Activations ***/

SF_INLINE void
activate_row (const SfActivation activation, const float *x, float *y, gsize n)
{
  gsize i = 0;

  for (; i + SF_LANES <= n; i += SF_LANES)
    sf_store (y + i, activation_of (activation, sf_load (x + i)));
  if (i < n)
    sf_store_n (y + i, activation_of (activation, sf_load_n (x + i, (int) (n - i))), (int) (n - i));
}

static void
activate (SfActivation activation, const float *x, float *y, gsize n)
{
  FOR_ACTIVATION (activation, activate_row, x, y, n);
}

/*** Norms ***/

/* x y + z.  Left to itself, the compiler rounds once in one loop and twice in another. */
#if defined(__AVX512F__)
#define fused(x, y, z) ((SfV) _mm512_fmadd_ps ((__m512) (x), (__m512) (y), (__m512) (z)))
#elif defined(__FMA__)
#define fused(x, y, z) ((SfV) _mm256_fmadd_ps ((__m256) (x), (__m256) (y), (__m256) (z)))
#else
#define fused(x, y, z) ((x) * (y) + (z))
#endif

SF_INLINE SfV
load_lanes (const float *x, const int lanes)
{
  return lanes == SF_LANES ? sf_load (x) : sf_load_n (x, lanes);
}

SF_INLINE SfV
scale_shift_of (const SfActivation activation, const float *x, const float *scale, const float *shift, const int lanes)
{
  return activation_of (activation, fused (load_lanes (x, lanes), load_lanes (scale, lanes), load_lanes (shift, lanes)));
}

SF_INLINE void
scale_shift_rows (const SfActivation activation, const gboolean stream, const float *x, const float *scale, const float *shift,
                  float *y, gsize y_row, gsize rows, gsize c)
{
  for (gsize r = 0; r < rows; r++, x += c, y += y_row)
    {
      gsize i = 0;

      for (; i + SF_LANES <= c; i += SF_LANES)
        {
          const SfV value = scale_shift_of (activation, x + i, scale + i, shift + i, SF_LANES);

          if (stream)
            sf_stream (y + i, value);
          else
            sf_store (y + i, value);
        }
      if (i < c)
        {
          const int n = (int) (c % SF_LANES);

          sf_store_n (y + i, scale_shift_of (activation, x + i, scale + i, shift + i, n), n);
        }
    }
}

static void
scale_shift (SfActivation activation, const float *x, const float *scale, const float *shift, gboolean stream, float *y,
             gsize y_row, gsize rows, gsize c)
{
  if (stream && c % SF_LANES == 0 && y_row % SF_LANES == 0 && GPOINTER_TO_SIZE (y) % sizeof (SfV) == 0)
    {
      FOR_ACTIVATION (activation, scale_shift_rows, TRUE, x, scale, shift, y, y_row, rows, c);
      sf_stream_end ();
    }
  else
    FOR_ACTIVATION (activation, scale_shift_rows, FALSE, x, scale, shift, y, y_row, rows, c);
}

/* Rows that are summed in float before the sum is added to one in double: few, for the sake of the last digits, and so that
 * they stay in the cache while their channels are visited. */
#define SHORT_SUM 32

/* @n registers of channels side by side, @lanes of each. */
SF_INLINE void
moments_of (const float *x, const float *pivot, double *sum, double *squares, gsize rows, gsize c, const int n, const int lanes)
{
  SfV s[4] = { 0 }, q[4] = { 0 };

  for (gsize r = 0; r < rows; r++, x += c)
#pragma GCC unroll 4
    for (int i = 0; i < n; i++)
      {
        SfV d = load_lanes (x + i * SF_LANES, lanes) - load_lanes (pivot + i * SF_LANES, lanes);

        s[i] += d;
        q[i] = fused (d, d, q[i]);
      }
#pragma GCC unroll 4
  for (int i = 0; i < n; i++)
    for (int j = 0; j < lanes; j++)
      {
        sum[i * SF_LANES + j] += (double) s[i][j];
        squares[i * SF_LANES + j] += (double) q[i][j];
      }
}

static void
moments (const float *x, const float *pivot, double *sum, double *squares, gsize rows, gsize c)
{
  memset (sum, 0, c * sizeof *sum);
  memset (squares, 0, c * sizeof *squares);
  for (gsize r = 0; r < rows; r += SHORT_SUM, x += SHORT_SUM * c)
    {
      gsize n = MIN (rows - r, SHORT_SUM), i = 0;

      for (; i + 4 * SF_LANES <= c; i += 4 * SF_LANES)
        moments_of (x + i, pivot + i, sum + i, squares + i, n, c, 4, SF_LANES);
      for (; i + SF_LANES <= c; i += SF_LANES)
        moments_of (x + i, pivot + i, sum + i, squares + i, n, c, 1, SF_LANES);
      if (i < c)
        moments_of (x + i, pivot + i, sum + i, squares + i, n, c, 1, (int) (c % SF_LANES));
    }
}

static void
layer_norm (const float *x, const float *w, const float *b, float eps, float *y, gsize rows, gsize c)
{
  for (gsize r = 0; r < rows; r++, x += c, y += c)
    {
      float total = 0, squares = 0, mean, scale;

#pragma omp simd reduction(+ : total)
      for (gsize i = 0; i < c; i++)
        total += x[i];
      mean = total / c;
#pragma omp simd reduction(+ : squares)
      for (gsize i = 0; i < c; i++)
        squares += (x[i] - mean) * (x[i] - mean);
      scale = 1 / sqrtf (squares / c + eps);
#pragma omp simd
      for (gsize i = 0; i < c; i++)
        y[i] = (x[i] - mean) * scale * w[i] + b[i];
    }
}

/*** Softmax ***/

/* 2^(s - m) of all rows, of as many columns as a register has lanes; returns their sums.  In place. */
SF_INLINE SfV
write_floats (float *s, gsize rows, gsize columns, SfV m)
{
  SfV total = { 0 };

  for (gsize r = 0; r < rows; r++)
    {
      SfV p = exp2_below (sf_load (s + r * columns) - m);

      sf_store (s + r * columns, p);
      total += p;
    }
  return total;
}

/* In each lane the upper halves of two numbers, rounded, the first one's below. */
SF_INLINE SfV
pair (SfV first, SfV second)
{
  return (SfV) ((((SfU) first + 0x8000) >> 16) | (((SfU) second + 0x8000) & 0xffff0000));
}

/* As bf16. */
SF_INLINE SfV
write_pairs (const float *s, gsize rows, gsize columns, SfV m, float *pairs)
{
  SfV total = { 0 };

  for (gsize r = 0; r < rows; r += 2)
    {
      SfV p = exp2_below (sf_load (s + r * columns) - m), q = exp2_below (sf_load (s + (r + 1) * columns) - m);

      sf_store (pairs + r / 2 * columns, pair (p, q));
      total += p + q;
    }
  return total;
}

/* In fixed point, where there is such a form: the scale is the same for all, as none is above 1.  2^23 makes an integer of the
 * lower bits. */
SF_INLINE SfV
write_digits (const float *s, gsize rows, gsize columns, SfV m, guint8 *panel)
{
  SfV total = { 0 };

#ifdef __AMX_INT8__
  for (gsize first = 0; first < rows; first += SF_FIXED_STEP, panel += SF_FIXED_DIGITS * SF_FIXED_STEP * columns)
    for (int row = 0; row < SF_FIXED_STEP / 4; row++)
      {
        __m512i n[4], digit[SF_FIXED_DIGITS];

        for (int i = 0; i < 4; i++)
          {
            const gsize r = first + row + i * SF_FIXED_STEP / 4;
            SfV p = { 0 };

            if (r < rows)
              p = exp2_below (sf_load (s + r * columns) - m);
            n[i] = (__m512i) (p * SF_FIXED_HIGHEST + ((1 << 23) + SF_FIXED_CARRY));
            total += p;
          }
        sf_split_digits (n, digit);
        for (int i = 0; i < SF_FIXED_DIGITS; i++)
          _mm512_storeu_si512 (panel + (i * SF_FIXED_STEP + row * 4) * columns, digit[i]);
      }
  sf_store ((float *) panel, all (256.0f / SF_FIXED_HIGHEST));
#endif
  return total;
}

/* Of as many columns as a register has lanes. */
SF_INLINE void
softmax_of (float *s, gsize rows, gsize columns, float *maximum, float *sum, float *rescale, SfForm form, gpointer p)
{
  SfV old = sf_load (maximum), m = old, total;
  gsize r = 0;

  for (; r + 4 <= rows; r += 4) /* several at a time: each waits for the one before */
    {
      const float *x = s + r * columns;

      m = larger (m, larger (larger (sf_load (x), sf_load (x + columns)),
                             larger (sf_load (x + 2 * columns), sf_load (x + 3 * columns))));
    }
  for (; r < rows; r++)
    m = larger (m, sf_load (s + r * columns));
  total = exp2_below (old - m);
  sf_store (rescale, total);
  total *= sf_load (sum);
  if (form == SF_FORM_FIXED)
    total += write_digits (s, rows, columns, m, p);
  else if (form == SF_FORM_BF16)
    total += write_pairs (s, rows, columns, m, p);
  else
    total += write_floats (s, rows, columns, m);
  sf_store (maximum, m);
  sf_store (sum, total);
}

/* In each form a number takes at least 4 bytes of a row: columns of p begin where those of floats would. */
static void
softmax (float *s, gsize rows, gsize columns, float *maximum, float *sum, float *rescale, SfForm form, gpointer p)
{
  for (gsize i = 0; i < columns; i += SF_LANES)
    softmax_of (s + i, rows, columns, maximum + i, sum + i, rescale + i, form, p != NULL ? (float *) p + i : NULL);
}

extern const SfLayerKernels SF_TABLE (sf_layers);

const SfLayerKernels SF_TABLE (sf_layers) = {
  .activate = activate,
  .scale_shift = scale_shift,
  .moments = moments,
  .layer_norm = layer_norm,
  .softmax = softmax,
};
