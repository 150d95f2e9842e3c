/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear layers of every flavour against sums in double precision, and sf_linear() against its plain twin. */
#include "ops/sf-linear-fast.h"

#include "fast.h"

/* RMS error of the RMS.  A float sum in runs of 128 steps has 3e-7 at the lengths here; bf16 operands are rounded to 8 bits,
 * an error of 2^-9 / sqrt (3) each. */
#define TOLERANCE 6e-7
#define TOLERANCE_BF16 3e-3

typedef struct
{
  gsize m;
  int k, n;
  gboolean bias, residual, in_place;
  float scale;
} Case;

static const Case cases[] = {
  { 1, 320, 1280, TRUE, FALSE, FALSE, 1 }, /* a time embedding */
  { 40, 1, 30, FALSE, FALSE, FALSE, 1 },
  { 2, 3, 5, TRUE, TRUE, FALSE, 0.5f },
  { 7, 40, 33, TRUE, TRUE, TRUE, 1 },
  { 77, 768, 320, FALSE, FALSE, FALSE, 1 },
  { 64, 1281, 100, TRUE, TRUE, TRUE, 0.7071f }, /* two runs of k */
  { 113, 1024, 70, TRUE, FALSE, FALSE, 1 },     /* rows 4096 bytes apart */
  { 130, 2048, 31, FALSE, TRUE, FALSE, 1 },
  { 300, 129, 257, TRUE, TRUE, FALSE, 2 },
  { 1025, 16, 48, TRUE, FALSE, FALSE, 1 },
  { 29, 4097, 17, TRUE, TRUE, TRUE, 1 },
  { 2100, 20, 2032, TRUE, TRUE, FALSE, 1 }, /* a result of more than 16 MB */
};

typedef struct
{
  SfContext *cx;
  const SfKernels *kernels;
  SfForm form;
  SfLinearJob job;
  gpointer packed;
} Run;

static void
run (gpointer data)
{
  const Run *self = data;

  g_assert_true (sf_linear_run (self->cx, self->kernels, self->form, &self->job, self->packed));
}

static SfArray
make_array (const float *w, int n, int k)
{
  return (SfArray) { .dtype = SF_DTYPE_F32, .n_dims = 2, .dim = { n, k }, .n = (gsize) n * k, .data = w };
}

/* What lies in two tensors is as if it lay in one; the result may take the place of the first one. */
static void
check_beside (Run *r, const float *x, float *y, const float *residual, const Case *c)
{
  const int x_c = MIN (c->n, c->k * 3 / 5 + 1), beside_c = c->k - x_c;
  g_autofree float *left = g_new (float, c->m * c->n), *beside = g_new (float, c->m *beside_c), *expected = g_memdup2 (y, c->m * c->n * sizeof *y);

  for (gsize i = 0; i < c->m; i++)
    {
      memcpy (left + i * x_c, x + i * c->k, x_c * sizeof *x);
      memcpy (beside + i * beside_c, x + i * c->k + x_c, beside_c * sizeof *x);
    }
  r->job.x = left;
  r->job.beside = beside;
  r->job.beside_c = beside_c;
  for (int threads = 1; threads <= 4; threads *= 2)
    {
      sf_parallel_set_threads (threads);
      memcpy (y, residual, c->m * c->n * sizeof *y);
      run (r);
      g_assert_cmpmem (y, c->m * c->n * sizeof *y, expected, c->m * c->n * sizeof *y);
    }
  sf_parallel_set_threads (0);
  if (x_c == c->n && !c->in_place)
    {
      r->job.y = left;
      run (r);
      g_assert_cmpmem (left, c->m * c->n * sizeof *y, expected, c->m * c->n * sizeof *y);
    }
}

static void
check (SfContext *cx, const SfKernels *kernels, SfForm form, const Case *c)
{
  g_autofree float *x = noise (c->m * c->k), *w = noise ((gsize) c->n * c->k), *bias = noise (c->n), *residual = noise (c->m * c->n);
  g_autoptr (SfTensor) result = sf_context_tensor (cx, 1, 1, (int) c->m, c->n);
  float *y = result->data;
  const SfArray array = make_array (w, c->n, c->k);
  g_autofree gpointer packed = g_malloc (sf_linear_packed_size (kernels, form, &array));
  Run r = { cx, kernels, form, { .m = c->m, .k = c->k, .n = c->n, .x = x, .bias = c->bias ? bias : NULL, .scale = c->scale, .y = y, .residual = !c->residual ? NULL : c->in_place ? y
                                                                                                                                                                                  : residual },
            packed };
  Deviation deviation = { 0 };
  g_autofree char *what = g_strdup_printf ("%s, form %d, %" G_GSIZE_FORMAT " x %d x %d", kernels->name, form, c->m, c->k, c->n);

  memcpy (y, residual, c->m * c->n * sizeof *y);
  sf_linear_pack (kernels, form, &array, packed);
  run (&r);
  for (gsize i = 0; i < c->m; i++)
    for (int j = 0; j < c->n; j++)
      {
        double sum = (c->bias ? bias[j] : 0) + (c->residual ? residual[i * c->n + j] : 0);

        for (int p = 0; p < c->k; p++)
          sum += (double) x[i * c->k + p] * w[(gsize) j * c->k + p];
        deviation_add (&deviation, y[i * c->n + j], sum * c->scale);
      }
  assert_deviation (&deviation, form == SF_FORM_BF16 ? TOLERANCE_BF16 : TOLERANCE, what);
  if (!c->in_place)
    assert_same_for_threads (run, &r, y, c->m * c->n);
  if (c->k > 1)
    check_beside (&r, x, y, residual, c);
}

