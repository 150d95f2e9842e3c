/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every flavour of the layers' inner loops against the formulas in double precision. */
#include "numbers.h"

/* The exponential's documented relative error, and some roundings. */
#define EXP_TOLERANCE 5e-7
/* Of an activation, relative to the argument's size (at least 1): Phi is good to 2e-7, the others are as good as the exponential. */
#define ACTIVATION_TOLERANCE 6e-7
/* Of a sum over 32 rows in float, relative to the sum of the terms' sizes. */
#define SUM_TOLERANCE (32 * 6e-8)
/* Of numbers of size 1: sums over a row in float, of few terms for each lane, and some roundings. */
#define NORM_TOLERANCE 3e-6

static double
sigmoid (double x)
{
  return 1 / (1 + exp (-x));
}

static double
activation (SfActivation which, double x)
{
  switch (which)
    {
    case SF_ACTIVATION_SILU:
      return x * sigmoid (x);
    case SF_ACTIVATION_GELU:
      return x * erfc (-x / G_SQRT2) / 2;
    case SF_ACTIVATION_GELU_TANH:
      return x * (1 + tanh (sqrt (2 / G_PI) * (x + 0.044715 * x * x * x))) / 2;
    case SF_ACTIVATION_QUICK_GELU:
      return x * sigmoid (1.702 * x);
    case SF_ACTIVATION_RELU:
      return MAX (x, 0);
    case SF_ACTIVATION_MISH:
      return x * tanh (x > 30 ? x : log1p (exp (x)));
    default:
      return x;
    }
}

/*** Activations ***/

static const int lengths[] = { 1, 3, 7, 16, 17, 77, 320, 1003 };

static void
test_activate (void)
{
  FOR_EACH_FLAVOUR (k)
  for (int which = 0; which < SF_N_ACTIVATIONS; which++)
    for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
      {
        const int n = lengths[i];
        g_autofree float *x = noise (i, n), *y = g_new (float, n + 1);

        for (int j = 0; j < n; j++)
          x[j] *= j % 3 == 0 ? 30 : 2;
        y[n] = 7;
        k->layers->activate (which, x, y, n);
        for (int j = 0; j < n; j++)
          assert_near (y[j], activation (which, (double) x[j]), ACTIVATION_TOLERANCE * MAX (fabs ((double) x[j]), 1));
        g_assert_true (y[n] == 7);
        k->layers->activate (which, x, x, n);
        g_assert_cmpmem (x, n * sizeof *x, y, n * sizeof *y);
      }
}

/* The ends of the float's range, NaN, and infinity. */
static void
test_activate_edges (void)
{
  static const float large[] = { 90, 700, 1e18f, 3e38f, INFINITY };

  FOR_EACH_FLAVOUR (k)
  for (int which = 0; which < SF_N_ACTIVATIONS; which++)
    {
      float x = NAN, y = 0;

      k->layers->activate (which, &x, &y, 1);
      g_assert_true (isnan (y));
      for (gsize i = 0; i < G_N_ELEMENTS (large); i++)
        {
          if (which == SF_ACTIVATION_GELU_TANH && large[i] > 1e12f)
            continue; /* its cube is infinite */
          k->layers->activate (which, &large[i], &y, 1);
          g_assert_true (y == large[i]);
          x = -large[i];
          k->layers->activate (which, &x, &y, 1);
          if (which != SF_ACTIVATION_NONE && isfinite (x))
            g_assert_true (fabsf (y) <= 1e-25f * large[i]);
        }
    }
}

/*** Norms ***/

static const struct
{
  int rows, c;
} shapes[] = { { 1, 1 }, { 5, 3 }, { 33, 8 }, { 64, 32 }, { 100, 77 }, { 31, 144 }, { 130, 320 } };

static void
test_scale_shift (void)
{
  FOR_EACH_FLAVOUR (k)
  for (int which = 0; which < SF_N_ACTIVATIONS; which++)
    for (gsize s = 0; s < G_N_ELEMENTS (shapes); s++)
      {
        const gsize c = shapes[s].c, n = shapes[s].rows * c, y_row = c + s % 3;
        g_autofree float *x = noise (s, n), *y = noise (s, shapes[s].rows * y_row), *scale = noise (90, c), *shift = noise (91, c);
        g_autofree float *before = g_memdup2 (y, shapes[s].rows * y_row * sizeof *y);

        k->layers->scale_shift (which, x, scale, shift, s % 2, y, y_row, shapes[s].rows, c);
        for (gsize i = 0; i < n; i++)
          {
            double z = (double) scale[i % c] * (double) x[i] + (double) shift[i % c];

            assert_near (y[i / c * y_row + i % c], activation (which, z), ACTIVATION_TOLERANCE * (2 + fabs (z)));
          }
        for (gsize i = 0; i < shapes[s].rows * y_row; i++)
          g_assert_true (i % y_row < c || y[i] == before[i]);
      }
}

