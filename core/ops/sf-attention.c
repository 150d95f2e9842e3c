/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attention of a head, for a block of queries at a time against all keys:
 *
 *   S = Q K^T,  P = softmax (scale S) row by row,  O = P V
 *
 * Backward P is made again, from the block's S and the row's log of sum of exponentials (L):
 *
 *   dV = P^T dO,  dP = dO V^T,  D = row sums of P dP,  dS = scale P (dP - D),  dQ = dS K,  dK = dS^T Q
 *
 * dQ is a sum over keys and made in blocks of queries, which also find L and D; then dK and dV, sums over queries, in blocks of
 * keys.  No sum is shared by tiles, so the bits do not depend on threads.
 */
#include <math.h>
#include <string.h>

#include "kernels/sf-blas.h"
#include "ops/sf-attention-fast.h"
#include "ops/sf-ops-private.h"
#include "ops/sf-scratch.h"

#define FLOATS 262144 /* of a block's S, to stay in cache */
#define MAX_ROWS 64

enum
{
  Q,
  K,
  V,
};

typedef struct
{
  SfOp op; /* q, k, v */
  SfHeads head[3];
  int heads, dim;
  float scale;
  SfTensor *dx[3];    /* of q, k, v; the same where they are the same */
  const SfTensor *dy;
  float *l, *d;       /* n x heads x queries */
  SfScratch scratch;
} Attention;

static int
n_tokens (const SfTensor *x)
{
  return x->h * x->w;
}

/* Token @token of head @head of item @item, in @x or a tensor laid out like it. */
static float *
at (const Attention *self, int which, const SfTensor *x, int item, int head, int token)
{
  return x->data + ((gsize) item * n_tokens (x) + token) * x->c + self->head[which].offset + head * self->head[which].stride;
}

/* The same in the result, or its gradient. */
static float *
at_result (const Attention *self, const SfTensor *y, int item, int head, int token)
{
  return y->data + ((gsize) item * n_tokens (y) + token) * y->c + head * self->dim;
}

/* Rows of a block whose rows are @n floats. */
static int
block_rows (int n)
{
  return CLAMP (FLOATS / n, 1, MAX_ROWS);
}

/* Which part tile @i is: blocks of @total tokens, heads, items. */
static int
find_part (const Attention *self, gsize i, int total, int rows, int *item, int *head, int *token)
{
  int blocks = (total + rows - 1) / rows;

  *token = i % blocks * rows;
  *head = i / blocks % self->heads;
  *item = i / blocks / self->heads;
  return MIN (rows, total - *token);
}

/* C (m x n) = A B^T, all rows of @dim floats at distances @lda, @ldb. */
static void
score (const Attention *self, int m, int n, const float *a, int lda, const float *b, int ldb, float *c)
{
  sf_gemm (FALSE, TRUE, m, n, self->dim, a, lda, b, ldb, FALSE, c, n);
}

/* In place; returns the log of the sum of exponentials. */
static float
softmax (float *s, int n, float scale)
{
  float most = s[0];
  double sum = 0;

  for (int j = 1; j < n; j++)
    most = MAX (most, s[j]);
  for (int j = 0; j < n; j++)
    {
      s[j] = expf (scale * (s[j] - most));
      sum += s[j];
    }
  for (int j = 0; j < n; j++)
    s[j] /= (float) sum;
  return scale * most + log (sum);
}

static void
forward_tile (gsize begin, gsize end, gpointer data)
{
  Attention *self = data;
  SfTensor *const *x = self->op.x;
  const int keys = n_tokens (x[K]);
  float *s = sf_scratch_take (&self->scratch);

  for (gsize i = begin; i < end; i++)
    {
      int item, head, token, rows = find_part (self, i, n_tokens (x[Q]), block_rows (keys), &item, &head, &token);

      score (self, rows, keys, at (self, Q, x[Q], item, head, token), x[Q]->c, at (self, K, x[K], item, head, 0), x[K]->c, s);
      for (int r = 0; r < rows; r++)
        softmax (s + (gsize) r * keys, keys, self->scale);
      sf_gemm (FALSE, FALSE, rows, self->dim, keys, s, keys, at (self, V, x[V], item, head, 0), x[V]->c, FALSE,
               at_result (self, self->op.y, item, head, token), self->op.y->c);
    }
  sf_scratch_give (&self->scratch, s);
}

