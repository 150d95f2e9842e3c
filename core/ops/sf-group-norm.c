/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Group normalisation (Wu and He 2018) with what follows it: for channel j of group g of an item,
 *
 *   xhat = (x - mean_g) r_g,   z = (xhat w_j + b_j) (1 + m_j) + s_j = p_j x + q_j,   y = f (z)
 *
 * One pass sums x and x^2 in double, another one applies p and q.  Backward, with dz = dy f' (z) and the sums over pixels
 * A_j = sum dz, B_j = sum dz xhat:
 *
 *   ds = A,  dm = w B + b A,  dw = sum_items (1 + m) B,  db = sum_items (1 + m) A,  and with k_j = w_j (1 + m_j)
 *   dx = r_g (k_j dz - mean_g (k A) - xhat mean_g (k B))
 *
 * Pixels are summed in chunks of a fixed size, and the chunks in order, so the bits do not depend on threads.
 */
#include <math.h>
#include <string.h>

#include "ops/sf-norm-fast.h"
#include "ops/sf-ops-private.h"

typedef struct
{
  SfOp op; /* x, modulation, statistics: n x 1 x groups x {mean, r} */
  SfParameter *w, *b;
  int groups;
  float eps;
  SfActivation activation;
  const float *weights, *bias;
  gsize chunk, chunks; /* pixels, and how many of them an item has */
  double *sums;        /* n x chunks x groups x {x, x^2}; backward n x chunks x {A, B} x c */
  SfTensor *line;      /* n x 1 x {p, q} x c */
  /* Backward: */
  SfTensor *dz;
  const SfTensor *dy;
  SfTensor *three;     /* n x 1 x 3 x c: dx = [0] dz + [1] x + [2] */
  SfTensor *d_modulation;
} GroupNorm;

/* An item is a chunk of an item of the batch: its first pixel, and how many. */
static gsize
find_chunk (const GroupNorm *self, gsize i, gsize *pixels)
{
  const SfTensor *x = self->op.x[0];
  gsize total = (gsize) x->h * x->w, first = i % self->chunks * self->chunk;

  *pixels = MIN (self->chunk, total - first);
  return i / self->chunks * total + first;
}

/*** Forward ***/

static void
sum_tile (gsize begin, gsize end, gpointer data)
{
  const GroupNorm *self = data;
  const SfTensor *x = self->op.x[0];
  const int share = x->c / self->groups;

  for (gsize i = begin; i < end; i++)
    {
      gsize pixels, first = find_chunk (self, i, &pixels);
      double *sums = self->sums + i * self->groups * 2;

      memset (sums, 0, self->groups * 2 * sizeof *sums);
      for (gsize pixel = first; pixel < first + pixels; pixel++)
        for (int g = 0; g < self->groups; g++)
          {
            const float *v = x->data + pixel * x->c + g * share;
            double sum = 0, squares = 0;

            for (int j = 0; j < share; j++)
              {
                sum += v[j];
                squares += (double) v[j] * v[j];
              }
            sums[2 * g] += sum;
            sums[2 * g + 1] += squares;
          }
    }
}

/* Mean and r of each group of each item. */
static void
statistics_tile (gsize begin, gsize end, gpointer data)
{
  const GroupNorm *self = data;
  const SfTensor *x = self->op.x[0];
  const double n = (double) x->h * x->w * (x->c / self->groups);

  for (gsize i = begin; i < end; i++)
    {
      gsize item = i / self->groups, g = i % self->groups;
      double sum = 0, squares = 0;

      for (gsize chunk = 0; chunk < self->chunks; chunk++)
        {
          const double *s = self->sums + ((item * self->chunks + chunk) * self->groups + g) * 2;

          sum += s[0];
          squares += s[1];
        }
      self->op.x[2]->data[2 * i] = sum / n;
      self->op.x[2]->data[2 * i + 1] = 1 / sqrt (MAX (squares / n - sum / n * (sum / n), 0) + self->eps);
    }
}

/* 1 + m and s of channel @j of @item. */
static void
get_modulation (const GroupNorm *self, gsize item, int j, float *factor, float *shift)
{
  const SfTensor *m = self->op.x[1];
  const int c = self->op.x[0]->c;

  *factor = m != NULL ? 1 + m->data[item * 2 * c + j] : 1;
  *shift = m != NULL ? m->data[item * 2 * c + c + j] : 0;
}

