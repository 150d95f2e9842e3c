/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/sf-tile.h"

int
sf_tile_group (const SfTileKernels *kernels, int m)
{
  int groups = (m + kernels->mr - 1) / kernels->mr;

  return groups > 0 ? (m + groups - 1) / groups : 0;
}

int
sf_tile_rows (const SfTileKernels *kernels, SfForm form, int m)
{
  switch (form)
    {
    case SF_FORM_FIXED:
      return SF_TILE_MAX_ROWS;
    case SF_FORM_BF16:
      return kernels->mr_bf16;
    default:
      return sf_tile_group (kernels, m);
    }
}

void
sf_tile_multiply (const SfTileKernels *kernels, SfForm form, const SfTile *tile)
{
  switch (form)
    {
    case SF_FORM_FIXED:
      kernels->multiply_fixed (tile, 1, 0, 0);
      break;
    case SF_FORM_BF16:
      kernels->multiply_bf16 (tile);
      break;
    default:
      kernels->multiply (tile);
    }
}

gboolean
sf_tile_can (const SfTileKernels *kernels, SfForm form)
{
  switch (form)
    {
    case SF_FORM_FIXED:
      return kernels->multiply_fixed != NULL;
    case SF_FORM_BF16:
      return kernels->multiply_bf16 != NULL;
    default:
      return TRUE;
    }
}

SfForm
sf_tile_choose (const SfTileKernels *kernels, gboolean exact)
{
  if (!exact && sf_tile_can (kernels, SF_FORM_BF16))
    return SF_FORM_BF16;
  return sf_tile_can (kernels, SF_FORM_FIXED) ? SF_FORM_FIXED : SF_FORM_FLOAT;
}

/*** Transposition ***/

#define BLOCK 16 /* rows and columns that are transposed while they are in the first level of the cache */

typedef float V4 __attribute__ ((vector_size (16)));
typedef float V4Any __attribute__ ((vector_size (16), aligned (4), may_alias)); /* in memory, anywhere */
typedef gint32 I4 __attribute__ ((vector_size (16)));

static inline void
transpose_4x4 (const float *x, gsize x_row, float *y, gsize y_row)
{
  const V4 a = *(const V4Any *) x, b = *(const V4Any *) (x + x_row);
  const V4 c = *(const V4Any *) (x + 2 * x_row), d = *(const V4Any *) (x + 3 * x_row);
  const I4 low = { 0, 4, 1, 5 }, high = { 2, 6, 3, 7 }, first = { 0, 1, 4, 5 }, second = { 2, 3, 6, 7 };
  const V4 ab = __builtin_shuffle (a, b, low), cd = __builtin_shuffle (c, d, low);
  const V4 ab_high = __builtin_shuffle (a, b, high), cd_high = __builtin_shuffle (c, d, high);

  *(V4Any *) y = __builtin_shuffle (ab, cd, first);
  *(V4Any *) (y + y_row) = __builtin_shuffle (ab, cd, second);
  *(V4Any *) (y + 2 * y_row) = __builtin_shuffle (ab_high, cd_high, first);
  *(V4Any *) (y + 3 * y_row) = __builtin_shuffle (ab_high, cd_high, second);
}

static void
transpose_block (const float *x, gsize x_row, int rows, int columns, float *y, gsize y_row)
{
  const int whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;

  for (int i = 0; i < whole_rows; i += 4)
    for (int j = 0; j < whole_columns; j += 4)
      transpose_4x4 (x + i * x_row + j, x_row, y + j * y_row + i, y_row);
  for (int i = 0; i < rows; i++)
    for (int j = i < whole_rows ? whole_columns : 0; j < columns; j++)
      y[j * y_row + i] = x[i * x_row + j];
}

void
sf_transpose (const float *x, gsize x_row, int rows, int columns, float *y, gsize y_row)
{
  for (int j = 0; j < columns; j += BLOCK)
    for (int i = 0; i < rows; i += BLOCK)
      transpose_block (x + i * x_row + j, x_row, MIN (BLOCK, rows - i), MIN (BLOCK, columns - j), y + j * y_row + i, y_row);
}

/*** Panels ***/

void
sf_tile_pack (const float *w, gsize w_row, gsize w_step, int n, int k, int nr, float *panel)
{
  if (n < nr)
    memset (panel, 0, (gsize) k * nr * sizeof (float));
  if (w_step == 1)
    sf_transpose (w, w_row, n, k, panel, nr);
  else
    for (int p = 0; p < k; p += BLOCK)
      for (int j = 0; j < n; j++)
        for (int pp = p; pp < MIN (p + BLOCK, k); pp++)
          panel[(gsize) pp * nr + j] = w[j * w_row + pp * w_step];
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
