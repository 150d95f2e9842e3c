/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-rng.h"

#include <math.h>

#define N (1 << 20)
#define SIGMAS 5.0 /* chance of a false alarm: 6e-7 per comparison */

/* The known answers of Random123 1.14 (kat_vectors, philox4x32 10). */
static void
test_known_answers (void)
{
  static const struct
  {
    SfRng rng;
    guint64 index;
    guint32 words[4];
  } rows[] = {
    { { 0, 0 }, 0, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
    { { G_MAXUINT64, G_MAXUINT64 }, G_MAXUINT64, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
    { { 0x299f31d0a4093822, 0x0370734413198a2e }, 0x85a308d3243f6a88, { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint32 words[4];

      sf_rng_words (rows[i].rng, rows[i].index, words);
      g_assert_cmpmem (words, sizeof words, rows[i].words, sizeof words);
    }
}

/* z-score of the mean of @n numbers of variance @variance that should be @expected. */
static void
assert_mean (double sum, gsize n, double expected, double variance)
{
  double z = (sum / n - expected) / sqrt (variance / n);

  g_assert_cmpfloat (fabs (z), <, SIGMAS);
}

static void
test_moments (void)
{
  g_autofree float *x = g_new (float, N);
  double sum[5] = { 0 }, neighbours = 0;
  int beyond_three = 0;

  sf_rng_normal ((SfRng) { 42, 7 }, 0, x, N);
  for (int i = 0; i < N; i++)
    {
      for (int p = 1; p <= 4; p++)
        sum[p] += pow (x[i], p);
      neighbours += i > 0 ? x[i] * x[i - 1] : 0;
      beyond_three += fabsf (x[i]) > 3;
    }
  /* E x^p and the variance of x^p of N(0,1). */
  assert_mean (sum[1], N, 0, 1);
  assert_mean (sum[2], N, 1, 2);
  assert_mean (sum[3], N, 0, 15);
  assert_mean (sum[4], N, 3, 96);
  assert_mean (neighbours, N - 1, 0, 1);
  assert_mean (beyond_three, N, 0.0026998, 0.0026998);
}

/* Seeds and streams next to each other have nothing in common. */
static void
test_streams (void)
{
  static const SfRng others[] = { { 42, 8 }, { 43, 7 }, { 7, 42 } };
  g_autofree float *x = g_new (float, N);
  g_autofree float *y = g_new (float, N);

  sf_rng_normal ((SfRng) { 42, 7 }, 0, x, N);
  for (gsize k = 0; k < G_N_ELEMENTS (others); k++)
    {
      double product = 0;

      sf_rng_normal (others[k], 0, y, N);
      for (int i = 0; i < N; i++)
        product += x[i] * y[i];
      assert_mean (product, N, 0, 1);
    }
}

static void
test_tiles (void)
{
  float whole[103], tiles[103];
  SfRng rng = { 1, 2 };

  sf_rng_normal (rng, 0, whole, 103);
  sf_rng_normal (rng, 0, tiles, 40);
  sf_rng_normal (rng, 40, tiles + 40, 60);
  sf_rng_normal (rng, 100, tiles + 100, 3);
  g_assert_cmpmem (whole, sizeof whole, tiles, sizeof tiles);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rng/known-answers", test_known_answers);
  g_test_add_func ("/rng/moments", test_moments);
  g_test_add_func ("/rng/streams", test_streams);
  g_test_add_func ("/rng/tiles", test_tiles);
  return g_test_run ();
}