static void
line_tile (gsize begin, gsize end, gpointer data)
{
  const GroupNorm *self = data;
  const int c = self->op.x[0]->c, share = c / self->groups;

  for (gsize item = begin; item < end; item++)
    for (int j = 0; j < c; j++)
      {
        const float *s = self->op.x[2]->data + (item * self->groups + j / share) * 2;
        float *line = self->line->data + item * 2 * c, factor, shift;

        get_modulation (self, item, j, &factor, &shift);
        line[j] = s[1] * self->weights[j] * factor;
        line[c + j] = (self->bias[j] - s[0] * s[1] * self->weights[j]) * factor + shift;
      }
}

static void
make_z (const GroupNorm *self, gsize item, const float *x, float *z)
{
  const int c = self->line->c;
  const float *p = self->line->data + item * 2 * c, *q = p + c;

  for (int j = 0; j < c; j++)
    z[j] = p[j] * x[j] + q[j];
}

static void
apply_tile (gsize begin, gsize end, gpointer data)
{
  const GroupNorm *self = data;
  const int c = self->op.y->c;

  for (gsize i = begin; i < end; i++)
    {
      gsize pixels, first = find_chunk (self, i, &pixels);
      float *y = self->op.y->data + first * c;

      for (gsize pixel = 0; pixel < pixels; pixel++)
        make_z (self, i / self->chunks, self->op.x[0]->data + (first + pixel) * c, y + pixel * c);
      if (self->activation != SF_ACTIVATION_NONE)
        sf_activation_apply (self->activation, y, y, pixels * c);
    }
}

/*** Backward ***/

#define MOST_CHANNELS 4096 /* of which z is held on the stack at a time */

/* dz = dy f' (z) and, for each channel, the chunk's sums of dz and dz xhat. */
static void
slope_tile (gsize begin, gsize end, gpointer data)
{
  const GroupNorm *self = data;
  const int c = self->dz->c, share = c / self->groups;
  float z[MOST_CHANNELS];

  for (gsize i = begin; i < end; i++)
    {
      gsize pixels, first = find_chunk (self, i, &pixels), item = i / self->chunks;
      double *a = self->sums + i * 2 * c, *b = a + c;

      memset (a, 0, 2 * c * sizeof *a);
      for (gsize pixel = first; pixel < first + pixels; pixel++)
        {
          const float *x = self->op.x[0]->data + pixel * c, *dy = self->dy->data + pixel * c;
          const float *s = self->op.x[2]->data + item * self->groups * 2;
          float *dz = self->dz->data + pixel * c;

          if (dz != dy)
            memcpy (dz, dy, c * sizeof *dz);
          if (self->activation != SF_ACTIVATION_NONE)
            {
              make_z (self, item, x, z);
              sf_activation_slope (self->activation, z, dz, c);
            }
          for (int g = 0; g < self->groups; g++)
            for (int j = g * share; j < (g + 1) * share; j++)
              {
                a[j] += dz[j];
                b[j] += (double) dz[j] * ((x[j] - s[2 * g]) * s[2 * g + 1]);
              }
        }
    }
}

/* The sums of all chunks of an item go into those of its first; from them what dx is made with, and d_modulation. */
static void
item_tile (gsize begin, gsize end, gpointer data)
{
  const GroupNorm *self = data;
  const SfTensor *x = self->op.x[0];
  const int c = x->c, share = c / self->groups;
  const double n = (double) x->h * x->w * share;

  for (gsize item = begin; item < end; item++)
    {
      double *a = self->sums + item * self->chunks * 2 * c, *b = a + c;
      float *three = self->three->data + item * 3 * c;

      for (gsize chunk = 1; chunk < self->chunks; chunk++)
        for (int j = 0; j < 2 * c; j++)
          a[j] += a[chunk * 2 * c + j];
      for (int g = 0; g < self->groups; g++)
        {
          const float *s = self->op.x[2]->data + (item * self->groups + g) * 2;
          double ka = 0, kb = 0, r = s[1];

          for (int j = g * share; j < (g + 1) * share; j++)
            {
              float factor, shift;

              get_modulation (self, item, j, &factor, &shift);
              three[j] = r * self->weights[j] * factor;
              ka += self->weights[j] * factor * a[j] / n;
              kb += self->weights[j] * factor * b[j] / n;
              if (self->d_modulation != NULL)
                {
                  self->d_modulation->data[item * 2 * c + j] = self->weights[j] * b[j] + self->bias[j] * a[j];
                  self->d_modulation->data[item * 2 * c + c + j] = a[j];
                }
            }
          for (int j = g * share; j < (g + 1) * share; j++)
            {
              three[c + j] = -r * r * kb;
              three[2 * c + j] = -r * ka + s[0] * r * r * kb;
            }
        }
    }
}

