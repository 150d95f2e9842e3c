/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transforms of Winograd's minimal filtering F(m x m, 3x3), m = 2 or 4 (Lavin and Gray, "Fast Algorithms for Convolutional
 * Neural Networks", 2016):
 *
 *   Y = A^T [ sum over input channels of (G g G^T) . (B^T d B) ] A
 *
 * for every tile d of (m + 2) x (m + 2) pixels, whose neighbours overlap by 2.  The (m + 2)^2 numbers of a transformed tile are
 * its positions; for each position, what is left of the convolution is one matrix product (tiles x input channels) times
 * (input x output channels), on the register tile.
 *
 *   U [position][input channel][nr]  weights of one panel of output channels
 *   V [position][tile][channel]      the input
 *   M [position][tile][nr]           products of one panel
 */
#pragma once

#include <glib.h>

#define SF_WINOGRAD_MAX_POSITIONS 36

static inline int
sf_winograd_positions (int m)
{
  return (m + 2) * (m + 2);
}

/* Images in, images out, and the tiles between them, numbered through all images of a batch: two rows at a time, column after column,
 * so that neighbours in number see few pixels more than they make; a last row that is left goes by itself. */
typedef struct
{
  int m;
  int h, w, c;            /* of the input */
  int top, left;          /* zero padding */
  const float *x;
  const float *zero;      /* c zeros */
  int down, across;       /* tiles of an image */
  gsize v_row, v_position; /* floats from one tile of V, one position, to the next */

  int out_h, out_w, out_c;
  const float *bias;      /* (nullable) */
  gsize bias_step;        /* floats from one image's to the next one's */
  const float *residual;  /* (nullable): of the shape of the result; may be the result */
  float scale;            /* y = scale (convolution + bias + residual) */
  float *y;
  gboolean stream;        /* the result is large and aligned, its channels a multiple of 16 */
} SfWinograd;

typedef struct
{
  gsize image;
  int row, column;
  gboolean alone; /* in the row that is left */
} SfWinogradTile;

static inline SfWinogradTile
sf_winograd_tile (const SfWinograd *job, gsize number)
{
  const int per_image = job->down * job->across, place = (int) (number % per_image), pair = place / (2 * job->across), i = place % (2 * job->across);
  const gboolean alone = 2 * pair + 1 == job->down;

  return (SfWinogradTile) { number / per_image, 2 * pair + (alone ? 0 : i % 2), alone ? i : i / 2, alone };
}

/* How much of a tile lies in the image. */
static inline int
sf_winograd_down (const SfWinograd *job, SfWinogradTile tile)
{
  return MIN (job->m, job->out_h - tile.row * job->m);
}

static inline int
sf_winograd_across (const SfWinograd *job, SfWinogradTile tile)
{
  return MIN (job->m, job->out_w - tile.column * job->m);
}

/* Of tiles [@tile, @tile + @n). */
static inline gsize
sf_winograd_pixels (const SfWinograd *job, gsize tile, int n)
{
  gsize pixels = 0;

  for (gsize end = tile + n; tile < end; tile++)
    {
      const SfWinogradTile place = sf_winograd_tile (job, tile);

      pixels += (gsize) sf_winograd_down (job, place) * sf_winograd_across (job, place);
    }
  return pixels;
}

typedef struct
{
  /* Tiles from number @tile on to @n rows of V from row 0 of @v on, of which each has c rounded up to 16 floats. */
  void (*input) (const SfWinograd *job, gsize tile, int n, float *v);
  /* Products of @n tiles to output channels [@channel, @channel + @nr).  @moments: (nullable): of these tiles: the means of these
   * channels of the result go to its channels, the sums of squares of what deviates from them to those after all out_c. */
  void (*output) (const SfWinograd *job, gsize tile, int n, int channel, int nr, const float *products, double *moments);
  /* Plain weights of one panel, @n x 9 x @nr, to U with @u_position floats from one position to the next.
   * In double, rounded once. */
  void (*filter) (int m, const float *w, int n, int nr, float *u, gsize u_position);
} SfWinogradKernels;
