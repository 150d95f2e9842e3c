/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The register tile of every flavour, and the packing of its panels, against sums in double precision. */
#include "kernels/sf-kernels.h"

#include <math.h>

#include "base/sf-rng.h"

#define FLOAT_EPSILON 6e-8
/* A chain of up to 128 + 64 roundings in registers and of some in C, relative to the sum of the terms' sizes: each rounding
 * moves the result by at most half a unit of the sum so far. */
#define TOLERANCE (256 * FLOAT_EPSILON)
/* Of bf16 operands that are exact: the sum is one chain, here at most 3 * 300 long. */
#define TOLERANCE_BF16 (1024 * FLOAT_EPSILON)

static const SfRng rng = { 17, 0 };
static guint64 drawn;

static float *
noise (gsize n)
{
  float *x = g_new (float, n);

  sf_rng_normal (rng, drawn, x, n);
  drawn += (n + 3) / 4 * 4;
  return x;
}

static float
from_bf16 (guint16 x)
{
  guint32 bits = (guint32) x << 16;
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

typedef struct
{
  int m, n, k, taps;
  gboolean bias, residual, in_place;
  float scale;
} Case;

/* Everything that a tile reads, in float and in bf16. */
typedef struct
{
  const float *rows[SF_TILE_MAX_ROWS * 9];
  const guint16 *rows_bf16[SF_TILE_MAX_ROWS * 9]; /* at equal distances */
  float *w, *panel;
  guint16 *all_bf16, *panel_bf16;
} Operands;

static void
fill (Operands *o, const Case *c, const SfTileKernels *kernels)
{
  const int nr = kernels->nr, step_bf16 = MAX (kernels->step_bf16, 1);
  const gsize k = c->k, steps = (k + step_bf16 - 1) / step_bf16 * step_bf16;

  o->w = noise (c->n * k * c->taps);
  o->panel = g_new (float, k * c->taps * nr);
  o->panel_bf16 = g_new (guint16, steps * c->taps * nr);
  memset (o->panel_bf16, 0x7f, steps * c->taps * nr * sizeof (guint16)); /* steps beyond k must be written */
  o->all_bf16 = g_new0 (guint16, (c->m * c->taps + SF_FIXED_ROWS) * steps);
  for (gsize i = 0; i < c->n * k * c->taps; i++)
    o->w[i] = from_bf16 (sf_bf16 (o->w[i]));
  for (int tap = 0; tap < c->taps; tap++) /* w is [column][tap][step] */
    {
      sf_tile_pack (o->w + tap * k, k * c->taps, c->n, c->k, nr, o->panel + tap * k * nr);
      if (kernels->bf16_panel != NULL)
        kernels->bf16_panel (o->panel + tap * k * nr, c->k, o->panel_bf16 + tap * steps * nr);
    }
  for (int i = 0; i < c->m * c->taps; i++)
    {
      float *row = noise (k);
      guint16 *row_bf16 = o->all_bf16 + i * steps;

      o->rows[i] = row;
      o->rows_bf16[i] = row_bf16;
      for (gsize p = 0; p < k; p++)
        {
          row_bf16[p] = sf_bf16 (row[p]);
          row[p] = from_bf16 (row_bf16[p]);
        }
    }
}

static void
clear (Operands *o, const Case *c)
{
  for (int i = 0; i < c->m * c->taps; i++)
    g_free ((gpointer) o->rows[i]);
  g_free (o->all_bf16);
  g_free (o->w);
  g_free (o->panel);
  g_free (o->panel_bf16);
}

static void
compare (const Case *c, const Operands *o, const SfTile *t, const float *before, double tolerance)
{
  for (int i = 0; i < c->m; i++)
    for (int j = 0; j < c->n; j++)
      {
        double sum = 0, size = 0, error;

        for (int tap = 0; tap < c->taps; tap++)
          for (int p = 0; p < c->k; p++)
            {
              double term = (double) o->rows[tap * c->m + i][p] * o->w[((gsize) j * c->taps + tap) * c->k + p];

              sum += term;
              size += fabs (term);
            }
        sum += (c->bias ? t->bias[j] : 0) + (c->residual ? before[i * t->residual_row + j] : 0);
        size += (c->bias ? fabs (t->bias[j]) : 0) + (c->residual ? fabs (before[i * t->residual_row + j]) : 0);
        error = fabs (t->c[i * t->c_row + j] - c->scale * sum);
        if (!(error <= tolerance * size * c->scale)) /* so written, NaN fails */
          g_error ("m %d n %d k %d taps %d: [%d][%d] is %.9g, expected %.9g", c->m, c->n, c->k, c->taps, i, j,
                   t->c[i * t->c_row + j], c->scale * sum);
      }
}

static void
check (const SfTileKernels *kernels, gboolean bf16, const Case *c)
{
  const gsize row = c->n + 3;
  g_autofree float *bias = noise (c->n), *residual = noise (c->m * row), *out = g_new (float, c->m *row + 1);
  Operands o;
  SfTile t = { .m = c->m, .n = c->n, .k = c->k, .taps = c->taps, .bias = c->bias ? bias : NULL, .scale = c->scale, .c = out, .c_row = row };

  if (c->residual)
    {
      t.residual = c->in_place ? out : residual;
      t.residual_row = row;
    }
  fill (&o, c, kernels);
  for (gsize i = 0; i < c->m * row + 1; i++)
    out[i] = c->in_place && i < c->m * row ? residual[i] : NAN; /* C is written, not read */
  if (bf16)
    {
      t.k = (c->k + kernels->step_bf16 - 1) / kernels->step_bf16 * kernels->step_bf16;
      t.a = (const void *const *) o.rows_bf16;
      t.b = o.panel_bf16;
      kernels->multiply_bf16 (&t, 1, 0, 0);
    }
  else
    {
      t.a = (const void *const *) o.rows;
      t.b = o.panel;
      kernels->multiply (&t);
    }
  compare (c, &o, &t, residual, bf16 ? TOLERANCE_BF16 : TOLERANCE);
  for (int i = 0; i < c->m; i++) /* nothing beside the block was touched */
    for (gsize j = c->n; j < row; j++)
      g_assert_true (c->in_place ? out[i * row + j] == residual[i * row + j] : isnan (out[i * row + j]));
  clear (&o, c);
}

static void
check_all (const SfTileKernels *kernels, gboolean bf16, int mr)
{
  static const int depths[] = { 1, 2, 3, 17, 127, 128, 129, 300 };

  g_assert_cmpint (mr, <=, SF_TILE_MAX_ROWS);
  g_assert_cmpint (kernels->nr, <=, SF_TILE_MAX_COLUMNS);
  for (int m = 1; m <= mr; m++)
    for (gsize i = 0; i < G_N_ELEMENTS (depths); i++)
      {
        Case c = { .m = m, .n = (m + (int) i) % 3 == 0 ? 1 + (m * 7 + (int) i) % kernels->nr : kernels->nr, .k = depths[i], .taps = 1 + m % 3, .scale = 1 };

        c.bias = (m + i) % 2 == 0;
        c.residual = m % 2 == 0;
        c.in_place = m % 4 == 0;
        if (i % 3 == 0)
          c.scale = 0.7071f;
        check (kernels, bf16, &c);
      }
  check (kernels, bf16, &(Case) { .m = mr, .n = kernels->nr, .k = 40, .taps = 9, .bias = TRUE, .scale = 1 });
}

static void
test_products (gconstpointer data)
{
  const SfTileKernels *kernels = data;

  check_all (kernels, FALSE, kernels->mr);
  if (kernels->multiply_bf16 != NULL)
    check_all (kernels, TRUE, kernels->mr_bf16);
}

/* Two panels at once, around the caches and while something else is brought nearer: the bits of one after the other. */
static void
test_panels_bf16 (gconstpointer data)
{
  const SfTileKernels *kernels = data;
  const int nr = kernels->nr, n = 2 * nr, k = 3 * kernels->step_bf16;
  const gsize size = (gsize) k * nr;

  for (int m = 1; kernels->multiply_bf16 != NULL && m <= kernels->mr_bf16; m += 5)
    {
      const int all = (m + SF_FIXED_ROWS - 1) / SF_FIXED_ROWS * SF_FIXED_ROWS;
      g_autofree float *a = noise (all * k), *panel = noise (k * nr), *bias = noise (n), *residual = noise (m * n), *out = g_new (float, m *n);
      float *streamed = g_aligned_alloc (m * n, sizeof *streamed, 64);
      g_autofree guint16 *rows = g_new (guint16, all * k), *panels = g_new (guint16, 2 * size);
      const void *at[SF_TILE_MAX_ROWS];
      SfTile t = { .m = m, .n = nr, .k = k, .taps = 1, .a = at, .residual_row = n, .scale = 0.5f, .c_row = n };

      kernels->to_bf16 (a, rows, all * k);
      for (int i = 0; i < m; i++)
        at[i] = rows + i * k;
      for (int i = 0; i < 2; i++)
        {
          kernels->bf16_panel (panel, k, panels + i * size);
          panel[i] = 7;
          t.b = panels + i * size;
          t.bias = bias + i * nr;
          t.residual = residual + i * nr;
          t.c = out + i * nr;
          kernels->multiply_bf16 (&t, 1, 0, 0);
        }
      t.b = panels;
      t.bias = bias;
      t.residual = residual;
      t.c = streamed;
      t.stream = TRUE;
      t.next = a;
      t.next_step = 64;
      kernels->multiply_bf16 (&t, 2, size * sizeof *panels, nr);
      g_assert_cmpmem (streamed, m * n * sizeof *out, out, m * n * sizeof *out);
      g_aligned_free (streamed);
    }
}

/* Rows at equal distances, which a product by OpenBLAS reads where they are. */
static void
test_regular (gconstpointer data)
{
  const SfTileKernels *kernels = data;
  const int m = kernels->mr, k = 100, row = 109;
  g_autofree float *a = noise (m * row), *w = noise (kernels->nr * k), *panel = g_new (float, k * kernels->nr), *out = g_new (float, m * kernels->nr);
  const void *rows[SF_TILE_MAX_ROWS];
  SfTile t = { .m = m, .n = kernels->nr, .k = k, .taps = 1, .a = rows, .b = panel, .scale = 1, .c = out, .c_row = kernels->nr };

  for (int i = 0; i < m; i++)
    rows[i] = a + i * row;
  sf_tile_pack (w, k, kernels->nr, k, kernels->nr, panel);
  kernels->multiply (&t);
  for (int i = 0; i < m; i++)
    for (int j = 0; j < kernels->nr; j++)
      {
        double sum = 0, size = 0;

        for (int p = 0; p < k; p++)
          {
            sum += (double) a[i * row + p] * w[j * k + p];
            size += fabs ((double) a[i * row + p] * w[j * k + p]);
          }
        g_assert_true (fabs (out[i * kernels->nr + j] - sum) <= TOLERANCE * size);
      }
}

static void
test_bf16 (gconstpointer data)
{
  const SfTileKernels *kernels = data;
  g_autofree float *in = noise (37);
  guint16 out[37];

  in[0] = NAN;
  in[1] = INFINITY;
  in[2] = 0x1.01p0f;    /* half way: to the even one, below */
  in[3] = 0x1.03p0f;    /* half way: to the even one, above */
  in[4] = 0x1.010002p0f; /* just above the middle */
  kernels->to_bf16 (in, out, 37);
  g_assert_true (isnan (from_bf16 (out[0])));
  g_assert_true (from_bf16 (out[1]) == INFINITY);
  g_assert_true (from_bf16 (out[2]) == 1);
  g_assert_true (from_bf16 (out[3]) == 0x1.04p0f);
  g_assert_true (from_bf16 (out[4]) == 0x1.02p0f);
  for (gsize i = 5; i < 37; i++)
    g_assert_true (fabsf (from_bf16 (out[i]) - in[i]) <= fabsf (in[i]) / 256); /* 8 bits of mantissa, rounded */
}

#define FIXED_EPSILON (1.0 / (1 << 21)) /* of the largest product: steps of both factors, and the digits' products that are left out */

/* The largest of @n numbers that are @step apart. */
static double
largest (const float *x, int n, int step)
{
  double most = 0;

  for (int i = 0; i < n; i++)
    most = fmax (most, fabs (x[i * step]));
  return most;
}

/* Fixed point, two panels: as exact as its scales allow, whatever the size of a row. */
static void
test_fixed (gconstpointer data)
{
  const SfTileKernels *kernels = data;
  static const int depths[] = { 1, 2, 63, 64, 65, 300, 700 };

  for (int m = 1; kernels->multiply_fixed != NULL && m <= SF_TILE_MAX_ROWS; m += 3)
    for (gsize d = 0; d < G_N_ELEMENTS (depths); d++)
      {
        const int k = depths[d], nr = kernels->nr, panels = m % 2 == 0 ? 2 : 1, n = panels == 2 ? 2 * nr : 5;
        const gsize row = sf_fixed_row_size (k) + 64, size = sf_fixed_panel_size (k, nr), all = (m + SF_FIXED_ROWS - 1) / SF_FIXED_ROWS * SF_FIXED_ROWS * row;
        g_autofree float *a = noise (m * k), *w = noise (n * k), *panel = g_new (float, k *nr), *bias = noise (n), *out = noise (m * n);
        g_autofree float *residual = g_memdup2 (out, m * n * sizeof *out);
        g_autofree guint8 *rows = g_malloc (all), *fixed = g_malloc (panels * size);
        const void *at[SF_TILE_MAX_ROWS];
        SfTile t;

        memset (rows, 0x7f, all); /* steps beyond k must be written */
        memset (fixed, 0x7f, panels * size);
        for (int i = 0; i < panels; i++)
          {
            sf_tile_pack (w + i * nr * k, k, MIN (n, nr), k, nr, panel);
            kernels->fixed_panel (panel, k, fixed + i * size);
          }
        for (int i = 0; i < m; i++)
          {
            for (int p = 0; p < k; p++)
              a[i * k + p] *= i % 3 == 0 ? 1e-20f : 1e20f;
            at[i] = rows + i * row;
          }
        kernels->fixed_rows (a, k, m, k, rows, row);
        t = (SfTile) { .m = m, .n = MIN (n, nr), .k = k, .taps = 1, .a = at, .b = fixed, .bias = bias, .residual = out, .residual_row = n, .scale = 0.5f, .c = out, .c_row = n };
        kernels->multiply_fixed (&t, panels, size, nr);
        for (int i = 0; i < m; i++)
          for (int j = 0; j < n; j++)
            {
              const double product = largest (a + i * k, k, 1) * largest (w + j * k, k, 1);
              double sum = (double) bias[j] + residual[i * n + j], around = TOLERANCE * (fabs (bias[j]) + fabs (residual[i * n + j])) + k * product * FIXED_EPSILON;

              for (int p = 0; p < k; p++)
                sum += (double) a[i * k + p] * w[j * k + p];
              if (!(fabs (out[i * n + j] - 0.5 * sum) <= around)) /* so written, NaN fails */
                g_error ("m %d k %d: [%d][%d] is %.9g, expected %.9g", m, k, i, j, out[i * n + j], 0.5 * sum);
            }
        if (panels == 2) /* around the caches, while something else is brought nearer: the same bits */
          {
            t.residual = residual;
            t.c = g_aligned_alloc (m * n, sizeof *t.c, 64);
            t.stream = TRUE;
            t.next = a;
            t.next_step = 64;
            kernels->multiply_fixed (&t, panels, size, nr);
            g_assert_cmpmem (t.c, m * n * sizeof *t.c, out, m * n * sizeof *out);
            g_aligned_free (t.c);
          }
      }
}

/* Numbers that 24 bits hold, and scales that are powers of two, lose nothing but what is left out. */
static void
test_fixed_digits (gconstpointer data)
{
  const SfTileKernels *kernels = data;
  const int k = 64, nr = kernels->nr;
  g_autofree float *panel = g_new0 (float, k *nr), *out = g_new (float, nr);
  g_autofree guint8 *rows = g_malloc0 (SF_FIXED_ROWS * sf_fixed_row_size (k)), *fixed = g_malloc (sf_fixed_panel_size (k, nr));
  const void *at[1] = { rows };

  if (kernels->multiply_fixed == NULL)
    return;
  for (int p = 0; p < k; p++) /* column p picks number p out of a row */
    if (p < nr)
      panel[p * nr + p] = 1;
  kernels->fixed_panel (panel, k, fixed);
  for (int bit = 0; bit < 23; bit++)
    {
      float a[64] = { [63] = 127 * 65536 };

      for (int p = 0; p < nr; p++)
        a[p] = (p % 2 == 0 ? 1 : -1) * ((1 << bit) + p % 3);
      kernels->fixed_rows (a, 0, 1, k, rows, 0);
      kernels->multiply_fixed (&(SfTile) { .m = 1, .n = nr, .k = k, .taps = 1, .a = at, .b = fixed, .scale = 1, .c = out, .c_row = nr }, 1, 0, 0);
      for (int p = 0; p < MIN (nr, 63); p++)
        g_assert_cmpfloat_with_epsilon (out[p], a[p], 1e-6 * fabs (a[p]));
    }
}

static void
test_transpose (gconstpointer data)
{
  const SfTileKernels *kernels = data;
  static const int sizes[] = { 1, 3, 4, 16, 19, 40 };

  for (gsize r = 0; r < G_N_ELEMENTS (sizes); r++)
    for (gsize c = 0; c < G_N_ELEMENTS (sizes); c++)
      {
        const int rows = sizes[r], columns = sizes[c], x_row = columns + 1, y_row = rows + 2;
        g_autofree float *x = noise (rows * x_row), *y = noise (columns * y_row), *before = g_memdup2 (y, columns * y_row * sizeof *y), *scale = noise (columns);

        for (int scaled = 0; scaled < 2; scaled++)
          {
            kernels->transpose (x, x_row, rows, columns, scaled ? scale : NULL, y, y_row);
            for (int j = 0; j < columns; j++)
              for (int i = 0; i < y_row; i++)
                g_assert_true (y[j * y_row + i] == (i < rows ? (scaled ? scale[j] : 1) * x[i * x_row + j] : before[j * y_row + i]));
          }
      }
}

static void
test_group (void)
{
  const SfTileKernels kernels = { .mr = 14 };

  g_assert_cmpint (sf_tile_group (&kernels, 14), ==, 14);
  g_assert_cmpint (sf_tile_group (&kernels, 16), ==, 8);
  g_assert_cmpint (sf_tile_group (&kernels, 29), ==, 10);
  g_assert_cmpint (sf_tile_group (&kernels, 1), ==, 1);
}

int
main (int argc, char **argv)
{
  int n;
  const SfKernels *const *all = sf_kernels_all (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    {
      g_autofree char *products = g_strdup_printf ("/tile/products/%s", all[i]->name);
      g_autofree char *regular = g_strdup_printf ("/tile/regular/%s", all[i]->name);
      g_autofree char *bf16 = g_strdup_printf ("/tile/bf16/%s", all[i]->name);
      g_autofree char *panels = g_strdup_printf ("/tile/bf16/panels/%s", all[i]->name);
      g_autofree char *fixed = g_strdup_printf ("/tile/fixed/%s", all[i]->name);
      g_autofree char *digits = g_strdup_printf ("/tile/fixed/digits/%s", all[i]->name);
      g_autofree char *transpose = g_strdup_printf ("/tile/transpose/%s", all[i]->name);

      g_test_add_data_func (products, all[i]->tile, test_products);
      g_test_add_data_func (regular, all[i]->tile, test_regular);
      g_test_add_data_func (bf16, all[i]->tile, test_bf16);
      g_test_add_data_func (panels, all[i]->tile, test_panels_bf16);
      g_test_add_data_func (fixed, all[i]->tile, test_fixed);
      g_test_add_data_func (digits, all[i]->tile, test_fixed_digits);
      g_test_add_data_func (transpose, all[i]->tile, test_transpose);
    }
  g_test_add_func ("/tile/group", test_group);
  return g_test_run ();
}