static void
dx_tile (gsize begin, gsize end, gpointer data)
{
  const GroupNorm *self = data;
  const int c = self->dz->c;

  for (gsize i = begin; i < end; i++)
    {
      gsize pixels, first = find_chunk (self, i, &pixels);
      const float *three = self->three->data + i / self->chunks * 3 * c;

      for (gsize pixel = first; pixel < first + pixels; pixel++)
        {
          const float *x = self->op.x[0]->data + pixel * c;
          float *dx = self->dz->data + pixel * c;

          for (int j = 0; j < c; j++)
            dx[j] = three[j] * dx[j] + three[c + j] * x[j] + three[2 * c + j];
        }
    }
}

/* Adds to the gradients of w and b. */
static void
parameter_tile (gsize begin, gsize end, gpointer data)
{
  const GroupNorm *self = data;
  const int c = self->dz->c;

  for (int item = 0; item < self->dz->n; item++)
    for (gsize j = begin; j < end; j++)
      {
        const double *a = self->sums + item * self->chunks * 2 * c, *b = a + c;
        float factor, shift;

        get_modulation (self, item, j, &factor, &shift);
        if (self->w->gradient != NULL)
          self->w->gradient[j] += factor * b[j];
        if (self->b->gradient != NULL)
          self->b->gradient[j] += factor * a[j];
      }
}

/*** The op ***/

/* (transfer full) (nullable): @n doubles for each chunk. */
static SfTensor *
make_sums (SfContext *cx, GroupNorm *self, int n)
{
  SfTensor *memory = sf_context_tensor (cx, self->op.x[0]->n, self->chunks, n, 2);

  self->sums = memory != NULL ? (double *) memory->data : NULL;
  return memory;
}

/* p and q of each channel, by the statistics. */
static SfTensor *
make_line (SfContext *cx, GroupNorm *self)
{
  const SfTensor *x = self->op.x[0];
  g_autoptr (SfTensor) line = sf_context_tensor (cx, x->n, 1, 2, x->c);

  self->line = line;
  return line != NULL && sf_op_run (cx, x->n, 1, line_tile, self, 0) ? g_steal_pointer (&line) : NULL;
}

static void
group_norm_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  GroupNorm self = *(GroupNorm *) saved;
  SfTensor *x = self.op.x[0], *modulation = self.op.x[1];
  g_autoptr (SfTensor) g = dy;
  g_autoptr (SfTensor) line = make_line (cx, &self), sums = make_sums (cx, &self, 2 * x->c), dz = NULL, three = NULL, d_modulation = NULL;
  const gsize chunks = x->n * self.chunks;

  self.dy = g;
  self.dz = dz = sf_op_reuse (cx, g);
  self.three = three = sf_context_tensor (cx, x->n, 1, 3, x->c);
  if (modulation != NULL)
    self.d_modulation = d_modulation = sf_op_new_like (cx, modulation);
  if (sf_context_failed (cx) || !sf_op_run (cx, chunks, 1, slope_tile, &self, sf_tensor_size (x)) ||
      !sf_op_run (cx, x->n, 1, item_tile, &self, 0) ||
      !sf_op_run (cx, x->c, x->c, parameter_tile, &self, 0) ||
      !sf_op_run (cx, chunks, 1, dx_tile, &self, sf_tensor_size (x)))
    return;
  if (modulation != NULL)
    sf_context_add_gradient (cx, modulation, g_steal_pointer (&d_modulation));
  sf_context_add_gradient (cx, x, g_steal_pointer (&dz));
}

static gboolean
forward_plain (SfContext *cx, GroupNorm *self)
{
  const SfTensor *x = self->op.x[0];
  const gsize chunks = x->n * self->chunks, groups = (gsize) x->n * self->groups;
  g_autoptr (SfTensor) sums = make_sums (cx, self, 2 * self->groups), line = NULL;

  return sums != NULL && sf_op_run (cx, chunks, 1, sum_tile, self, sf_tensor_size (x)) &&
         sf_op_run (cx, groups, groups, statistics_tile, self, 0) && (line = make_line (cx, self)) != NULL &&
         sf_op_run (cx, chunks, 1, apply_tile, self, sf_tensor_size (x));
}