static void
test_products (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);

  FOR_EACH_FLAVOUR (kernels)
  {
    for (int form = 0; form < SF_N_FORMS; form++)
      for (gsize i = 0; i < G_N_ELEMENTS (cases) && sf_tile_can (kernels->tile, form); i++)
        check (cx, kernels, form, &cases[i]);
  }
}

/* Fixed point has one scale for a row: zeros stay zeros, the smallest and largest rows are as exact as others, and NaN and
 * infinity break their own row alone. */
static void
test_ranges (void)
{
  enum
  {
    ROWS = 6,
    K = 100,
    N = 40
  };
  static const float size[ROWS] = { 1, 0, 1e-24f, 1e30f, NAN, INFINITY };
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autofree float *x = noise (ROWS * K), *w = noise (N * K), *y = g_new (float, ROWS *N);
  const SfArray array = make_array (w, N, K);

  for (int i = 1; i < ROWS; i++)
    for (int p = 0; p < K; p++)
      x[i * K + p] = i < 4 ? x[p] * size[i] : p == 70 ? size[i]
                                                      : x[p];
  FOR_EACH_FLAVOUR (kernels)
  {
    g_autofree gpointer packed = NULL;

    if (!sf_tile_can (kernels->tile, SF_FORM_FIXED))
      continue;
    packed = g_malloc (sf_linear_packed_size (kernels, SF_FORM_FIXED, &array));
    sf_linear_pack (kernels, SF_FORM_FIXED, &array, packed);
    g_assert_true (sf_linear_run (cx, kernels, SF_FORM_FIXED, &(SfLinearJob) { .m = ROWS, .k = K, .n = N, .x = x, .scale = 1, .y = y }, packed));
    for (int j = 0; j < N; j++)
      {
        g_assert_true (y[N + j] == 0);
        for (int i = 2; i < 4; i++)
          g_assert_cmpfloat_with_epsilon (y[i * N + j] / size[i], y[j], 1e-5);
        for (int i = 4; i < ROWS; i++)
          g_assert_false (isfinite (y[i * N + j]));
      }
  }
}

/* What is left of a row of weights stored in fewer bits. */
static void
test_storage (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  const int m = 9, k = 300, n = 40;
  g_autofree float *x = noise (m * k), *w = noise (n * k), *y[2] = { NULL, NULL };
  g_autofree guint16 *half = g_new (guint16, n * k);

  for (int i = 0; i < n * k; i++)
    {
      guint32 bits = (guint32) (half[i] = sf_bf16 (w[i])) << 16;

      memcpy (&w[i], &bits, sizeof bits);
    }
  for (int i = 0; i < 2; i++)
    {
      SfArray array = make_array (w, n, k);
      g_autofree gpointer packed = NULL;

      if (i == 1)
        {
          array.dtype = SF_DTYPE_BF16;
          array.data = half;
        }
      packed = g_malloc (sf_linear_packed_size (sf_kernels (), SF_FORM_FLOAT, &array));
      y[i] = g_new (float, m *n);
      sf_linear_pack (sf_kernels (), SF_FORM_FLOAT, &array, packed);
      g_assert_true (sf_linear_run (cx, sf_kernels (), SF_FORM_FLOAT, &(SfLinearJob) { .m = m, .k = k, .n = n, .x = x, .scale = 1, .y = y[i] }, packed));
    }
  g_assert_cmpmem (y[0], m * n * sizeof (float), y[1], m * n * sizeof (float));
  g_free (y[1]);
}

static SfTensor *
make_tensor (SfContext *cx, int n, int h, int w, int c, const float *x)
{
  SfTensor *self = sf_context_tensor (cx, n, h, w, c);

  memcpy (self->data, x, sf_tensor_size (self) * sizeof *x);
  return self;
}

static void
test_op (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  const int n = 2, side = 5, k = 70, out = 44;
  const gsize pixels = n * side * side;
  g_autofree float *x = noise (pixels * k), *residual = noise (pixels * out), *weights = noise (out * k), *bias = noise (out);
  const SfArray w_array = make_array (weights, out, k), b_array = make_array (bias, out, 1);
  g_autoptr (SfParameter) w = sf_parameter_new ("w", &w_array), b = sf_parameter_new ("b", &b_array);
  g_autoptr (SfTensor) plain = NULL;

  for (int mode = 0; mode < 3; mode++) /* plain, fast, fast with bf16 */
    {
      g_autoptr (SfTensor) y = NULL;
      Deviation deviation = { 0 };

      sf_ops_force_plain (mode == 0);
      sf_context_set_fast (cx, mode == 2);
      y = sf_linear (cx, make_tensor (cx, n, side, side, k, x), w, b, make_tensor (cx, n, side, side, out, residual), 0.5f);
      sf_ops_force_plain (FALSE);
      g_assert_nonnull (y);
      if (mode == 0)
        plain = sf_tensor_ref (y);
      for (gsize i = 0; i < pixels * out; i++)
        deviation_add (&deviation, y->data[i], plain->data[i]);
      assert_deviation (&deviation, mode == 2 ? TOLERANCE_BF16 : TOLERANCE, "sf_linear()");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/linear-fast/products", test_products);
  g_test_add_func ("/linear-fast/ranges", test_ranges);
  g_test_add_func ("/linear-fast/storage", test_storage);
  g_test_add_func ("/linear-fast/op", test_op);
  return g_test_run ();
}