/*** Backward ***/

/* L, D and dQ, for a block of queries. */
static void
query_tile (gsize begin, gsize end, gpointer data)
{
  Attention *self = data;
  SfTensor *const *x = self->op.x;
  const int queries = n_tokens (x[Q]), keys = n_tokens (x[K]);
  float *p = sf_scratch_take (&self->scratch), *dp = p + (gsize) block_rows (keys) * keys;

  for (gsize i = begin; i < end; i++)
    {
      int item, head, token, rows = find_part (self, i, queries, block_rows (keys), &item, &head, &token);
      gsize first = ((gsize) item * self->heads + head) * queries + token;

      score (self, rows, keys, at (self, Q, x[Q], item, head, token), x[Q]->c, at (self, K, x[K], item, head, 0), x[K]->c, p);
      score (self, rows, keys, at_result (self, self->dy, item, head, token), self->dy->c, at (self, V, x[V], item, head, 0), x[V]->c, dp);
      for (int r = 0; r < rows; r++)
        {
          float *p_row = p + (gsize) r * keys, *dp_row = dp + (gsize) r * keys;
          double d = 0;

          self->l[first + r] = softmax (p_row, keys, self->scale);
          for (int j = 0; j < keys; j++)
            d += p_row[j] * dp_row[j];
          self->d[first + r] = d;
          for (int j = 0; j < keys; j++)
            dp_row[j] = self->scale * p_row[j] * (dp_row[j] - (float) d);
        }
      sf_gemm (FALSE, FALSE, rows, self->dim, keys, dp, keys, at (self, K, x[K], item, head, 0), x[K]->c, TRUE,
               at (self, Q, self->dx[Q], item, head, token), x[Q]->c);
    }
  sf_scratch_give (&self->scratch, p);
}

/* dK and dV, for a block of keys: the rows of P^T and dS^T. */
static void
key_tile (gsize begin, gsize end, gpointer data)
{
  Attention *self = data;
  SfTensor *const *x = self->op.x;
  const int queries = n_tokens (x[Q]), keys = n_tokens (x[K]);
  float *p = sf_scratch_take (&self->scratch), *dp = p + (gsize) block_rows (queries) * queries;

  for (gsize i = begin; i < end; i++)
    {
      int item, head, token, rows = find_part (self, i, keys, block_rows (queries), &item, &head, &token);
      gsize first = ((gsize) item * self->heads + head) * queries;

      score (self, rows, queries, at (self, K, x[K], item, head, token), x[K]->c, at (self, Q, x[Q], item, head, 0), x[Q]->c, p);
      score (self, rows, queries, at (self, V, x[V], item, head, token), x[V]->c, at_result (self, self->dy, item, head, 0), self->dy->c, dp);
      for (int r = 0; r < rows; r++)
        for (int j = 0; j < queries; j++)
          {
            gsize a = (gsize) r * queries + j;

            p[a] = expf (self->scale * p[a] - self->l[first + j]);
            dp[a] = self->scale * p[a] * (dp[a] - self->d[first + j]);
          }
      sf_gemm (FALSE, FALSE, rows, self->dim, queries, p, queries, at_result (self, self->dy, item, head, 0), self->dy->c, TRUE,
               at (self, V, self->dx[V], item, head, token), x[V]->c);
      sf_gemm (FALSE, FALSE, rows, self->dim, queries, dp, queries, at (self, Q, x[Q], item, head, 0), x[Q]->c, TRUE,
               at (self, K, self->dx[K], item, head, token), x[K]->c);
    }
  sf_scratch_give (&self->scratch, p);
}

static void
zero_tile (gsize begin, gsize end, gpointer data)
{
  memset ((float *) data + begin, 0, (end - begin) * sizeof (float));
}

/* One gradient for each different tensor, zeroed.  FALSE: the context has failed. */
static gboolean
make_gradients (SfContext *cx, Attention *self)
{
  for (int i = 0; i < 3; i++)
    {
      for (int j = 0; j < i && self->dx[i] == NULL; j++)
        if (self->op.x[j] == self->op.x[i])
          self->dx[i] = sf_tensor_ref (self->dx[j]);
      if (self->dx[i] != NULL)
        continue;
      self->dx[i] = sf_op_new_like (cx, self->op.x[i]);
      if (self->dx[i] == NULL || !sf_op_run (cx, sf_tensor_size (self->dx[i]), SF_OP_TILE, zero_tile, self->dx[i]->data, 0))
        return FALSE;
    }
  return TRUE;
}

