/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every way to convolve, in every CPU flavour, against sums in double precision. */
#include "ops/sf-conv.h"

#include <math.h>

#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "ops/sf-ops-private.h"

/* Bounds of the error, relative to the results' own root mean square, for random inputs of size 1.  Direct sums round like any
 * product; Winograd's transforms lose some digits: measured 0.4e-6 for F(2) and 1.3e-6 for F(4), at most 4 to 8 times as much
 * at one place.  NaN fails. */
#define RMS_DIRECT 1e-6
#define RMS_WINOGRAD 3e-6
#define MOST 10 /* times that, at one place */

#define SAMPLES 40 /* pixels that are checked, where there are more */

typedef struct
{
  SfConvJob job;
  float *x, *w, *bias, *residual, *y;
  gsize n_y;
  SfArray array;
  gsize step;       /* every so many-th pixel is checked, and the last one */
  double *expected; /* of these, all channels */
} Problem;

static float *
noise (guint64 stream, gsize n)
{
  float *x = g_new (float, n);

  sf_rng_normal ((SfRng) { 23, stream }, 0, x, n);
  return x;
}

/* One number of the result, in double. */
static double
convolve (const Problem *p, gsize pixel, int channel)
{
  const SfConvJob *job = &p->job;
  const gsize image = pixel / job->out_w / job->out_h;
  const int y0 = (int) (pixel / job->out_w % job->out_h) * job->stride - job->top, x0 = (int) (pixel % job->out_w) * job->stride - job->left;
  double sum = job->bias != NULL ? p->bias[channel] : 0;

  for (int i = 0; i < job->kernel_h; i++)
    for (int j = 0; j < job->kernel_w; j++)
      if (y0 + i >= 0 && y0 + i < job->h && x0 + j >= 0 && x0 + j < job->w)
        for (int c = 0; c < job->c; c++)
          sum += (double) p->x[((image * job->h + y0 + i) * job->w + x0 + j) * job->c + c] *
                 p->w[((gsize) (channel * job->c + c) * job->kernel_h + i) * job->kernel_w + j];
  if (job->residual != NULL)
    sum += p->residual[pixel * job->out_c + channel];
  return sum * job->scale;
}

static gsize
n_checked (const Problem *p)
{
  return (p->n_y / p->job.out_c + p->step - 1) / p->step + 1;
}

static gsize
checked_pixel (const Problem *p, gsize i)
{
  return MIN (i * p->step, p->n_y / p->job.out_c - 1);
}

/* @job: sizes, padding and stride; the size of the result for bottom and right padding as given. */
static void
problem_open (Problem *p, SfConvJob job, int bottom, int right, gboolean bias, gboolean residual)
{
  const gsize taps = job.kernel_h * job.kernel_w;

  job.stride = MAX (job.stride, 1);
  job.scale = residual ? 0.7071f : 1;
  job.out_h = (job.h + job.top + bottom - job.kernel_h) / job.stride + 1;
  job.out_w = (job.w + job.left + right - job.kernel_w) / job.stride + 1;
  p->n_y = (gsize) job.n * job.out_h * job.out_w * job.out_c;
  p->x = noise (0, (gsize) job.n * job.h * job.w * job.c);
  p->w = noise (1, job.out_c * taps * job.c);
  p->bias = noise (2, job.out_c);
  p->residual = noise (3, p->n_y);
  p->y = g_aligned_alloc (p->n_y, sizeof (float), 64);
  p->array = (SfArray) { SF_DTYPE_F32, 4, { job.out_c, job.c, job.kernel_h, job.kernel_w }, job.out_c * taps * job.c, p->w };
  job.x = p->x;
  job.y = p->y;
  job.bias = bias ? p->bias : NULL;
  job.residual = residual ? p->residual : NULL;
  p->job = job;
  p->step = MAX (p->n_y / job.out_c / SAMPLES, 1);
  p->expected = g_new (double, n_checked (p) * job.out_c);
  for (gsize i = 0; i < n_checked (p); i++)
    for (int channel = 0; channel < job.out_c; channel++)
      p->expected[i * job.out_c + channel] = convolve (p, checked_pixel (p, i), channel);
}

