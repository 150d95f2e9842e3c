/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Group norm of every flavour against the formula in double precision, and the norms' ops against their plain twins. */
#include "ops/sf-norm-fast.h"

#include "fast.h"

/* RMS error of the RMS: a few roundings of the result, and the absolute error of 2e-7 of an activation. */
#define TOLERANCE 1e-6
/* Where the mean is so many times the deviation, the result of a x + b loses as many digits. */
#define OFFSET 1000

typedef struct
{
  int n;
  gsize pixels;
  int c, groups;
  gboolean modulated, in_place;
  SfActivation activation;
  float offset;
} Case;

static const Case cases[] = {
  { 1, 1, 8, 4, FALSE, FALSE, SF_ACTIVATION_NONE, 0 },
  { 2, 5, 6, 3, TRUE, FALSE, SF_ACTIVATION_SILU, 0 },
  { 1, 16, 512, 32, FALSE, TRUE, SF_ACTIVATION_SILU, 0 },
  { 3, 77, 40, 8, TRUE, FALSE, SF_ACTIVATION_NONE, 1 },
  { 1, 4096, 96, 32, FALSE, FALSE, SF_ACTIVATION_SILU, 0 },
  { 2, 1000, 144, 1, TRUE, FALSE, SF_ACTIVATION_GELU, 0 },
  { 1, 529, 35, 35, FALSE, FALSE, SF_ACTIVATION_NONE, OFFSET },
};

typedef struct
{
  SfContext *cx;
  const SfKernels *kernels;
  SfGroupNormJob job;
} Run;

static void
run (gpointer data)
{
  const Run *self = data;

  g_assert_true (sf_group_norm_run (self->cx, self->kernels, &self->job));
}

static double
apply (SfActivation activation, double x)
{
  switch (activation)
    {
    case SF_ACTIVATION_SILU:
      return x / (1 + exp (-x));
    case SF_ACTIVATION_GELU:
      return x * erfc (-x * M_SQRT1_2) / 2;
    default:
      return x;
    }
}

/* One group of one image of @x, which @job wrote over if it worked in place. */
static void
compare_group (const SfGroupNormJob *job, const float *x, int image, int group, Deviation *deviation)
{
  const int size = job->c / job->groups;
  const double n = (double) job->pixels * size;
  const gsize first = image * job->pixels * job->c + group * size;
  double mean = 0, variance = 0;

  for (gsize i = 0; i < job->pixels; i++)
    for (int j = 0; j < size; j++)
      mean += x[first + i * job->c + j] / n;
  for (gsize i = 0; i < job->pixels; i++)
    for (int j = 0; j < size; j++)
      variance += pow (x[first + i * job->c + j] - mean, 2) / n;
  g_assert_cmpfloat_with_epsilon (job->statistics[(image * job->groups + group) * 2], mean, 1e-6 * (1 + fabs (mean)));
  for (gsize i = 0; i < job->pixels; i++)
    for (int j = 0; j < size; j++)
      {
        const int channel = group * size + j;
        const float *m = job->modulation != NULL ? job->modulation + image * 2 * job->c + channel : NULL;
        double y = (x[first + i * job->c + j] - mean) / sqrt (variance + job->eps) * job->w[channel] + job->b[channel];

        if (m != NULL)
          y = y * (1 + m[0]) + m[job->c];
        deviation_add (deviation, job->y[first + i * job->c + j], apply (job->activation, y));
      }
}

/* What lies in two tensors is as if it lay in one. */
static void
check_beside (Run *r, const float *x, const Case *c)
{
  const int x_c = c->c * 3 / 5, beside_c = c->c - x_c;
  const gsize pixels = c->n * c->pixels, n = c->n * 2 * c->c;
  g_autofree float *left = g_new (float, pixels *x_c), *beside = g_new (float, pixels *beside_c), *line = g_memdup2 (r->job.line, n * sizeof *x);

  for (gsize i = 0; i < pixels; i++)
    {
      memcpy (left + i * x_c, x + i * c->c, x_c * sizeof *x);
      memcpy (beside + i * beside_c, x + i * c->c + x_c, beside_c * sizeof *x);
    }
  r->job.x = left;
  r->job.beside = beside;
  r->job.beside_c = beside_c;
  g_assert_true (sf_group_norm_measure (r->cx, r->kernels, &r->job));
  g_assert_cmpmem (r->job.line, n * sizeof *x, line, n * sizeof *x);
}