static void
test_moments (void)
{
  FOR_EACH_FLAVOUR (k)
  for (gsize s = 0; s < G_N_ELEMENTS (shapes); s++)
    {
      const gsize c = shapes[s].c, rows = shapes[s].rows;
      g_autofree float *x = noise (s, rows * c), *pivot = noise (92, c);
      g_autofree double *sum = g_new (double, c), *squares = g_new (double, c);
      g_autofree float *alone = g_new (float, rows);

      k->layers->moments (x, pivot, sum, squares, rows, c);
      for (gsize i = 0; i < c; i++)
        {
          double a = 0, b = 0, size = 0, alone_sum, alone_squares;

          for (gsize r = 0; r < rows; r++)
            {
              double d = (double) x[r * c + i] - (double) pivot[i];

              a += d;
              b += d * d;
              size += fabs (d);
              alone[r] = x[r * c + i];
            }
          assert_near (sum[i], a, SUM_TOLERANCE * size);
          assert_near (squares[i], b, SUM_TOLERANCE * b);
          k->layers->moments (alone, &pivot[i], &alone_sum, &alone_squares, rows, 1);
          g_assert_true (alone_sum == sum[i] && alone_squares == squares[i]);
        }
    }
}

static void
test_layer_norm (void)
{
  FOR_EACH_FLAVOUR (k)
  for (gsize s = 0; s < G_N_ELEMENTS (shapes); s++)
    {
      const gsize c = shapes[s].c, rows = shapes[s].rows;
      g_autofree float *x = noise (s, rows * c), *y = g_new (float, rows *c), *w = noise (93, c), *b = noise (94, c);

      k->layers->layer_norm (x, w, b, 1e-5f, y, rows, c);
      for (gsize r = 0; r < rows; r++)
        {
          double mean = 0, variance = 0;

          for (gsize i = 0; i < c; i++)
            mean += (double) x[r * c + i] / c;
          for (gsize i = 0; i < c; i++)
            variance += pow ((double) x[r * c + i] - mean, 2) / c;
          for (gsize i = 0; i < c; i++)
            assert_near (y[r * c + i],
                         ((double) x[r * c + i] - mean) / sqrt (variance + 1e-5) * (double) w[i] + (double) b[i],
                         NORM_TOLERANCE * (1 + fabs ((double) w[i])) * (c < 4 ? 10 : 1));
        }
    }
}

/*** Softmax ***/

/* In blocks of unequal lengths; column 5 has scores far apart, column 6 all the same, column 7 NaN. */
static void
test_softmax (void)
{
  static const int columns[] = { 16, 32 };
  const int rows = 203, blocks[] = { 1, 100, 7, 95 };

  FOR_EACH_FLAVOUR (k)
  for (gsize v = 0; v < G_N_ELEMENTS (columns); v++)
    {
      const int n = columns[v];
      g_autofree float *s = noise (95, rows * n), *p = g_memdup2 (s, rows * n * sizeof *s);
      float maximum[32], sum[32] = { 0 }, rescale[32], weight[4][32];
      int at = 0;

      for (int i = 0; i < n; i++)
        maximum[i] = -INFINITY;
      for (int r = 0; r < rows; r++)
        {
          s[r * n + 5] = p[r * n + 5] *= 100;
          s[r * n + 6] = p[r * n + 6] = 3;
        }
      s[150 * n + 7] = p[150 * n + 7] = NAN;
      for (int b = 0; b < 4; at += blocks[b++])
        {
          k->layers->softmax (p + at * n, blocks[b], n, maximum, sum, rescale, SF_FORM_FLOAT, NULL);
          for (int i = 0; i < n; i++)
            {
              weight[b][i] = 1;
              for (int before = 0; before < b; before++)
                weight[before][i] *= rescale[i];
            }
        }
      for (int i = 0; i < n; i++)
        {
          double most = -INFINITY, total = 0;

          if (i == 7)
            {
              g_assert_true (isnan (sum[i]));
              continue;
            }
          for (int r = 0; r < rows; r++)
            most = MAX (most, (double) s[r * n + i]);
          for (int r = 0; r < rows; r++)
            total += exp2 ((double) s[r * n + i] - most);
          g_assert_true ((double) maximum[i] == most);
          assert_near (sum[i], total, total * (EXP_TOLERANCE + rows * 6e-8));
          for (int r = 0; r < rows; r++)
            {
              const int b = r < 1 ? 0 : r < 101 ? 1
                                    : r < 108   ? 2
                                                : 3;
              double expected = exp2 ((double) s[r * n + i] - most);

              assert_near (p[r * n + i] * weight[b][i], expected, 4 * EXP_TOLERANCE * expected + 1e-30);
            }
        }
    }
}

