/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A product is cut into parts of its result, each one call of OpenBLAS on one thread. */
#include <string.h>

#include "kernels/sf-blas.h"
#include "ops/sf-ops-private.h"

#define MOST_WORK 4e8  /* operations of a part: some milliseconds, more on a slow machine */
#define FEW 16         /* parts: fewer are not shared out well */
#define COLUMNS 64     /* at least, or packing A outweighs the product */
#define MIN_ROWS 16

/*** The grid ***/

SfGrid
sf_grid (gsize m, int n, gsize k, gsize rows)
{
  SfGrid self = { .m = m, .n = n, .rows = MIN (m, rows) };
  int parts;

  self.rows = CLAMP (MOST_WORK / (2.0 * COLUMNS * k), MIN (MIN_ROWS, self.rows), self.rows);
  self.columns = CLAMP (MOST_WORK / (2.0 * self.rows * k), 1, n);
  parts = MAX (FEW / ((m + self.rows - 1) / self.rows), 1);
  self.columns = MIN (self.columns, (n + parts - 1) / parts);
  self.columns = MIN ((self.columns + COLUMNS - 1) / COLUMNS * COLUMNS, n);
  return self;
}

gsize
sf_grid_size (const SfGrid *self)
{
  return (self->m + self->rows - 1) / self->rows * ((self->n + self->columns - 1) / self->columns);
}

void
sf_grid_part (const SfGrid *self, gsize i, gsize *row, gsize *rows, int *column, int *columns)
{
  gsize across = (self->n + self->columns - 1) / self->columns;

  *row = i / across * self->rows;
  *rows = MIN (self->rows, self->m - *row);
  *column = i % across * self->columns;
  *columns = MIN (self->columns, self->n - *column);
}

/*** The epilogue ***/

gboolean
sf_epilogue_begin (const SfEpilogue *self, gsize row, gsize rows, int column, int columns)
{
  if (self->bias == NULL && self->residual == NULL)
    return FALSE;
  for (gsize i = row; i < row + rows; i++)
    {
      float *y = self->y + i * self->n + column;
      const float *bias = self->bias != NULL ? self->bias + column : NULL;
      const float *residual = self->residual != NULL ? self->residual + i * self->n + column : NULL;

      for (int j = 0; j < columns; j++)
        y[j] = (bias != NULL ? bias[j] : 0) + (residual != NULL ? residual[j] : 0);
    }
  return TRUE;
}

void
sf_epilogue_end (const SfEpilogue *self, gsize row, gsize rows, int column, int columns)
{
  if (self->scale == 1)
    return;
  for (gsize i = row; i < row + rows; i++)
    for (int j = column; j < column + columns; j++)
      self->y[i * self->n + j] *= self->scale;
}

/*** The product ***/

#define ROWS 256

typedef struct
{
  const SfProduct *product;
  SfGrid grid;
} Run;

static void
product_tile (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const SfProduct *p = run->product;

  for (gsize i = begin; i < end; i++)
    {
      gsize row, rows;
      int column, columns;

      sf_grid_part (&run->grid, i, &row, &rows, &column, &columns);
      sf_gemm (p->ta, p->tb, rows, columns, p->k,
               p->a + row * (p->ta ? 1 : p->lda), p->lda,
               p->b + (gsize) column * (p->tb ? p->ldb : 1), p->ldb,
               sf_epilogue_begin (&p->to, row, rows, column, columns), p->to.y + row * p->to.n + column, p->to.n);
      sf_epilogue_end (&p->to, row, rows, column, columns);
    }
}

gboolean
sf_op_product (SfContext *cx, const SfProduct *product)
{
  Run run = { product, sf_grid (product->m, product->to.n, product->k, ROWS) };

  return sf_op_run (cx, sf_grid_size (&run.grid), 1, product_tile, &run, 2.0 * product->m * product->to.n * product->k);
}
