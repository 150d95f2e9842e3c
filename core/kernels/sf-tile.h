/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The register tile that every matrix product of a network is made of, and the packed form of its weights.
 *
 * The outer-product scheme of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with two
 * changes.  A is not packed: each row is a pointer, so that rows may be pixels (Dukhan, "The Indirect Convolution Algorithm",
 * 2019), and a 3x3 convolution is one call with nine sets of rows, "taps".  B, the weights, is packed once, in panels of nr
 * columns.  Sums are taken in runs of at most 128 steps, and the runs added up in C: the rounding error then grows like that
 * of a blocked library product, not like one long chain of additions.
 *
 * Row distances that are multiples of 4096 bytes put all rows of A into one set of the cache: give such rows another length.
 */
#pragma once

#include <glib.h>
#include <string.h>

#define SF_TILE_MAX_ROWS 128 /* of a call; to set AMX's registers up costs as much as a dozen products */
#define SF_TILE_MAX_COLUMNS 32

/* C = scale (bias + residual + sum over taps of A B), a block of at most mr x nr. */
typedef struct
{
  int m, n;                /* rows, columns of C */
  int k, taps;             /* steps of one tap */
  const void *const *a;    /* taps x m rows of k floats */
  const void *b;           /* a panel: taps x k x nr */
  const float *bias;       /* (nullable) [n] */
  const float *residual;   /* (nullable) m x n; may be @c, to add to what is there */
  gsize residual_row;      /* floats from one row to the next */
  float scale;
  float *c;
  gsize c_row;
  gboolean stream;         /* a hint: C is too large for the caches, and its rows begin where a line of memory does */
  const float *next;       /* (nullable): will be read soon: a line of it is brought nearer at each step of k */
  gsize next_step;         /* but for floats: bytes of it for each panel; 0: the panels are brought nearer, and after the last it */
} SfTile;

typedef struct
{
  int mr, nr;                                   /* most rows (<= SF_TILE_MAX_ROWS), columns of a panel */
  void (*multiply) (const SfTile *tile);
  /* (nullable) The same of bf16, at most mr_bf16 rows at equal distances; those up to a multiple of SF_FIXED_ROWS are read too.
   * k is a multiple of step_bf16; the panel is taps x k/2 x nr x 2.  Products and sums are float32.  @panels: where all columns
   * are there: so many panels, @b_step bytes and @c_step floats from one to the next. */
  void (*multiply_bf16) (const SfTile *tile, int panels, gsize b_step, gsize c_step);
  int mr_bf16, step_bf16;
  void (*to_bf16) (const float *in, guint16 *out, gsize n);      /* sf_bf16() of each */
  void (*bf16_panel) (const float *panel, int k, guint16 *out); /* k x nr floats; steps that k lacks are zeros */
  /* y (@columns x @rows) = x (@rows x @columns) transposed; so many floats from one row to the next.  @scale: (nullable): of each
   * column of x */
  void (*transpose) (const float *x, gsize x_row, int rows, int columns, const float *scale, float *y, gsize y_row);
  /* (nullable) The same in fixed point, of rows at equal distances, one tap: nearly as exact as float, and much faster where there.
   * The number of rows that lie in memory is a multiple of SF_FIXED_ROWS. */
  void (*multiply_fixed) (const SfTile *tile, int panels, gsize b_step, gsize c_step);
  /* @rows of k floats, @x_row floats from one to the next; @out: of sf_fixed_row_size() each, @out_row bytes from one to the next. */
  void (*fixed_rows) (const float *x, gsize x_row, int rows, int k, guint8 *out, gsize out_row);
  void (*fixed_panel) (const float *panel, int k, guint8 *out); /* k x nr floats; @out: sf_fixed_panel_size() */
} SfTileKernels;

/* What numbers are while they are multiplied. */
typedef enum
{
  SF_FORM_FLOAT,
  SF_FORM_FIXED,
  SF_FORM_BF16,
  SF_N_FORMS,
} SfForm;

gboolean sf_tile_can (const SfTileKernels *kernels, SfForm form);
/* The fastest one of those that are exact, or of all. */
SfForm sf_tile_choose (const SfTileKernels *kernels, gboolean exact);

/* Fixed point: a number is three digits of base 256, from -128 to 127, times a scale that all numbers of a row of A, of a column of
 * B have in common, so that the largest of them has 24 bits.  Rows of A are [k/64][digit][64], followed by a cache line with the
 * scale; panels of B [k/64][digit][16][nr][4], followed by nr scales.  Steps that k lacks are zeros. */
#define SF_FIXED_STEP 64
#define SF_FIXED_DIGITS 3
#define SF_FIXED_ROWS 16

static inline int
sf_fixed_steps (int k)
{
  return (k + SF_FIXED_STEP - 1) / SF_FIXED_STEP;
}

/* Bytes of a row of A. */
static inline gsize
sf_fixed_row_size (int k)
{
  return (gsize) sf_fixed_steps (k) * SF_FIXED_STEP * SF_FIXED_DIGITS + 64;
}

static inline gsize
sf_fixed_panel_size (int k, int nr)
{
  return ((gsize) sf_fixed_steps (k) * SF_FIXED_STEP * SF_FIXED_DIGITS + sizeof (float)) * nr;
}

/* The upper half of a float, rounded to the nearest, of two as near to the even one; NaN stays NaN. */
static inline guint16
sf_bf16 (float x)
{
  guint32 bits;

  memcpy (&bits, &x, sizeof bits);
  return x == x ? (guint16) ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) : 0x7fc0;
}

#define SF_TILE_LINE 16 /* floats of a cache line */

/* Most steps of k that are summed in registers before they are added to C; 96 to 256 make no difference in time. */
#define SF_TILE_RUN 128
/* All runs of @k steps are nearly equal. */
static inline int
sf_tile_run (int k)
{
  int runs = MAX ((k + SF_TILE_RUN - 1) / SF_TILE_RUN, 1);

  return (k + runs - 1) / runs;
}

/* Rows of a group when @m rows are done in as few groups as possible and all groups are nearly equal (16 = 8 + 8, not 14 + 2). */
int sf_tile_group (const SfTileKernels *kernels, int m);

/* The same for any form; @panels, @b_step, @c_step: as multiply_bf16() has them; floats are multiplied panel by panel. */
int sf_tile_rows (const SfTileKernels *kernels, SfForm form, int m);
void sf_tile_multiply (const SfTileKernels *kernels, SfForm form, const SfTile *tile, int panels, gsize b_step, gsize c_step);

/* y (@columns x @rows) = x (@rows x @columns) transposed; so many floats from one row to the next. */
void sf_transpose (const float *x, gsize x_row, int rows, int columns, float *y, gsize y_row);

/**
 * sf_tile_pack:
 * @w: B transposed: element (step, column) is w[column * w_row + step]
 * @n: columns, <= @nr; the rest of the panel is 0
 * @panel: (out): k x nr
 */
void sf_tile_pack (const float *w, gsize w_row, int n, int k, int nr, float *panel);