static void
problem_close (Problem *p)
{
  g_free (p->x);
  g_free (p->w);
  g_free (p->bias);
  g_free (p->residual);
  g_free (p->expected);
  g_aligned_free (p->y);
}

/* Computes with one way and compares what it wrote. */
static void
run (const Problem *p, const SfKernels *kernels, SfConvMethod method)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (GError) error = NULL;
  float *packed = g_aligned_alloc (sf_conv_packed_size (kernels, method, &p->array), sizeof (float), 64);

  for (gsize i = 0; i < p->n_y; i++)
    p->y[i] = NAN;
  sf_context_begin (cx, NULL, 0);
  g_assert_true (sf_conv_pack (cx, kernels, method, &p->array, packed));
  g_assert_true (sf_conv_run (cx, kernels, method, &p->job, packed));
  g_assert_true (sf_context_end (cx, &error));
  g_assert_no_error (error);
  g_aligned_free (packed);
}

static void
compare (const Problem *p, const SfKernels *kernels, SfConvMethod method)
{
  const int out_c = p->job.out_c;
  const double bound = method <= SF_CONV_DIRECT_FIXED ? RMS_DIRECT : RMS_WINOGRAD;
  const gsize n = n_checked (p);
  double size = 0, error = 0, most = 0;

  for (gsize i = 0; i < n; i++)
    for (int channel = 0; channel < out_c; channel++)
      {
        double right = p->expected[i * out_c + channel], wrong = p->y[checked_pixel (p, i) * out_c + channel] - right;

        size += right * right;
        error += wrong * wrong;
        most = fmax (most, fabs (wrong));
      }
  size = sqrt (size / (n * out_c));
  error = sqrt (error / (n * out_c));
  if (!(error <= bound * size && most <= MOST * bound * size))
    g_error ("%s %s: %d x %d x %d x %d to %d channels: error %.2g (at most %.2g) of results of size %.2g", kernels->name,
             sf_conv_method_name (method), p->job.n, p->job.h, p->job.w, p->job.c, out_c, error, most, size);
  for (gsize i = 0; i < p->n_y; i++)
    g_assert_true (isfinite (p->y[i])); /* all is written */
}

typedef struct
{
  SfConvJob job;
  int bottom, right;
  gboolean bias, residual;
} Case;

#define KERNEL_3 .kernel_h = 3, .kernel_w = 3
#define SAME KERNEL_3, .top = 1, .left = 1