static gboolean
run (SfContext *cx, Attention *self, int which, SfTileFunc tile, int buffers, int products)
{
  SfTensor *const *x = self->op.x;
  const int total = n_tokens (x[which]), across = n_tokens (x[which == Q ? K : Q]), rows = block_rows (across);
  gsize tiles = (gsize) x[Q]->n * self->heads * ((total + rows - 1) / rows);
  gboolean done = sf_scratch_init (&self->scratch, cx, (gsize) buffers * rows * across) &&
                  sf_op_run (cx, tiles, 1, tile, self, 2.0 * products * x[Q]->n * self->heads * total * across * self->dim);

  sf_scratch_clear (&self->scratch);
  return done;
}

static void
attention_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  Attention self = *(Attention *) saved;
  g_autoptr (SfTensor) g = dy;
  g_autoptr (SfTensor) rows = sf_context_tensor (cx, 2, 1, self.heads * g->n, n_tokens (g));

  self.dy = g;
  if (rows != NULL)
    {
      self.l = rows->data;
      self.d = rows->data + sf_tensor_size (rows) / 2;
    }
  if (make_gradients (cx, &self) && rows != NULL && run (cx, &self, Q, query_tile, 2, 3) && run (cx, &self, K, key_tile, 2, 4))
    for (int i = 0; i < 3; i++)
      {
        gboolean again = FALSE;

        for (int j = 0; j < i; j++)
          again |= self.dx[j] == self.dx[i];
        if (!again)
          sf_context_add_gradient (cx, self.op.x[i], sf_tensor_ref (self.dx[i]));
      }
  for (int i = 0; i < 3; i++)
    sf_tensor_unref (self.dx[i]);
}

static SfAttentionInput
get_input (const Attention *self, int which)
{
  const SfTensor *x = self->op.x[which];

  return (SfAttentionInput) { x->data + self->head[which].offset, x->c, self->head[which].stride };
}

static gboolean
forward_fast (SfContext *cx, const Attention *self)
{
  const SfTensor *y = self->op.y;
  const SfAttentionJob job = { .n = y->n, .heads = self->heads, .dim = self->dim, .queries = n_tokens (y), .keys = n_tokens (self->op.x[K]), .q = get_input (self, Q), .k = get_input (self, K), .v = get_input (self, V), .scale = self->scale, .y = y->data };

  SfForm form = sf_tile_choose (sf_kernels ()->tile, !sf_op_wants_bf16 (cx));

  /* Of few channels or keys, what fills up the steps and what turns queries into digits would take longer than it saves. */
  if (form == SF_FORM_FIXED && job.dim * MIN (job.keys, 2 * SF_FIXED_STEP) < SF_FIXED_STEP * SF_FIXED_STEP)
    form = SF_FORM_FLOAT;
  return sf_attention_run (cx, sf_kernels (), form, &job);
}

SfTensor *
sf_attention (SfContext *cx, SfHeads q, SfHeads k, SfHeads v, int heads, int dim, float scale)
{
  g_autoptr (SfTensor) input_q = q.x, input_k = k.x, input_v = v.x;
  g_autoptr (SfTensor) y = NULL;
  Attention self = { .op.x = { q.x, k.x, v.x }, .head = { q, k, v }, .heads = heads, .dim = dim, .scale = scale != 0 ? scale : 1 / sqrtf (dim) };

  if (sf_op_failed (cx, &self.op, 3))
    return NULL;
  for (int i = 0; i < 3; i++)
    g_assert (self.head[i].offset + (heads - 1) * self.head[i].stride + dim <= self.op.x[i]->c && self.op.x[i]->n == q.x->n);
  g_assert (n_tokens (k.x) == n_tokens (v.x));
  self.op.y = y = sf_context_tensor (cx, q.x->n, q.x->h, q.x->w, heads * dim);
  if (y == NULL)
    return NULL;
  if (sf_ops_are_plain () || dim > SF_ATTENTION_MAX_DIM ? !run (cx, &self, Q, forward_tile, 1, 2) : !forward_fast (cx, &self))
    return NULL;
  sf_op_record (cx, attention_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}
