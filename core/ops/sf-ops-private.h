/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the ops share: how one is run, recorded, and how matrix products are shared out. */
#pragma once

#include "base/sf-parallel.h"
#include "ops/sf-ops.h"

#define SF_OP_TILE 65536 /* elements of a tile that is bound by memory */

/* First member of what an op hands to its tiles; a copy of the whole is kept on the tape. */
typedef struct
{
  SfTensor *x[4]; /* (nullable) what it works on */
  SfTensor *y;
} SfOp;

/* Whether any of the @n first inputs is missing or the context has failed. */
gboolean sf_op_failed (SfContext *cx, const SfOp *op, int n);
/* Of @x and, after them, of @beside (nullable), which has the same pixels. */
int sf_op_channels (const SfTensor *x, const SfTensor *beside);
/* (transfer full) (nullable) */
SfTensor *sf_op_new_like (SfContext *cx, const SfTensor *x);
/* (transfer full) (nullable): @x itself where nobody else sees it, else a new one of that shape. */
SfTensor *sf_op_reuse (SfContext *cx, SfTensor *x);
/* sf_parallel_for() where the context is not dry, and counts @work.  FALSE: the context has failed. */
gboolean sf_op_run (SfContext *cx, gsize n, gsize grain, SfTileFunc func, gpointer op, double work);
/* Where there is a tape: keeps a copy of the @size bytes at @op, which begin with an SfOp, and references to its inputs. */
void sf_op_record (SfContext *cx, SfBackwardFunc backward, gconstpointer op, gsize size);

/* Tests compare the fast ways with the plain ones. */
void sf_ops_force_plain (gboolean plain);
gboolean sf_ops_are_plain (void);
/* Whether linear layers and attention are to multiply in bf16: it is wanted, the CPU can, and nobody asks for gradients. */
gboolean sf_op_wants_bf16 (SfContext *cx);

/*** Sums over pixels ***/

/* (transfer full) (nullable): n x 1 x 1 x c: of each item of @x (transfer none). */
SfTensor *sf_op_sum_pixels (SfContext *cx, const SfTensor *x);
/* Adds the sum over all pixels of all items to the gradient of @b (nullable), if that is wanted. */
void sf_op_add_bias_gradient (SfContext *cx, SfParameter *b, const SfTensor *dy);

/*** Norms ***/

/* (transfer full) (nullable): n x 1 x {p, q} x c, with which norm (x) = activation (p x + q).  Nothing is consumed.
 * @beside: (nullable): channels after those of @x */
SfTensor *sf_group_norm_line (SfContext *cx, SfTensor *x, const SfTensor *beside, const SfNorm *norm);

/*** Activations ***/

/* y = f (x); may be in place. */
void sf_activation_apply (SfActivation self, const float *x, float *y, gsize n);
/* dy *= f' (x) */
void sf_activation_slope (SfActivation self, const float *x, float *dy, gsize n);

/*** Matrix products ***/

/* What is done around a product P of @n columns: y = scale (P + bias + residual). */
typedef struct
{
  float *y;              /* rows of @n floats, one after the other */
  int n;
  const float *bias;     /* (nullable): of @n */
  const float *residual; /* (nullable): like @y, may be the same */
  float scale;
} SfEpilogue;

/* Before the product of the part [@row, @row + @rows) x [@column, @column + @columns): whether it is to be added to what is in y now. */
gboolean sf_epilogue_begin (const SfEpilogue *self, gsize row, gsize rows, int column, int columns);
void sf_epilogue_end (const SfEpilogue *self, gsize row, gsize rows, int column, int columns);

/* Parts of an @m x @n result that make a tile of a few milliseconds; depend on the problem alone. */
typedef struct
{
  gsize m;
  int n;
  gsize rows;  /* per part */
  int columns; /* per part */
} SfGrid;

/* @k: length of the sums; @rows: the most rows of a part. */
SfGrid sf_grid (gsize m, int n, gsize k, gsize rows);
gsize sf_grid_size (const SfGrid *self);
void sf_grid_part (const SfGrid *self, gsize i, gsize *row, gsize *rows, int *column, int *columns);

/* A m x k (stored k x m with @ta), B k x n (stored n x k with @tb). */
typedef struct
{
  gboolean ta, tb;
  gsize m;
  int k; /* n is the epilogue's */
  const float *a, *b;
  int lda, ldb;
  SfEpilogue to;
} SfProduct;

/* FALSE: the context has failed. */
gboolean sf_op_product (SfContext *cx, const SfProduct *product);
