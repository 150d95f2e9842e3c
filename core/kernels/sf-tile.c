/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/sf-tile.h"

int
sf_tile_group (const SfTileKernels *kernels, int m)
{
  int groups = (m + kernels->mr - 1) / kernels->mr;

  return groups > 0 ? (m + groups - 1) / groups : 0;
}

#define BLOCK 16 /* steps and columns that are transposed while they are in the first level of the cache */

void
sf_tile_pack (const float *w, gsize w_row, gsize w_step, int n, int k, int nr, float *panel)
{
  if (n < nr)
    memset (panel, 0, (gsize) k * nr * sizeof (float));
  for (int p = 0; p < k; p += BLOCK)
    for (int j = 0; j < n; j += BLOCK)
      for (int jj = j; jj < MIN (j + BLOCK, n); jj++)
        for (int pp = p; pp < MIN (p + BLOCK, k); pp++)
          panel[(gsize) pp * nr + jj] = w[jj * w_row + pp * w_step];
}

void
sf_tile_pack_bf16 (const float *w, gsize w_row, gsize w_step, int n, int k, int nr, guint16 *panel)
{
  if (n < nr || k % 2 == 1)
    memset (panel, 0, (gsize) (k + 1) / 2 * nr * 2 * sizeof (guint16));
  for (int p = 0; p < k; p += BLOCK)
    for (int j = 0; j < n; j++)
      for (int pp = p; pp < MIN (p + BLOCK, k); pp++)
        panel[((gsize) pp / 2 * nr + j) * 2 + pp % 2] = sf_bf16 (w[j * w_row + pp * w_step]);
}