static const Case cases[] = {
  { { .n = 1, .h = 1, .w = 1, .c = 1, .out_c = 1, SAME }, 1, 1 },
  { { .n = 1, .h = 2, .w = 3, .c = 3, .out_c = 5, SAME }, 1, 1, TRUE },
  { { .n = 2, .h = 5, .w = 4, .c = 17, .out_c = 31, SAME }, 1, 1, TRUE, TRUE },
  { { .n = 1, .h = 7, .w = 11, .c = 33, .out_c = 65, SAME }, 1, 1, TRUE },
  { { .n = 1, .h = 16, .w = 16, .c = 32, .out_c = 64, SAME }, 1, 1, FALSE, TRUE },
  { { .n = 3, .h = 13, .w = 9, .c = 70, .out_c = 20, SAME }, 1, 1, TRUE },
  { { .n = 8, .h = 8, .w = 8, .c = 130, .out_c = 96, SAME }, 1, 1, TRUE, TRUE },
  { { .n = 1, .h = 33, .w = 29, .c = 48, .out_c = 3, SAME }, 1, 1, TRUE },
  { { .n = 1, .h = 19, .w = 23, .c = 5, .out_c = 40, KERNEL_3 }, 0, 0 },               /* no padding */
  { { .n = 1, .h = 12, .w = 10, .c = 9, .out_c = 16, KERNEL_3, .top = 2 }, 0, 1, TRUE }, /* uneven */
  { { .n = 1, .h = 9, .w = 9, .c = 16, .out_c = 16, KERNEL_3, .left = 2 }, 3, 0, TRUE },
  { { .n = 1, .h = 10, .w = 6, .c = 300, .out_c = 37, SAME }, 1, 1, TRUE },              /* several runs of channels */
  { { .n = 2, .h = 10, .w = 14, .c = 24, .out_c = 50, SAME, .stride = 2 }, 1, 1, TRUE, TRUE },
  { { .n = 1, .h = 8, .w = 8, .c = 20, .out_c = 33, KERNEL_3, .stride = 2 }, 1, 1, TRUE },
  { { .n = 1, .h = 9, .w = 13, .c = 7, .out_c = 12, .kernel_h = 1, .kernel_w = 1, .stride = 2 }, 0, 0 },
  { { .n = 1, .h = 9, .w = 13, .c = 6, .out_c = 34, .kernel_h = 5, .kernel_w = 2, .top = 2, .left = 1 }, 2, 0, TRUE },
  { { .n = 1, .h = 16, .w = 15, .c = 4, .out_c = 8, .kernel_h = 7, .kernel_w = 7, .top = 3, .left = 3, .stride = 3 }, 3, 3, TRUE },
  /* Many tiles: several blocks, the last one not full; chunks of lean weights; a result that goes around the caches. */
  { { .n = 1, .h = 61, .w = 50, .c = 16, .out_c = 40, SAME }, 1, 1, TRUE },
  { { .n = 1, .h = 257, .w = 260, .c = 4, .out_c = 64, SAME }, 1, 1, TRUE, TRUE },
  { { .n = 1, .h = 45, .w = 49, .c = 560, .out_c = 544, SAME }, 1, 1, TRUE }, /* a block would take too long */
};

static void
test_methods (void)
{
  int n;
  const SfKernels *const *all = sf_kernels_all (&n);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Problem p;

      problem_open (&p, cases[i].job, cases[i].bottom, cases[i].right, cases[i].bias, cases[i].residual);
      for (int flavour = 0; flavour < n; flavour++)
        for (int method = 0; method < SF_N_CONV_METHODS; method++)
          if (sf_conv_method_can (all[flavour], method, &p.job))
            {
              run (&p, all[flavour], method);
              compare (&p, all[flavour], method);
            }
      problem_close (&p);
    }
}

/* The result may take the place of the residual. */
static void
test_in_place (gconstpointer data)
{
  const SfKernels *kernels = data;
  Problem p;
  g_autofree float *before = NULL, *y = NULL;

  problem_open (&p, (SfConvJob) { .n = 1, .h = 18, .w = 14, .c = 40, .out_c = 50, SAME }, 1, 1, TRUE, TRUE);
  before = g_memdup2 (p.residual, p.n_y * sizeof (float));
  for (int method = 0; method < SF_N_CONV_METHODS; method++)
    {
      g_autoptr (SfContext) cx = sf_context_new (0);
      SfConvJob job = p.job;
      float *packed;

      if (!sf_conv_method_can (kernels, method, &job))
        continue;
      packed = g_aligned_alloc (sf_conv_packed_size (kernels, method, &p.array), sizeof (float), 64);
      run (&p, kernels, method);
      job.y = p.residual;
      sf_context_begin (cx, NULL, 0);
      g_assert_true (sf_conv_pack (cx, kernels, method, &p.array, packed));
      g_assert_true (sf_conv_run (cx, kernels, method, &job, packed));
      g_assert_true (sf_context_end (cx, NULL));
      g_assert_cmpmem (p.residual, p.n_y * sizeof (float), p.y, p.n_y * sizeof (float));
      memcpy (p.residual, before, p.n_y * sizeof (float));
      g_aligned_free (packed);
    }
  problem_close (&p);
}

