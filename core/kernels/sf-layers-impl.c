/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inner loops of layers, compiled once per flavour.  Functions are of a register of numbers; all exponentials are one
 * polynomial.
 */
#include "kernels/sf-layers.h"

#include <math.h>

#include "kernels/sf-flavour.h"

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

/* 1.5 * 2^23: added to a float below 2^22, it rounds that to an integer, which then stands in the lowest bits. */
#define ROUNDER 12582912.0f

/* 2^n x for n = rounded - ROUNDER, -126 <= n <= 127. */
SF_INLINE SfV
scaled (SfV x, SfV rounded)
{
#ifdef __AVX512F__
  return (SfV) _mm512_scalef_ps ((__m512) x, (__m512) (rounded - ROUNDER));
#else
  return x * (SfV) (((SfU) rounded << 23) + 0x3f800000);
#endif
}

/* 2^x, relative error below 2e-7, for x >= -126; that of -126 below.  x = n + f, |f| <= 1/2; the polynomial of degree 5 with
 * p (0) = 1 whose largest relative error is least, 9.2e-8. */
SF_INLINE SfV
exp2_fast (SfV x)
{
  SfV rounded, f, p;

  x = larger (all (-126), x); /* NaN stays */
  rounded = x + ROUNDER;
  f = x - (rounded - ROUNDER);
  p = f * 1.32647273e-3f + 9.67151271e-3f;
  p = p * f + 5.55073374e-2f;
  p = p * f + 0.240222421f;
  p = p * f + 0.693146978f;
  p = p * f + 1;
  return scaled (p, rounded);
}

/* e^x, relative error below 2e-7, for -87 <= x <= 88; that of the nearer bound elsewhere.  As above, but x - n ln 2 is taken in
 * two steps, as n ln 2 has too many digits (Cody and Waite 1980). */
SF_INLINE SfV
exp_fast (SfV x)
{
  SfV rounded, n, f, p;

  x = smaller (all (88), larger (all (-87), x));
  rounded = x * 1.44269504f + ROUNDER;
  n = rounded - ROUNDER;
  f = x - n * 0.693359375f + n * 2.12194440e-4f;
  p = f * 8.29030827e-3f + 4.18979647e-2f;
  p = p * f + 0.166676365f;
  p = p * f + 0.499991493f;
  p = p * f + 0.999999707f;
  p = p * f + 1;
  return scaled (p, rounded);
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

SF_INLINE void
scale_shift_rows (const SfActivation activation, const gboolean stream, const float *x, const float *scale, const float *shift,
                  float *y, gsize y_row, gsize rows, gsize c)
{
  for (gsize r = 0; r < rows; r++, x += c, y += y_row)
    {
      gsize i = 0;

      for (; i + SF_LANES <= c; i += SF_LANES)
        {
          SfV value = activation_of (activation, sf_load (x + i) * sf_load (scale + i) + sf_load (shift + i));

          if (stream)
            sf_stream (y + i, value);
          else
            sf_store (y + i, value);
        }
      if (i < c)
        {
          const int n = (int) (c - i);

          sf_store_n (y + i, activation_of (activation, sf_load_n (x + i, n) * sf_load_n (scale + i, n) + sf_load_n (shift + i, n)), n);
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
        moments_of (x + i, pivot + i, sum + i, squares + i, n, c, 1, (int) (c - i));
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

/* In each lane the upper halves of two numbers, rounded, the first one's below. */
SF_INLINE SfV
pair (SfV first, SfV second)
{
  return (SfV) ((((SfU) first + 0x8000) >> 16) | (((SfU) second + 0x8000) & 0xffff0000));
}

/* Of as many columns as a register has lanes. */
SF_INLINE void
softmax_of (float *s, gsize rows, gsize columns, float *maximum, float *sum, float *rescale, guint16 *pairs)
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
  total = exp2_fast (old - m);
  sf_store (rescale, total);
  total *= sf_load (sum);
  if (pairs != NULL)
    for (r = 0; r < rows; r += 2)
      {
        SfV p = exp2_fast (sf_load (s + r * columns) - m), q = exp2_fast (sf_load (s + (r + 1) * columns) - m);

        sf_store ((float *) pairs + r / 2 * columns, pair (p, q));
        total += p + q;
      }
  else
    for (r = 0; r < rows; r++)
      {
        SfV p = exp2_fast (sf_load (s + r * columns) - m);

        sf_store (s + r * columns, p);
        total += p;
      }
  sf_store (maximum, m);
  sf_store (sum, total);
}

static void
softmax (float *s, gsize rows, gsize columns, float *maximum, float *sum, float *rescale, guint16 *pairs)
{
  for (gsize i = 0; i < columns; i += SF_LANES)
    softmax_of (s + i, rows, columns, maximum + i, sum + i, rescale + i, pairs != NULL ? pairs + 2 * i : NULL);
}

extern const SfLayerKernels SF_TABLE (sf_layers);

const SfLayerKernels SF_TABLE (sf_layers) = {
  .activate = activate,
  .scale_shift = scale_shift,
  .moments = moments,
  .layer_norm = layer_norm,
  .softmax = softmax,
};
