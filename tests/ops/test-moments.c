/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What convolutions find out about their results for the norm after them. */
#include "fast.h"
#include "ops/sf-conv.h"

#define TOLERANCE 1e-6 /* of a mean, in standard deviations, and of a variance */

/* @moments say of the n x pixels x c numbers at @y what is true. */
static void
check (const SfTensor *moments, const float *y, int n, gsize pixels, int c)
{
  for (int image = 0; image < n; image++, y += pixels * c)
    {
      double counted = 0;

      for (int part = 0; part < moments->h; part++)
        counted += sf_moments_at (moments, image, part)[2 * c];
      g_assert_cmpfloat (counted, ==, pixels);
      for (int i = 0; i < c; i++)
        {
          double mean = 0, squares = 0, expected = 0, expected_squares = 0;

          for (gsize pixel = 0; pixel < pixels; pixel++)
            expected += y[pixel * c + i] / (double) pixels;
          for (gsize pixel = 0; pixel < pixels; pixel++)
            expected_squares += pow (y[pixel * c + i] - expected, 2);
          for (int part = 0; part < moments->h; part++)
            mean += sf_moments_at (moments, image, part)[2 * c] * sf_moments_at (moments, image, part)[i] / pixels;
          for (int part = 0; part < moments->h; part++)
            {
              const double *m = sf_moments_at (moments, image, part);

              squares += m[c + i] + m[2 * c] * pow (m[i] - mean, 2);
            }
          g_assert_true (fabs (mean - expected) <= TOLERANCE * sqrt (expected_squares / pixels) + 1e-12 * fabs (expected));
          g_assert_true (fabs (squares - expected_squares) <= TOLERANCE * expected_squares);
        }
    }
}

#define SAME .kernel_h = 3, .kernel_w = 3, .stride = 1, .top = 1, .left = 1

/* For each method and flavour, with ends of tiles and of panels, several parts, and a mean that is large beside what deviates. */
static void
test_conv (gconstpointer data)
{
  static const SfConvJob jobs[] = {
    { .n = 1, .h = 1, .w = 3, .c = 3, .out_c = 5, SAME },
    { .n = 1, .h = 61, .w = 50, .c = 16, .out_c = 40, SAME },
    { .n = 2, .h = 32, .w = 32, .c = 8, .out_c = 33, SAME },
    { .n = 3, .h = 9, .w = 7, .c = 8, .out_c = 16, SAME },
    { .n = 1, .h = 257, .w = 260, .c = 4, .out_c = 32, SAME },
  };
  const SfKernels *kernels = data;

  for (gsize i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      SfConvJob job = jobs[i];
      const gsize pixels = (gsize) job.h * job.w, n_y = job.n * pixels * job.out_c;
      g_autofree float *x = noise (job.n * pixels * job.c), *w = noise ((gsize) job.out_c * job.c * 9), *bias = noise (job.out_c);
      const SfArray array = { SF_DTYPE_F32, 4, { job.out_c, job.c, 3, 3 }, (gsize) job.out_c * job.c * 9, w };
      float *y = g_aligned_alloc (n_y, sizeof *y, 64);

      for (int channel = 0; channel < job.out_c; channel++)
        bias[channel] *= 1000;
      job.out_h = job.h;
      job.out_w = job.w;
      job.x = x;
      job.bias = bias;
      job.scale = 0.5f;
      job.y = y;
      for (int method = 0; method < SF_N_CONV_METHODS; method++)
        {
          g_autoptr (SfContext) cx = sf_context_new (0);
          g_autoptr (SfTensor) moments = NULL;
          float *packed;

          if (!sf_conv_method_can (kernels, method, &job))
            continue;
          packed = g_aligned_alloc (sf_conv_packed_size (kernels, method, &array), sizeof *packed, 64);
          job.moments = &moments;
          sf_context_begin (cx, NULL, 0);
          g_assert_true (sf_conv_pack (cx, kernels, method, &array, packed) && sf_conv_run (cx, kernels, method, &job, packed));
          if (method <= SF_CONV_DIRECT_FIXED)
            g_assert_null (moments);
          else if (job.n == 1)
            g_assert_nonnull (moments);
          if (moments != NULL)
            check (moments, y, job.n, pixels, job.out_c);
          g_clear_pointer (&moments, sf_tensor_unref);
          g_assert_true (sf_context_end (cx, NULL));
          g_aligned_free (packed);
        }
      g_aligned_free (y);
    }
}