/* Channels [first, first + c) of all pixels. */
static float *
cut (const Problem *p, int first, int c)
{
  const gsize pixels = (gsize) p->job.n * p->job.h * p->job.w;
  float *x = g_new (float, pixels *c);

  for (gsize i = 0; i < pixels; i++)
    memcpy (x + i * c, p->x + i * p->job.c + first, c * sizeof *x);
  return x;
}

/* What lies in two tensors is as if it lay in one. */
static void
check_beside (const Problem *p, const SfKernels *kernels, SfConvMethod method, const float *y)
{
  Problem apart = *p;
  const int x_c = p->job.c * 3 / 5;
  g_autofree float *x = cut (p, 0, x_c), *beside = cut (p, x_c, p->job.c - x_c);

  apart.job.x = x;
  apart.job.beside = beside;
  apart.job.beside_c = p->job.c - x_c;
  for (int threads = 1; threads <= 4; threads *= 2)
    {
      sf_parallel_set_threads (threads);
      run (&apart, kernels, method);
      g_assert_cmpmem (p->y, p->n_y * sizeof *y, y, p->n_y * sizeof *y);
    }
}

/* A norm and activation before it, and a bias for each image, give what they give when they come one after the other. */
static void
test_norm (gconstpointer data)
{
  static const SfConvJob jobs[] = {
    { .n = 2, .h = 23, .w = 90, .c = 130, .out_c = 40, SAME },
    { .n = 3, .h = 8, .w = 5, .c = 24, .out_c = 70, SAME },
    { .n = 1, .h = 12, .w = 10, .c = 9, .out_c = 16, KERNEL_3, .top = 2 },
  };
  const SfKernels *kernels = data;

  for (gsize i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      Problem p;
      g_autofree float *line = noise (4, jobs[i].n * 2 * jobs[i].c), *biases = noise (5, jobs[i].n * jobs[i].out_c), *normed = NULL;
      gsize item, out_item;

      problem_open (&p, jobs[i], 1, 1, FALSE, TRUE);
      item = (gsize) p.job.h * p.job.w * p.job.c;
      out_item = p.n_y / p.job.n;
      normed = g_new (float, item *p.job.n);
      for (int image = 0; image < p.job.n; image++)
        kernels->layers->scale_shift (SF_ACTIVATION_SILU, p.x + image * item, line + image * 2 * p.job.c, line + (image * 2 + 1) * p.job.c, FALSE,
                                      normed + image * item, p.job.c, item / p.job.c, p.job.c);
      for (int method = 0; method < SF_N_CONV_METHODS; method++)
        {
          Problem joined = p, apart = p;
          g_autofree float *y = NULL;

          if (method <= SF_CONV_DIRECT_FIXED || !sf_conv_method_can (kernels, method, &p.job))
            continue;
          joined.job.line = line;
          joined.job.activation = SF_ACTIVATION_SILU;
          joined.job.bias = biases;
          joined.job.bias_step = p.job.out_c;
          for (int threads = 1; threads <= 2; threads++)
            {
              sf_parallel_set_threads (threads);
              run (&joined, kernels, method);
              if (y == NULL)
                y = g_memdup2 (p.y, p.n_y * sizeof (float));
              g_assert_cmpmem (p.y, p.n_y * sizeof (float), y, p.n_y * sizeof (float));
            }
          check_beside (&joined, kernels, method, y);
          for (int image = 0; image < p.job.n; image++)
            {
              apart.job.n = 1;
              apart.n_y = out_item;
              apart.job.x = normed + image * item;
              apart.job.bias = biases + image * p.job.out_c;
              apart.job.residual = p.residual + image * out_item;
              run (&apart, kernels, method);
              g_assert_cmpmem (p.y, out_item * sizeof (float), y + image * out_item, out_item * sizeof (float));
            }
        }
      sf_parallel_set_threads (0);
      problem_close (&p);
    }
}

