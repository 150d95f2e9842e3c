/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attention of every flavour against the formula in double precision, and sf_attention() against its plain twin. */
#include "ops/sf-attention-fast.h"

#include "fast.h"

/* RMS error of the RMS.  Scores are products of up to 512 terms, whose error the exponential passes on; bf16 rounds queries,
 * keys, weights and values, each by 2^-9 / sqrt (3). */
#define TOLERANCE 2e-6
#define TOLERANCE_BF16 8e-3

/* Where q, k and v of a head lie in one tensor. */
typedef enum
{
  APART,       /* tensors of their own */
  BLOCKS,      /* all q, all k, all v */
  INTERLEAVED, /* q, k, v of a head side by side */
} Layout;

typedef struct
{
  int n, heads, dim, queries, keys;
  Layout layout;
  float sharpness; /* of the scores */
} Case;

static const Case cases[] = {
  { 1, 1, 8, 1, 1, APART, 1 },
  { 2, 3, 40, 7, 77, APART, 1 },
  { 1, 2, 64, 77, 77, BLOCKS, 1 },
  { 2, 2, 8, 33, 33, INTERLEAVED, 4 },
  { 1, 1, 160, 64, 520, APART, 1 },
  { 1, 2, 33, 31, 1030, APART, 10 },
  { 1, 1, 512, 256, 256, INTERLEAVED, 1 },
  { 1, 16, 64, 40, 40, BLOCKS, 1 },  /* rows of 3 x 4096 bytes */
  { 1, 1, 8, 4096, 4096, BLOCKS, 2 },
  { 3, 1, 80, 1, 513, APART, 1 },
  { 1, 3, 40, 260, 77, BLOCKS, 1 },  /* tasks of all heads */
  { 2, 2, 24, 150, 300, APART, 1 },  /* the same, two items, two blocks of keys */
  { 1, 8, 40, 600, 77, APART, 3 },   /* blocks of several panels, of which the last is short */
  { 1, 8, 16, 600, 600, BLOCKS, 3 }, /* the same, three blocks of keys */
};

#define MOST_CHECKED 64 /* queries of a head, spread over all */

typedef struct
{
  SfContext *cx;
  const SfKernels *kernels;
  SfForm form;
  SfAttentionJob job;
} Run;

static void
run (gpointer data)
{
  const Run *self = data;

  g_assert_true (sf_attention_run (self->cx, self->kernels, self->form, &self->job));
}

static const float *
at (const SfAttentionInput *x, int item, int tokens, int token, int head)
{
  return x->x + ((gsize) item * tokens + token) * x->row + head * x->head;
}

static void
compare_query (const SfAttentionJob *job, int item, int head, int query, Deviation *deviation)
{
  const float *q = at (&job->q, item, job->queries, query, head);
  const float *y = job->y + (((gsize) item * job->queries + query) * job->heads + head) * job->dim;
  g_autofree double *p = g_new (double, job->keys), *out = g_new0 (double, job->dim);
  double most = -INFINITY, sum = 0;

  for (gsize key = 0; key < job->keys; key++)
    {
      const float *k = at (&job->k, item, job->keys, key, head);

      p[key] = 0;
      for (int d = 0; d < job->dim; d++)
        p[key] += (double) q[d] * k[d] * job->scale;
      most = MAX (most, p[key]);
    }
  for (gsize key = 0; key < job->keys; key++)
    {
      const float *v = at (&job->v, item, job->keys, key, head);

      p[key] = exp (p[key] - most);
      sum += p[key];
      for (int d = 0; d < job->dim; d++)
        out[d] += p[key] * v[d];
    }
  for (int d = 0; d < job->dim; d++)
    deviation_add (deviation, y[d], out[d] / sum);
}

