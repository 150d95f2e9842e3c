/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-rng.h"

#include <math.h>

void
sf_rng_words (SfRng rng, guint64 index, guint32 words[4])
{
  guint32 c0 = (guint32) index, c1 = (guint32) (index >> 32);
  guint32 c2 = (guint32) rng.stream, c3 = (guint32) (rng.stream >> 32);
  guint32 k0 = (guint32) rng.seed, k1 = (guint32) (rng.seed >> 32);

  for (int round = 0; round < 10; round++)
    {
      guint64 p0 = (guint64) 0xD2511F53u * c0;
      guint64 p1 = (guint64) 0xCD9E8D57u * c2;

      c0 = (guint32) (p1 >> 32) ^ c1 ^ k0;
      c1 = (guint32) p1;
      c2 = (guint32) (p0 >> 32) ^ c3 ^ k1;
      c3 = (guint32) p0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

void
sf_rng_normal (SfRng rng, guint64 first, float *out, gsize n)
{
  g_return_if_fail (first % 4 == 0);

  for (gsize i = 0; i < n; i += 4)
    {
      guint32 words[4];
      float z[4];

      sf_rng_words (rng, (first + i) / 4, words);
      for (int j = 0; j < 4; j += 2)
        {
          /* u in (0,1], so the logarithm is finite */
          float radius = sqrtf (-2.0f * logf (((words[j] >> 8) + 1) * 0x1p-24f));
          float angle = (float) (2 * G_PI) * ((words[j + 1] >> 8) * 0x1p-24f);

          z[j] = radius * cosf (angle);
          z[j + 1] = radius * sinf (angle);
        }
      for (gsize j = 0; j < 4 && i + j < n; j++)
        out[i + j] = z[j];
    }
}