static SfTensor *
conv (SfContext *cx, SfParameter *w, SfNorm norm)
{
  SfTensor *x = sf_context_tensor (cx, 1, 40, 24, 16);

  sf_rng_normal ((SfRng) { 29, 3 }, 0, x->data, sf_tensor_size (x));
  return sf_conv2d (cx, x, w, NULL, (SfConv) { .top = 1, .left = 1, .bottom = 1, .right = 1, .norm = norm });
}

/* A norm gives nearly the same with and without them; who writes to the tensor takes them away, and who only reads leaves them. */
static void
test_op (void)
{
  g_autofree float *w = noise (16 * 16 * 9), *scale = noise (16), *shift = noise (16);
  g_autoptr (SfParameter) weights = sf_parameter_new ("w", &(SfArray) { SF_DTYPE_F32, 4, { 16, 16, 3, 3 }, 16 * 16 * 9, w });
  g_autoptr (SfParameter) norm_w = sf_parameter_new ("n", &(SfArray) { SF_DTYPE_F32, 1, { 16 }, 16, scale });
  g_autoptr (SfParameter) norm_b = sf_parameter_new ("b", &(SfArray) { SF_DTYPE_F32, 1, { 16 }, 16, shift });
  const SfNorm norm = { norm_w, norm_b, 4, 1e-5f, NULL, SF_ACTIVATION_SILU };
  g_autoptr (SfContext) cx = sf_context_new (0);
  SfTensor *x, *y[2], *view;

  sf_context_begin (cx, NULL, 0);
  x = conv (cx, weights, (SfNorm) { NULL });
  g_assert_nonnull (sf_tensor_get_moments (x));
  check (sf_tensor_get_moments (x), x->data, 1, 40 * 24, 16);
  view = sf_tensor_view (sf_tensor_ref (x), 1, 40, 24, 16, 0);
  g_assert_null (sf_tensor_get_moments (view));
  y[0] = sf_group_norm (cx, sf_tensor_ref (x), norm);
  y[1] = sf_group_norm (cx, view, norm);
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    g_assert_cmpfloat_with_epsilon (y[0]->data[i], y[1]->data[i], 2e-6 * (1 + fabs (y[1]->data[i])));
  g_assert_null (sf_tensor_get_moments (y[0]));
  sf_tensor_unref (y[0]);
  sf_tensor_unref (y[1]);

  y[0] = sf_affine (cx, sf_tensor_ref (x), 2, 0); /* another tensor: there is a second reference */
  g_assert_true (y[0] != x && sf_tensor_get_moments (y[0]) == NULL && sf_tensor_get_moments (x) != NULL);
  sf_tensor_unref (y[0]);
  y[0] = sf_affine (cx, x, 2, 0); /* in place */
  g_assert_true (y[0] == x);
  g_assert_null (sf_tensor_get_moments (x));
  sf_tensor_unref (x);
  g_assert_true (sf_context_end (cx, NULL));

  sf_context_begin (cx, NULL, 0);
  sf_context_start_tape (cx);
  x = conv (cx, weights, norm);
  g_assert_null (sf_tensor_get_moments (x));
  sf_tensor_unref (x);
  g_assert_true (sf_context_end (cx, NULL));
}

int
main (int argc, char **argv)
{
  int n;
  const SfKernels *const *all = sf_kernels_all (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("/moments/conv/%s", all[i]->name);

      g_test_add_data_func (path, all[i], test_conv);
    }
  g_test_add_func ("/moments/op", test_op);
  return g_test_run ();
}