/* The same as bf16, two rows side by side. */
static void
test_softmax_pairs (void)
{
  const int rows = 46, n = 32;

  FOR_EACH_FLAVOUR (k)
  {
    g_autofree float *s = noise (96, rows * n), *p = g_memdup2 (s, rows * n * sizeof *s);
    g_autofree guint16 *pairs = g_new (guint16, rows * n);
    float maximum[2][32], sum[2][32] = { 0 }, rescale[32];

    for (int i = 0; i < 2 * n; i++)
      maximum[i / n][i % n] = -INFINITY;
    k->layers->softmax (p, rows, n, maximum[0], sum[0], rescale, SF_FORM_FLOAT, NULL);
    k->layers->softmax (s, rows, n, maximum[1], sum[1], rescale, SF_FORM_BF16, pairs);
    g_assert_cmpmem (maximum[0], sizeof maximum[0], maximum[1], sizeof maximum[1]);
    for (int i = 0; i < n; i++)
      assert_near (sum[1][i], sum[0][i], rows * 6e-8 * sum[0][i]);
    for (int r = 0; r < rows; r++)
      for (int i = 0; i < n; i++)
        {
          guint32 bits = (guint32) pairs[(r / 2 * n + i) * 2 + r % 2] << 16;
          float value;

          memcpy (&value, &bits, sizeof value);
          assert_near (value, p[r * n + i], p[r * n + i] / 256); /* 8 bits of mantissa, rounded */
        }
  }
}

/* The same as a panel in fixed point, out of which a unit matrix picks the numbers; the first of two blocks has the maxima. */
static void
test_softmax_panel (void)
{
  static const int blocks[] = { 77, 64, 128, 5 };
  const int n = 32;

  FOR_EACH_FLAVOUR (k)
  for (gsize b = 0; b < G_N_ELEMENTS (blocks) && k->tile->multiply_fixed != NULL; b++)
    {
      const int rows = blocks[b], lines = (rows + SF_FIXED_ROWS - 1) / SF_FIXED_ROWS * SF_FIXED_ROWS;
      const gsize row = sf_fixed_row_size (rows), size = sf_fixed_panel_size (rows, n);
      g_autofree float *s = noise (97, rows * n), *p = g_memdup2 (s, rows * n * sizeof *s), *unit = g_new0 (float, rows *rows), *out = g_new (float, rows *n);
      g_autofree guint8 *panel = g_malloc (size), *a = g_malloc0 (lines * row);
      const void *at[128];
      float maximum[2][32], sum[2][32] = { 0 }, rescale[32];

      memset (panel, 0x7f, size); /* steps beyond the rows must be written */
      for (int i = 0; i < 2 * n; i++)
        maximum[i / n][i % n] = i % 2 == 0 ? -INFINITY : 4;
      k->layers->softmax (p, rows, n, maximum[0], sum[0], rescale, SF_FORM_FLOAT, NULL);
      k->layers->softmax (s, rows, n, maximum[1], sum[1], rescale, SF_FORM_FIXED, panel);
      g_assert_cmpmem (maximum[0], sizeof maximum[0], maximum[1], sizeof maximum[1]);
      for (int i = 0; i < n; i++)
        assert_near (sum[1][i], sum[0][i], rows * 6e-8 * sum[0][i]);
      for (int r = 0; r < rows; r++)
        {
          unit[r * rows + r] = 1;
          k->tile->fixed_rows (unit + r * rows, 0, 1, rows, a + r * row, 0);
          at[r] = a + r * row;
        }
      k->tile->multiply_fixed (&(SfTile) { .m = rows, .n = n, .k = rows, .taps = 1, .a = at, .b = panel, .scale = 1, .c = out, .c_row = n }, 1, 0, 0);
      for (int i = 0; i < rows * n; i++)
        assert_near (out[i], p[i], 1.2e-7); /* 2^-23: 24 bits, the first of which is the sign */
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layers/activate", test_activate);
  g_test_add_func ("/layers/activate/edges", test_activate_edges);
  g_test_add_func ("/layers/scale-shift", test_scale_shift);
  g_test_add_func ("/layers/moments", test_moments);
  g_test_add_func ("/layers/layer-norm", test_layer_norm);
  g_test_add_func ("/layers/softmax", test_softmax);
  g_test_add_func ("/layers/softmax/pairs", test_softmax_pairs);
  g_test_add_func ("/layers/softmax/panel", test_softmax_panel);
  return g_test_run ();
}