/* The same bits for any number of threads, and for lean weights. */
static void
test_same_bits (gconstpointer data)
{
  const SfKernels *kernels = data;
  static const SfConvJob jobs[] = {
    { .n = 1, .h = 50, .w = 41, .c = 200, .out_c = 96, SAME },
    { .n = 2, .h = 8, .w = 7, .c = 260, .out_c = 70, SAME },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      Problem p;
      g_autofree float *first = NULL, *full[2] = { NULL, NULL };

      problem_open (&p, jobs[i], 1, 1, TRUE, FALSE);
      for (int method = 0; method < SF_N_CONV_METHODS; method++)
        {
          const gsize size = p.n_y * sizeof (float);

          if (!sf_conv_method_can (kernels, method, &p.job))
            continue;
          for (int threads = 1; threads <= 4; threads *= 2)
            {
              sf_parallel_set_threads (threads);
              run (&p, kernels, method);
              if (threads == 1)
                {
                  g_free (first);
                  first = g_memdup2 (p.y, size);
                }
              g_assert_cmpmem (p.y, size, first, size);
            }
          if (method == SF_CONV_WINOGRAD_2 || method == SF_CONV_WINOGRAD_4)
            full[method - SF_CONV_WINOGRAD_2] = g_memdup2 (p.y, size);
          if ((method == SF_CONV_WINOGRAD_2_LEAN || method == SF_CONV_WINOGRAD_4_LEAN) && !g_str_equal (kernels->name, "baseline")) /* OpenBLAS's order of sums */
            g_assert_cmpmem (p.y, size, full[method - SF_CONV_WINOGRAD_2_LEAN], size);
        }
      sf_parallel_set_threads (0);
      g_free (full[1]);
      problem_close (&p);
    }
}

static void
test_choice (void)
{
  const SfKernels *kernels = sf_kernels ();
  const gboolean fixed = kernels->tile->multiply_fixed != NULL;
  const SfConvMethod small = fixed ? SF_CONV_WINOGRAD_2_FIXED : SF_CONV_WINOGRAD_2, large = fixed ? SF_CONV_WINOGRAD_4_FIXED : SF_CONV_WINOGRAD_4;
  SfConvJob job = { .n = 1, .h = 64, .w = 64, .c = 256, .stride = 1, .out_h = 64, .out_w = 64, .out_c = 256, SAME };

  g_assert_cmpint (sf_conv_method_choose (kernels, &job, FALSE), ==, large);
  g_assert_cmpint (sf_conv_method_choose (kernels, &job, TRUE), ==, SF_CONV_WINOGRAD_4_LEAN);
  job.h = job.w = job.out_h = job.out_w = 8;
  g_assert_cmpint (sf_conv_method_choose (kernels, &job, FALSE), ==, small);
  job.n = 16;
  g_assert_cmpint (sf_conv_method_choose (kernels, &job, FALSE), ==, large);
  job.stride = 2;
  g_assert_cmpint (sf_conv_method_choose (kernels, &job, FALSE), ==, fixed ? SF_CONV_DIRECT_FIXED : SF_CONV_DIRECT);
  job.kernel_h = 50;
  g_assert_false (sf_conv_method_can (kernels, SF_CONV_DIRECT, &job));
}

/*** As an op ***/

static SfTensor *
tensor (SfContext *cx, guint64 stream, int n, int h, int w, int c)
{
  SfTensor *x = sf_context_tensor (cx, n, h, w, c);

  sf_rng_normal ((SfRng) { 29, stream }, 0, x->data, sf_tensor_size (x));
  return x;
}

