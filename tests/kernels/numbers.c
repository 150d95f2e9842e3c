/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "numbers.h"

#include "base/sf-rng.h"

float *
noise (guint64 stream, gsize n)
{
  float *x = g_new (float, n);

  sf_rng_normal ((SfRng) { 11, stream }, 0, x, n);
  return x;
}