static void
check (SfContext *cx, const SfKernels *kernels, SfForm form, const Case *c)
{
  const int width = c->heads * c->dim, row = c->layout == APART ? width : 3 * width;
  const gsize q_size = (gsize) c->n * c->queries * row, k_size = (gsize) c->n * c->keys * row, y_size = (gsize) c->n * c->queries * width;
  g_autofree float *q = noise (q_size), *k = noise (k_size), *v = noise (k_size), *y = g_new (float, y_size);
  const int head = c->layout == INTERLEAVED ? 3 * c->dim : c->dim, next = c->layout == INTERLEAVED ? c->dim : width;
  Run r = { cx, kernels, form, { .n = c->n, .heads = c->heads, .dim = c->dim, .queries = c->queries, .keys = c->keys, .q = { q, row, head }, .k = { k, row, head }, .v = { v, row, head }, .scale = c->sharpness / sqrtf (c->dim), .y = y } };
  Deviation deviation = { 0 };
  g_autofree char *what = g_strdup_printf ("%s, form %d, %d heads of %d, %d x %d", kernels->name, form, c->heads, c->dim, c->queries, c->keys);

  if (c->layout != APART)
    {
      r.job.k.x = q + next;
      r.job.v.x = q + 2 * next;
    }
  for (gsize i = 0; i < y_size; i++)
    y[i] = NAN;
  run (&r);
  for (int item = 0; item < c->n; item++)
    for (int h = 0; h < c->heads; h++)
      for (int query = 0; query < c->queries; query += MAX (1, c->queries / MOST_CHECKED))
        compare_query (&r.job, item, h, query, &deviation);
  assert_deviation (&deviation, (form == SF_FORM_BF16 ? TOLERANCE_BF16 : TOLERANCE) * c->sharpness, what);
  if (c->queries < 1000)
    assert_same_for_threads (run, &r, y, y_size);
}

static void
test_formula (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);

  FOR_EACH_FLAVOUR (kernels)
  for (int form = 0; form < SF_N_FORMS; form++)
    for (gsize i = 0; i < G_N_ELEMENTS (cases) && sf_tile_can (kernels->tile, form); i++)
      check (cx, kernels, form, &cases[i]);
}

/* NaN in a query stays in that query. */
static void
test_nan (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  const int tokens = 50, dim = 16;

  FOR_EACH_FLAVOUR (kernels)
  {
    g_autofree float *x = noise (tokens * dim * 3), *y = g_new (float, tokens *dim);
    SfAttentionJob job = { .n = 1, .heads = 1, .dim = dim, .queries = tokens, .keys = tokens, .q = { x, dim, 0 }, .k = { x + tokens * dim, dim, 0 }, .v = { x + 2 * tokens * dim, dim, 0 }, .scale = 1, .y = y };

    x[7 * dim + 3] = NAN;
    for (int form = 0; form < SF_FORM_BF16 && sf_tile_can (kernels->tile, form); form++)
      {
        g_assert_true (sf_attention_run (cx, kernels, form, &job));
        for (int i = 0; i < tokens * dim; i++)
          g_assert_true (isnan (y[i]) == (i / dim == 7));
      }
  }
}

static void
test_op (void)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  const int n = 2, h = 5, w = 9, heads = 2, dim = 24;
  g_autofree float *values = noise (n * h * w * 3 * heads * dim);
  g_autoptr (SfTensor) plain = NULL;

  for (int mode = 0; mode < 3; mode++) /* plain, fast, fast with bf16 */
    {
      g_autoptr (SfTensor) y = NULL;
      SfTensor *x = sf_context_tensor (cx, n, h, w, 3 * heads * dim);
      Deviation deviation = { 0 };

      memcpy (x->data, values, sf_tensor_size (x) * sizeof (float));
      sf_ops_force_plain (mode == 0);
      sf_context_set_fast (cx, mode == 2);
      y = sf_attention (cx, (SfHeads) { x, 0, 3 * dim }, (SfHeads) { sf_tensor_ref (x), dim, 3 * dim },
                        (SfHeads) { sf_tensor_ref (x), 2 * dim, 3 * dim }, heads, dim, 0);
      sf_ops_force_plain (FALSE);
      g_assert_nonnull (y);
      if (mode == 0)
        plain = sf_tensor_ref (y);
      for (gsize i = 0; i < sf_tensor_size (y); i++)
        deviation_add (&deviation, y->data[i], plain->data[i]);
      assert_deviation (&deviation, mode == 2 ? TOLERANCE_BF16 : TOLERANCE, "sf_attention()");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/attention-fast/formula", test_formula);
  g_test_add_func ("/attention-fast/nan", test_nan);
  g_test_add_func ("/attention-fast/op", test_op);
  return g_test_run ();
}