/* sf_conv2d() both ways; weights in half the bits, as many checkpoints have them. */
static void
test_op (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autofree float *w = noise (4, 40 * 24 * 9), *b = noise (5, 40);
  g_autofree guint16 *half = g_new (guint16, 40 * 24 * 9);
  const SfArray w_array = { SF_DTYPE_BF16, 4, { 40, 24, 3, 3 }, 40 * 24 * 9, half }, b_array = { SF_DTYPE_F32, 1, { 40 }, 40, b };
  g_autoptr (SfParameter) weights = sf_parameter_new ("w", &w_array), bias = sf_parameter_new ("b", &b_array);
  SfTensor *y[2];
  double error = 0, size = 0;

  for (int i = 0; i < 40 * 24 * 9; i++)
    half[i] = sf_bf16 (w[i]);
  sf_context_begin (cx, NULL, 0);
  for (int plain = 0; plain < 2; plain++)
    {
      sf_ops_force_plain (plain);
      y[plain] = sf_conv2d (cx, tensor (cx, 0, 2, 20, 18, 24), weights, bias,
                            (SfConv) { .top = 1, .left = 1, .bottom = 1, .right = 1, .scale = 0.5f, .residual = tensor (cx, 1, 2, 20, 18, 40) });
      g_assert_nonnull (y[plain]);
    }
  sf_ops_force_plain (FALSE);
  for (gsize i = 0; i < sf_tensor_size (y[0]); i++)
    {
      error += pow ((double) y[0]->data[i] - y[1]->data[i], 2);
      size += pow (y[1]->data[i], 2);
    }
  g_assert_true (error > 0 && error <= pow (RMS_WINOGRAD, 2) * size);
  g_assert_cmpuint (sf_parameter_get_packed_size (weights), >=, 36 * 40 * 24 * sizeof (float));
  sf_tensor_unref (y[0]);
  sf_tensor_unref (y[1]);
  g_assert_true (sf_context_end (cx, NULL));
}

/* sf_conv2d() of channels in two tensors, with groups that have channels of both, gives what it gives of their concatenation, which
 * is never made. */
static void
test_beside (void)
{
  g_autofree float *w = noise (4, 33 * 40 * 9), *scale = noise (5, 40), *shift = noise (6, 40);
  const SfArray w_array = { SF_DTYPE_F32, 4, { 33, 40, 3, 3 }, 33 * 40 * 9, w };
  const SfArray scale_array = { SF_DTYPE_F32, 1, { 40 }, 40, scale }, shift_array = { SF_DTYPE_F32, 1, { 40 }, 40, shift };
  g_autoptr (SfParameter) weights = sf_parameter_new ("w", &w_array);
  g_autoptr (SfParameter) norm_w = sf_parameter_new ("n", &scale_array), norm_b = sf_parameter_new ("m", &shift_array);
  SfConv conv = { .top = 1, .left = 1, .bottom = 1, .right = 1, .norm = { norm_w, norm_b, 8, 1e-5f, NULL, SF_ACTIVATION_SILU } };

  for (int left = 3; left < 40; left += 14)
    {
      SfTensor *y[2];
      double work[2];

      for (int joined = 0; joined < 2; joined++)
        {
          g_autoptr (SfContext) cx = sf_context_new (0);
          SfTensor *x = tensor (cx, 0, 2, 50, 41, left), *beside = tensor (cx, 1, 2, 50, 41, 40 - left);

          conv.beside = NULL;
          if (joined)
            x = sf_concat (cx, x, beside);
          else
            conv.beside = beside;
          y[joined] = sf_conv2d (cx, x, weights, NULL, conv);
          g_assert_nonnull (y[joined]);
          work[joined] = sf_context_get_work (cx);
        }
      g_assert_cmpmem (y[0]->data, sf_tensor_size (y[0]) * sizeof (float), y[1]->data, sf_tensor_size (y[1]) * sizeof (float));
      g_assert_cmpfloat (work[1] - work[0], ==, 2 * 50 * 41 * 40);
      sf_tensor_unref (y[0]);
      sf_tensor_unref (y[1]);
    }
}

