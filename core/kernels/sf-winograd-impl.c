/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Winograd's transforms, compiled once per flavour.
 *
 * For finite points p_i and infinity: row i of B^T holds the coefficients of prod_{j != i} (x - p_j), its last row those of
 * prod_j (x - p_j); row i of G is (1, p_i, p_i^2) / prod_{j != i} (p_i - p_j), its last (0, 0, 1); A^T[j][i] = p_i^j.  With points
 * 0, +-a, +-b all three split into an even and an odd half, which saves half of the work, and all division is in G.
 * F(2) has 0, +-1; F(4) has 0, +-3/4, +-3/2: all constants are exact, and the error is half of that of the usual 1 and 2 (after
 * Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", 2020).
 */
#include "kernels/sf-flavour.h"
#include "kernels/sf-tile.h"
#include "kernels/sf-winograd.h"

#define SIDE 6 /* of the largest tile */

#define A 0.75
#define B 1.5
#define AA (A * A)
#define BB (B * B)

/* Writes over arrays of constant size, so that they are registers. */
#define UNROLL _Pragma ("GCC unroll 6")

/*** One dimension ***/

/* t = B^T d */
SF_INLINE void
input_1d (const int m, const SfV *d, SfV *t)
{
  if (m == 2)
    {
      t[0] = d[2] - d[0];
      t[1] = d[2] + d[1];
      t[2] = d[2] - d[1];
      t[3] = d[3] - d[1];
    }
  else
    {
      const SfV even_a = d[4] - (float) BB * d[2], odd_a = d[3] - (float) BB * d[1];
      const SfV even_b = d[4] - (float) AA * d[2], odd_b = d[3] - (float) AA * d[1];

      t[0] = d[4] - (float) (AA + BB) * d[2] + (float) (AA * BB) * d[0];
      t[1] = even_a + (float) A * odd_a;
      t[2] = even_a - (float) A * odd_a;
      t[3] = even_b + (float) B * odd_b;
      t[4] = even_b - (float) B * odd_b;
      t[5] = d[5] - (float) (AA + BB) * d[3] + (float) (AA * BB) * d[1];
    }
}

/* y = A^T t */
SF_INLINE void
output_1d (const int m, const SfV *t, SfV *y)
{
  const SfV even_a = t[1] + t[2], odd_a = t[1] - t[2];

  if (m == 2)
    {
      y[0] = t[0] + even_a;
      y[1] = t[3] + odd_a;
    }
  else
    {
      const SfV even_b = t[3] + t[4], odd_b = t[3] - t[4];

      y[0] = t[0] + even_a + even_b;
      y[1] = (float) A * odd_a + (float) B * odd_b;
      y[2] = (float) AA * even_a + (float) BB * even_b;
      y[3] = t[5] + (float) (A * AA) * odd_a + (float) (B * BB) * odd_b;
    }
}

typedef double SfD __attribute__ ((vector_size (SF_LANES * 4)));
typedef float SfHalf __attribute__ ((vector_size (SF_LANES * 2)));
typedef float SfHalfAny __attribute__ ((vector_size (SF_LANES * 2), aligned (4), may_alias));

/* t = G g */
SF_INLINE void
filter_1d (const int m, const SfD *g, SfD *t)
{
  if (m == 2)
    {
      const SfD even = 0.5 * (g[0] + g[2]);

      t[0] = -g[0];
      t[1] = even + 0.5 * g[1];
      t[2] = even - 0.5 * g[1];
      t[3] = g[2];
    }
  else
    {
      const double a = 1 / (2 * AA * (AA - BB)), b = 1 / (2 * BB * (BB - AA));
      const SfD even_a = a * g[0] + (a * AA) * g[2], even_b = b * g[0] + (b * BB) * g[2];

      t[0] = (1 / (AA * BB)) * g[0];
      t[1] = even_a + (a * A) * g[1];
      t[2] = even_a - (a * A) * g[1];
      t[3] = even_b + (b * B) * g[1];
      t[4] = even_b - (b * B) * g[1];
      t[5] = g[2];
    }
}

/*** Input ***/

/* Channels [c, c + lanes) of one tile. */
SF_INLINE void
input_vector (const SfWinograd *job, const int m, const float *const *pixel, int c, const int lanes, float *v)
{
  const int side = m + 2;
  SfV d[SIDE], t[SIDE], half[SIDE * SIDE];

  UNROLL
  for (int j = 0; j < side; j++)
    {
      UNROLL
      for (int i = 0; i < side; i++)
        {
          d[i] = lanes == SF_LANES ? sf_load (pixel[i * side + j] + c) : sf_load_n (pixel[i * side + j] + c, lanes);
          if (j >= 2) /* the pixels that the next tile adds */
            __builtin_prefetch (pixel[i * side + j] + c + m * job->c);
        }
      input_1d (m, d, t);
      UNROLL
      for (int i = 0; i < side; i++)
        half[i * side + j] = t[i];
    }
  UNROLL
  for (int i = 0; i < side; i++)
    {
      input_1d (m, half + i * side, t);
      UNROLL
      for (int j = 0; j < side; j++)
        sf_store (v + (i * side + j) * job->v_position + c, t[j]);
    }
}

SF_INLINE void
input_tile (const SfWinograd *job, const int m, gsize tile, float *v)
{
  const SfWinogradTile place = sf_winograd_tile (job, tile);
  const int side = m + 2, top = place.row * m - job->top, left = place.column * m - job->left;
  const float *image = job->x + place.image * job->h * job->w * job->c;
  const float *pixel[SIDE * SIDE];
  int c = 0;

  for (int i = 0; i < side * side; i++)
    {
      int y = top + i / side, x = left + i % side;
      gboolean inside = y >= 0 && y < job->h && x >= 0 && x < job->w;

      pixel[i] = inside ? image + ((gsize) y * job->w + x) * job->c : job->zero;
    }
  for (; c + SF_LANES <= job->c; c += SF_LANES)
    input_vector (job, m, pixel, c, SF_LANES, v);
  if (c < job->c)
    input_vector (job, m, pixel, c, job->c - c, v);
}

static void
input (const SfWinograd *job, gsize tile, int n, float *v)
{
  for (int i = 0; i < n; i++)
    if (job->m == 2)
      input_tile (job, 2, tile + i, v + i * job->v_row);
    else
      input_tile (job, 4, tile + i, v + i * job->v_row);
}

/*** Output ***/

/* Of some channels of the tiles so far, around their first value: a large mean takes no digits from the squares. */
typedef struct
{
  SfV pivot;
  SfD sum[2], squares[2];
} Sums;

SF_INLINE void
add_halves (SfD *sum, const SfV *x)
{
  for (int i = 0; i < 2; i++)
    sum[i] += __builtin_convertvector (((const SfHalfAny *) x)[i], SfD);
}

/* One pixel's channels from @at on. */
SF_INLINE SfV
output_pixel (const SfWinograd *job, gsize at, SfV value, const int lanes)
{
  if (job->residual != NULL)
    {
      value += lanes == SF_LANES ? sf_load (job->residual + at) : sf_load_n (job->residual + at, lanes);
      __builtin_prefetch (job->residual + at + job->m * job->out_c); /* of the next tile in this row */
    }
  value *= job->scale;
  if (lanes != SF_LANES)
    sf_store_n (job->y + at, value, lanes);
  else if (job->stream)
    sf_stream (job->y + at, value);
  else
    sf_store (job->y + at, value);
  return value;
}

/* Some channels of the @h x @w pixels that the tile has, from @at on; @products has these channels'.  @first: of all tiles. */
SF_INLINE void
output_vector (const SfWinograd *job, const int m, gsize at, const int h, const int w, SfV bias, const int lanes,
               const float *products, gsize position, gboolean first, Sums *sums)
{
  const int side = m + 2;
  const gsize row = (gsize) job->out_w * job->out_c;
  SfV t[SIDE], y[SIDE], half[SIDE * SIDE], pivot = sums->pivot, sum = { 0 }, squares = { 0 };

  UNROLL
  for (int j = 0; j < side; j++)
    {
      UNROLL
      for (int i = 0; i < side; i++)
        t[i] = sf_load (products + (i * side + j) * position);
      output_1d (m, t, y);
      UNROLL
      for (int i = 0; i < m; i++)
        half[i * side + j] = y[i];
    }
  UNROLL
  for (int i = 0; i < m; i++)
    {
      output_1d (m, half + i * side, y);
      if (i >= h)
        break;
      UNROLL
      for (int j = 0; j < m; j++)
        if (j < w)
          {
            const SfV value = output_pixel (job, at + i * row + j * (gsize) job->out_c, y[j] + bias, lanes);

            if (first && i == 0 && j == 0)
              pivot = value;
            sum += value - pivot;
            squares += (value - pivot) * (value - pivot);
          }
    }
  sums->pivot = pivot;
  add_halves (sums->sum, &sum);
  add_halves (sums->squares, &squares);
}

SF_INLINE void
output_tile (const SfWinograd *job, const int m, gsize tile, int channel, int nr, const float *products, gsize position, gboolean first, Sums *sums)
{
  const SfWinogradTile place = sf_winograd_tile (job, tile);
  const int n = MIN (nr, job->out_c - channel), h = sf_winograd_down (job, place), w = sf_winograd_across (job, place);
  const gsize at = ((place.image * job->out_h + place.row * m) * job->out_w + place.column * m) * job->out_c + channel;
  const float *biases = job->bias != NULL ? job->bias + place.image * job->bias_step + channel : NULL;
  const SfV zero = { 0 };
  int c = 0;

  for (; c + SF_LANES <= n; c += SF_LANES, sums++)
    {
      const SfV bias = biases != NULL ? sf_load (biases + c) : zero;

      if (h == m && w == m) /* most are whole: no comparisons */
        output_vector (job, m, at + c, m, m, bias, SF_LANES, products + c, position, first, sums);
      else
        output_vector (job, m, at + c, h, w, bias, SF_LANES, products + c, position, first, sums);
    }
  if (c < n)
    output_vector (job, m, at + c, h, w, biases != NULL ? sf_load_n (biases + c, n - c) : zero, n - c, products + c, position, first, sums);
}

/* The moments of @n channels, of which @pixels were summed up. */
SF_INLINE void
get_moments (const Sums *sums, int n, gsize pixels, double *means, double *squares)
{
  for (int i = 0; i < n; i++)
    {
      const Sums *s = sums + i / SF_LANES;
      const int half = i % SF_LANES / (SF_LANES / 2), lane = i % (SF_LANES / 2);
      const double shift = s->sum[half][lane] / pixels;

      means[i] = s->pivot[i % SF_LANES] + shift;
      squares[i] = s->squares[half][lane] - shift * s->sum[half][lane];
    }
}

static void
output (const SfWinograd *job, gsize tile, int n, int channel, int nr, const float *products, double *moments)
{
  Sums sums[SF_TILE_MAX_COLUMNS / SF_LANES] = { 0 };

  for (int i = 0; i < n; i++)
    if (job->m == 2)
      output_tile (job, 2, tile + i, channel, nr, products + i * nr, (gsize) n * nr, i == 0, sums);
    else
      output_tile (job, 4, tile + i, channel, nr, products + i * nr, (gsize) n * nr, i == 0, sums);
  if (job->stream)
    sf_stream_end ();
  if (moments != NULL)
    get_moments (sums, MIN (nr, job->out_c - channel), sf_winograd_pixels (job, tile, n), moments + channel, moments + job->out_c + channel);
}

/*** Weights ***/

/* One input channel, one vector of output channels. */
SF_INLINE void
filter_vector (const int m, const float *w, int nr, float *u, gsize u_position)
{
  const int side = m + 2;
  SfD g[3], t[SIDE], half[SIDE * 3];

  UNROLL
  for (int j = 0; j < 3; j++)
    {
      UNROLL
      for (int i = 0; i < 3; i++)
        g[i] = __builtin_convertvector (*(const SfHalfAny *) (w + (i * 3 + j) * nr), SfD);
      filter_1d (m, g, t);
      UNROLL
      for (int i = 0; i < side; i++)
        half[i * 3 + j] = t[i];
    }
  UNROLL
  for (int i = 0; i < side; i++)
    {
      filter_1d (m, half + i * 3, t);
      UNROLL
      for (int j = 0; j < side; j++)
        *(SfHalfAny *) (u + (i * side + j) * u_position) = __builtin_convertvector (t[j], SfHalf);
    }
}

static void
filter (int m, const float *w, int n, int nr, float *u, gsize u_position)
{
  for (int c = 0; c < n; c++, w += 9 * nr, u += nr)
    for (int i = 0; i < nr; i += SF_LANES / 2)
      if (m == 2)
        filter_vector (2, w + i, nr, u + i, u_position);
      else
        filter_vector (4, w + i, nr, u + i, u_position);
}

extern const SfWinogradKernels SF_TABLE (sf_winograd);

const SfWinogradKernels SF_TABLE (sf_winograd) = {
  .input = input,
  .output = output,
  .filter = filter,
};
