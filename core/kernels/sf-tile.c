/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/sf-tile.h"

#include "kernels/sf-kernels.h"

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
sf_tile_multiply (const SfTileKernels *kernels, SfForm form, const SfTile *tile, int panels, gsize b_step, gsize c_step)
{
  switch (form)
    {
    case SF_FORM_FIXED:
      kernels->multiply_fixed (tile, panels, b_step, c_step);
      break;
    case SF_FORM_BF16:
      kernels->multiply_bf16 (tile, panels, b_step, c_step);
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

/*** Panels ***/

void
sf_transpose (const float *x, gsize x_row, int rows, int columns, float *y, gsize y_row)
{
  sf_kernels ()->tile->transpose (x, x_row, rows, columns, NULL, y, y_row);
}

void
sf_tile_pack (const float *w, gsize w_row, int n, int k, int nr, float *panel)
{
  if (n < nr)
    memset (panel, 0, (gsize) k * nr * sizeof (float));
  sf_transpose (w, w_row, n, k, panel, nr);
}