/* The largest convolutions become lean, one after the other, until all fit. */
static void
test_plan (void)
{
  static float data[300 * 32 * 9];
  const int channels[] = { 32, 300, 100 };
  SfParameter *parameters[4];
  const SfArray other = { SF_DTYPE_F32, 2, { 64, 64 }, 64 * 64, data };
  const SfKernels *kernels = sf_kernels ();
  const SfConvMethod full = kernels->tile->multiply_fixed != NULL ? SF_CONV_WINOGRAD_4_FIXED : SF_CONV_WINOGRAD_4;
  gsize all, some, expected = 0, saved;

  for (int i = 0; i < 3; i++)
    parameters[i] = sf_parameter_new ("w", &(SfArray) { SF_DTYPE_F32, 4, { 32, channels[i], 3, 3 }, 32 * channels[i] * 9, data });
  parameters[3] = sf_parameter_new ("linear", &other);
  all = sf_conv2d_plan (parameters, 4, 0);
  for (int i = 0; i < 3; i++)
    expected += sf_conv_packed_size (kernels, full, &parameters[i]->array) * sizeof (float);
  g_assert_cmpuint (all, ==, expected);
  for (int i = 0; i < 4; i++)
    g_assert_false (parameters[i]->lean);
  some = sf_conv2d_plan (parameters, 4, all - 1);
  saved = sf_conv_packed_size (kernels, full, &parameters[1]->array) - sf_conv_packed_size (kernels, SF_CONV_WINOGRAD_4_LEAN, &parameters[1]->array);
  g_assert_cmpuint (some, ==, all - saved * sizeof (float));
  g_assert_true (parameters[1]->lean && !parameters[0]->lean && !parameters[2]->lean && !parameters[3]->lean);
  sf_conv2d_plan (parameters, 4, 1);
  g_assert_true (parameters[0]->lean && parameters[1]->lean && parameters[2]->lean && !parameters[3]->lean);
  for (int i = 0; i < 4; i++)
    sf_parameter_free (parameters[i]);
}

/* What was not packed to the end is not kept. */
static void
test_cancel (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree float *w = noise (4, 64 * 64 * 9);
  const SfArray array = { SF_DTYPE_F32, 4, { 64, 64, 3, 3 }, 64 * 64 * 9, w };
  g_autoptr (SfParameter) weights = sf_parameter_new ("w", &array);
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  SfTensor *x;

  sf_context_begin (cx, &progress, 0);
  x = tensor (cx, 0, 1, 20, 20, 64);
  g_cancellable_cancel (cancellable);
  g_assert_null (sf_conv2d (cx, x, weights, NULL, (SfConv) { .top = 1, .left = 1, .bottom = 1, .right = 1 }));
  g_assert_false (sf_context_end (cx, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (sf_parameter_get_packed_size (weights), ==, 0);
}

int
main (int argc, char **argv)
{
  int n;
  const SfKernels *const *all = sf_kernels_all (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    {
      g_autofree char *in_place = g_strdup_printf ("/conv/in-place/%s", all[i]->name);
      g_autofree char *bits = g_strdup_printf ("/conv/same-bits/%s", all[i]->name);
      g_autofree char *norm = g_strdup_printf ("/conv/norm/%s", all[i]->name);

      g_test_add_data_func (in_place, all[i], test_in_place);
      g_test_add_data_func (bits, all[i], test_same_bits);
      g_test_add_data_func (norm, all[i], test_norm);
    }
  g_test_add_func ("/conv/methods", test_methods);
  g_test_add_func ("/conv/choice", test_choice);
  g_test_add_func ("/conv/beside", test_beside);
  g_test_add_func ("/conv/plan", test_plan);
  g_test_add_func ("/conv/op", test_op);
  g_test_add_func ("/conv/cancel", test_cancel);
  return g_test_run ();
}
