/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Normal numbers are made for many counters at a time, in loops without branches or calls that compilers turn into vector code:
 * logarithm, sine and cosine are polynomials, the numbers are exact to 5e-7.
 */
#include "base/sf-rng.h"

#include <math.h>
#include <string.h>

#include "base/sf-flavours.h"

#define ROUNDS 10
#define FACTOR_0 0xD2511F53u
#define FACTOR_1 0xCD9E8D57u

/* One round of Philox on the counter c and the key k. */
static inline void
philox_round (guint32 c[4], const guint32 k[2])
{
  guint64 p0 = (guint64) FACTOR_0 * c[0];
  guint64 p1 = (guint64) FACTOR_1 * c[2];

  c[0] = (guint32) (p1 >> 32) ^ c[1] ^ k[0];
  c[1] = (guint32) p1;
  c[2] = (guint32) (p0 >> 32) ^ c[3] ^ k[1];
  c[3] = (guint32) p0;
}

static inline void
next_key (guint32 k[2])
{
  k[0] += 0x9E3779B9u;
  k[1] += 0xBB67AE85u;
}

void
sf_rng_words (SfRng rng, guint64 index, guint32 words[4])
{
  guint32 c[4] = { (guint32) index, (guint32) (index >> 32), (guint32) rng.stream, (guint32) (rng.stream >> 32) };
  guint32 k[2] = { (guint32) rng.seed, (guint32) (rng.seed >> 32) };

  for (int round = 0; round < ROUNDS; round++, next_key (k))
    philox_round (c, k);
  memcpy (words, c, sizeof c);
}

/*** Normal numbers ***/

#define LANES 64 /* counters at a time */

static inline guint32
high_word (guint32 a, guint32 b)
{
  return (guint32) (((guint64) a * b) >> 32);
}

/* The words of LANES counters from @index on, word by word.  Philox as above, with products in halves, which vectors have. */
G_ALWAYS_INLINE static inline void
block_words (SfRng rng, guint64 index, guint32 words[4][LANES])
{
  guint32 k[2] = { (guint32) rng.seed, (guint32) (rng.seed >> 32) };

  for (int i = 0; i < LANES; i++)
    {
      words[0][i] = (guint32) (index + i);
      words[1][i] = (guint32) ((index + i) >> 32);
      words[2][i] = (guint32) rng.stream;
      words[3][i] = (guint32) (rng.stream >> 32);
    }
  for (int round = 0; round < ROUNDS; round++, next_key (k))
#pragma omp simd
    for (int i = 0; i < LANES; i++)
      {
        guint32 a = words[0][i], b = words[2][i];

        words[0][i] = high_word (FACTOR_1, b) ^ words[1][i] ^ k[0];
        words[1][i] = FACTOR_1 * b;
        words[2][i] = high_word (FACTOR_0, a) ^ words[3][i] ^ k[1];
        words[3][i] = FACTOR_0 * a;
      }
}

/* log u for a normal float u > 0: u = 2^e m with m in [sqrt (1/2), sqrt (2)), log m by the series of 2 atanh ((m - 1) / (m + 1)). */
static inline float
log_of (float u)
{
  gint32 bits;
  float m, s, s2;

  memcpy (&bits, &u, sizeof bits);
  gint32 e = (bits - 0x3f3504f3) >> 23;
  bits -= e * (1 << 23);
  memcpy (&m, &bits, sizeof m);
  s = (m - 1) / (m + 1);
  s2 = s * s;
  return e * 0.693147181f + s * (2 + s2 * (0.666666667f + s2 * (0.4f + s2 * (0.285714286f + s2 * 0.222222222f))));
}

/* Sine and cosine of 2 pi v for v in [0, 1): quadrant and rest in [-pi/4, pi/4], Taylor series there. */
static inline void
sine_cosine (float v, float *sine, float *cosine)
{
  gint32 quadrant = (gint32) (v * 4 + 0.5f);
  float x = (v * 4 - quadrant) * 1.57079633f, x2 = x * x;
  float s = x * (1 + x2 * (-1 / 6.0f + x2 * (1 / 120.0f + x2 * (-1 / 5040.0f + x2 * (1 / 362880.0f)))));
  float c = 1 + x2 * (-1 / 2.0f + x2 * (1 / 24.0f + x2 * (-1 / 720.0f + x2 * (1 / 40320.0f))));
  gboolean swap = quadrant & 1;
  float a = swap ? c : s, b = swap ? s : c;

  *sine = quadrant & 2 ? -a : a;
  *cosine = (quadrant + 1) & 2 ? -b : b;
}

/* Box-Muller on a pair of words: radius from the first, angle from the second; u in (0, 1], so the logarithm is finite. */
G_ALWAYS_INLINE static inline void
block_normal (const guint32 first[LANES], const guint32 second[LANES], float x[LANES], float y[LANES])
{
  for (int i = 0; i < LANES; i++)
    {
      float u = (float) (gint32) ((first[i] >> 8) + 1) * 0x1p-24f, v = (float) (gint32) (second[i] >> 8) * 0x1p-24f;
      float radius = sqrtf (-2 * log_of (u)), sine, cosine;

      sine_cosine (v, &sine, &cosine);
      x[i] = radius * cosine;
      y[i] = radius * sine;
    }
}

SF_FLAVOURS void
sf_rng_normal (SfRng rng, guint64 first, float *out, gsize n)
{
  guint32 words[4][LANES];
  float z[4][LANES], mixed[4 * LANES];

  g_return_if_fail (first % 4 == 0);

  for (gsize done = 0; done < n; done += 4 * LANES)
    {
      block_words (rng, (first + done) / 4, words);
      block_normal (words[0], words[1], z[0], z[1]);
      block_normal (words[2], words[3], z[2], z[3]);
      for (gsize i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++)
          mixed[4 * i + j] = z[j][i];
      memcpy (out + done, mixed, MIN (n - done, 4 * LANES) * sizeof (float));
    }
}