static void
check (SfContext *cx, const SfKernels *kernels, const Case *c)
{
  const gsize size = c->n * c->pixels * c->c;
  g_autofree float *x = noise (size), *w = noise (c->c), *b = noise (c->c), *modulation = noise (c->n * 2 * c->c);
  g_autofree float *y = NULL, *statistics = g_new (float, c->n * c->groups * 2), *line = g_new (float, c->n * 2 * c->c);
  Run r = { cx, kernels, { .n = c->n, .pixels = c->pixels, .c = c->c, .groups = c->groups, .eps = 1e-5f, .w = w, .b = b, .modulation = c->modulated ? modulation : NULL, .activation = c->activation, .statistics = statistics, .line = line } };
  Deviation deviation = { 0 };

  for (gsize i = 0; i < size; i++)
    x[i] += c->offset;
  y = g_memdup2 (x, size * sizeof *x);
  r.job.x = c->in_place ? y : x;
  r.job.y = y;
  run (&r);
  for (int image = 0; image < c->n; image++)
    for (int group = 0; group < c->groups; group++)
      compare_group (&r.job, x, image, group, &deviation);
  assert_deviation (&deviation, TOLERANCE * MAX (c->offset / 4, 1), kernels->name);
  if (!c->in_place)
    assert_same_for_threads (run, &r, y, size);
  check_beside (&r, x, c);
}

static void
test_formula (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);

  FOR_EACH_FLAVOUR (kernels)
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    check (cx, kernels, &cases[i]);
}

typedef SfTensor *(*OpFunc) (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b);

static SfTensor *
group_norm (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b)
{
  return sf_group_norm (cx, x, (SfNorm) { w, b, 8, 1e-6f, NULL, SF_ACTIVATION_SILU });
}

static SfTensor *
layer_norm (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b)
{
  return sf_layer_norm (cx, x, w, b, 1e-5f);
}

static SfTensor *
activate (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b)
{
  return sf_activate (cx, x, SF_ACTIVATION_GELU);
}

static void
test_ops (void)
{
  static const OpFunc ops[] = { group_norm, layer_norm, activate };
  g_autoptr (SfContext) cx = sf_context_new (0);
  const int n = 2, h = 9, width = 11, c = 40;
  g_autofree float *values = noise (n * h * width * c), *scale = noise (c), *shift = noise (c);
  const SfArray w_array = { SF_DTYPE_F32, 1, { c }, c, scale }, b_array = { SF_DTYPE_F32, 1, { c }, c, shift };
  g_autoptr (SfParameter) w = sf_parameter_new ("w", &w_array), b = sf_parameter_new ("b", &b_array);

  for (gsize op = 0; op < G_N_ELEMENTS (ops); op++)
    {
      SfTensor *y[2];
      Deviation deviation = { 0 };

      for (int plain = 0; plain < 2; plain++)
        {
          SfTensor *x = sf_context_tensor (cx, n, h, width, c);

          memcpy (x->data, values, sf_tensor_size (x) * sizeof (float));
          sf_ops_force_plain (plain);
          y[plain] = ops[op](cx, x, w, b);
          sf_ops_force_plain (FALSE);
          g_assert_nonnull (y[plain]);
        }
      for (gsize i = 0; i < sf_tensor_size (y[0]); i++)
        deviation_add (&deviation, y[0]->data[i], y[1]->data[i]);
      assert_deviation (&deviation, TOLERANCE, "the op");
      sf_tensor_unref (y[0]);
      sf_tensor_unref (y[1]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/norm-fast/formula", test_formula);
  g_test_add_func ("/norm-fast/ops", test_ops);
  return g_test_run ();
}