static SfGroupNormJob
make_job (const GroupNorm *self, const SfTensor *moments, SfTensor *line)
{
  const SfTensor *x = self->op.x[0], *modulation = self->op.x[1];

  return (SfGroupNormJob) {
    .n = x->n,
    .pixels = (gsize) x->h * x->w,
    .c = line->c,
    .groups = self->groups,
    .eps = self->eps,
    .x = x->data,
    .moments = moments,
    .w = self->weights,
    .b = self->bias,
    .modulation = modulation != NULL ? modulation->data : NULL,
    .activation = self->activation,
    .statistics = self->op.x[2]->data,
    .line = line->data,
    .y = self->op.y != NULL ? self->op.y->data : NULL,
  };
}

static gboolean
forward_fast (SfContext *cx, const GroupNorm *self, const SfTensor *moments)
{
  const SfTensor *x = self->op.x[0];
  g_autoptr (SfTensor) line = sf_context_tensor (cx, x->n, 1, 2, x->c);
  SfGroupNormJob job;

  if (line == NULL)
    return FALSE;
  job = make_job (self, moments, line);
  return sf_group_norm_run (cx, sf_kernels (), &job);
}

/* FALSE: the context has failed. */
static gboolean
group_norm_open (GroupNorm *self, SfContext *cx, SfTensor *x, const SfTensor *beside, const SfNorm *norm)
{
  gsize c;

  *self = (GroupNorm) { .op.x = { x, norm->modulation }, .w = norm->w, .b = norm->b, .groups = norm->groups, .eps = norm->eps, .activation = norm->activation };
  if (sf_op_failed (cx, &self->op, 1))
    return FALSE;
  c = sf_op_channels (x, beside);
  g_assert (c % norm->groups == 0 && c <= MOST_CHANNELS && norm->w->array.n == c && norm->b->array.n == c);
  g_assert (norm->modulation == NULL || (norm->modulation->n == x->n && sf_tensor_size (norm->modulation) == x->n * 2 * c));
  self->chunk = MAX (SF_OP_TILE / 4 / c, 1);
  self->chunks = ((gsize) x->h * x->w + self->chunk - 1) / self->chunk;
  self->weights = sf_parameter_get_floats (norm->w, cx);
  self->bias = sf_parameter_get_floats (norm->b, cx);
  self->op.x[2] = sf_context_tensor (cx, x->n, 1, norm->groups, 2);
  return !sf_context_failed (cx);
}

SfTensor *
sf_group_norm (SfContext *cx, SfTensor *x, SfNorm norm)
{
  g_autoptr (SfTensor) input = x, modulation = norm.modulation, statistics = NULL, moments = NULL, y = NULL;
  GroupNorm self;
  gboolean open = group_norm_open (&self, cx, x, NULL, &norm);

  statistics = self.op.x[2];
  if (!open)
    return NULL;
  moments = sf_tensor_ref (sf_tensor_get_moments (x)); /* x may become y, which has others */
  if ((self.op.y = y = sf_op_reuse (cx, x)) == NULL || !(sf_ops_are_plain () ? forward_plain (cx, &self) : forward_fast (cx, &self, moments)))
    return NULL;
  sf_op_record (cx, group_norm_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}

SfTensor *
sf_group_norm_line (SfContext *cx, SfTensor *x, const SfTensor *beside, const SfNorm *norm)
{
  g_autoptr (SfTensor) statistics = NULL, line = NULL;
  GroupNorm self;
  gboolean open = group_norm_open (&self, cx, x, beside, norm);
  SfGroupNormJob job;

  statistics = self.op.x[2];
  if (!open || (line = sf_context_tensor (cx, x->n, 1, 2, sf_op_channels (x, beside))) == NULL)
    return NULL;
  job = make_job (&self, sf_tensor_get_moments (x), line);
  job.beside = beside != NULL ? beside->data : NULL;
  job.beside_c = line->c - x->c;
  job.beside_moments = beside != NULL ? sf_tensor_get_moments (beside) : NULL;
  return sf_group_norm_measure (cx, sf_kernels (), &job) ? g_steal_pointer (&line) : NULL;
}
