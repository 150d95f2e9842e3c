/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one-pass softmax of Milakov and Gimelshein (2018) in blocks of keys, as in FlashAttention (Dao et al. 2022), but
 * transposed, to fit the register tile.  A block is as many queries of one head as the tile has columns, 32 say:
 *
 *   S^T [keys][32] = K [keys][dim] Q^T [dim][32]
 *   O^T [dim][32] = O^T + V^T [dim][keys] P^T [keys][32]
 *
 * S^T comes out in the very layout that the second product wants as its panel, maxima and sums run down its columns, and a head
 * of 40 channels wastes nothing, which it would as a number of columns.  Keys and values are first copied head by head: keys
 * times the scale, values transposed.  A task is one block; or, where keys are few, that of all heads, as all that a line of
 * memory holds is used then.
 */
#include "ops/sf-attention-fast.h"

#include <math.h>

#include "ops/sf-ops-private.h"
#include "ops/sf-scratch.h"

#define KEYS 256      /* of a block: S^T is 32 KB */
#define CACHE 2097152 /* bytes of keys and values that stay in the second level of the cache */
#define TASKS 8       /* at least so many, where a task can be one head or all */
#define LOG2_E 1.44269504088896341f
#define TRANSPOSED 32 /* channels of v that are transposed at a time */
#define ALIAS 4096    /* bytes: rows so far apart, or a multiple of it, share one set of the cache */
#define LINE 16       /* floats of a cache line */
#define PAD 128       /* bytes between rows of V^T, so that they do not */

typedef struct
{
  const SfAttentionJob *job;
  const SfKernels *kernels;
  const SfTileKernels *tile;
  SfForm form;
  int dim;               /* that of a head, and what bf16 adds to it */
  gsize k_row, v_row;    /* bytes from one row to the next */
  gsize v_block;         /* bytes of a row for a block of keys */
  guint8 *k, *v;         /* [n heads][keys][k_row], [n heads][dim][v_row] */
  gsize blocks;          /* of queries */
  gsize turn;            /* heads of a task */
  SfScratch scratch;
} Run;

/* A task's own memory. */
typedef struct
{
  float maximum[SF_TILE_MAX_COLUMNS], sum[SF_TILE_MAX_COLUMNS], rescale[SF_TILE_MAX_COLUMNS];
  float *s, *o; /* [KEYS][nr], [dim][nr] */
  gpointer q;   /* a panel of dim steps */
  gpointer p;   /* (nullable): one of KEYS steps, where s is none */
} Work;

static int
round_up (int n, int step)
{
  return (n + step - 1) / step * step;
}

/* Bytes of a row of @n numbers; floats of a panel of as many steps. */
static gsize
row_size (SfForm form, gsize n)
{
  return form == SF_FORM_FIXED ? sf_fixed_row_size ((int) n) : n * (form == SF_FORM_BF16 ? sizeof (guint16) : sizeof (float));
}

static gsize
panel_size (const Run *run, int n)
{
  const int nr = run->tile->nr;

  return (run->form == SF_FORM_FIXED ? sf_fixed_panel_size (n, nr) : row_size (run->form, n) * nr) / sizeof (float);
}

/* Floats of a task's memory. */
static gsize
work_size (const Run *run)
{
  return sizeof (Work) / sizeof (float) + ((gsize) run->dim + KEYS) * run->tile->nr + panel_size (run, run->dim) + panel_size (run, KEYS) + 64;
}

static Work *
work_open (const Run *run, float *memory)
{
  Work *self = (Work *) memory;
  const gsize nr = run->tile->nr;
  float *q = memory + round_up (sizeof *self / sizeof (float), 16);

  self->q = q;
  self->s = q + (panel_size (run, run->dim) + 15) / 16 * 16;
  self->o = self->s + KEYS * nr;
  self->p = run->form == SF_FORM_FLOAT ? NULL : self->o + run->dim * nr;
  for (gsize i = 0; i < nr; i++)
    {
      self->maximum[i] = -INFINITY;
      self->sum[i] = 0;
    }
  return self;
}

/* @n numbers of a row. */
static void
write_row (const Run *run, const float *x, int n, gpointer row)
{
  switch (run->form)
    {
    case SF_FORM_FIXED:
      run->tile->fixed_rows (x, 0, 1, n, row, 0);
      break;
    case SF_FORM_BF16:
      run->tile->to_bf16 (x, row, n);
      break;
    default:
      memcpy (row, x, n * sizeof *x);
    }
}

/*** Keys and values ***/

/* Keys [@begin, @end) of all items and heads, in the order in which they lie in memory. */
static void
copy_keys (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const SfAttentionJob *job = run->job;
  const float scale = job->scale * LOG2_E;
  float scaled[SF_ATTENTION_MAX_DIM];

  for (gsize i = begin; i < end; i++)
    {
      const gsize head = i % job->heads, key = i / job->heads % job->keys, item = i / job->heads / job->keys;
      const float *k = job->k.x + (item * job->keys + key) * job->k.row + head * job->k.head;

      for (int d = 0; d < job->dim; d++)
        scaled[d] = scale * k[d];
      memset (scaled + job->dim, 0, (run->dim - job->dim) * sizeof *scaled);
      write_row (run, scaled, run->dim, run->k + ((item * job->heads + head) * job->keys + key) * run->k_row);
    }
}

/* Some channels of one head. */
static void
transpose_values (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const SfAttentionJob *job = run->job;
  const gsize groups = (job->dim + TRANSPOSED - 1) / TRANSPOSED;
  float block[TRANSPOSED * KEYS];

  for (gsize i = begin; i < end; i++)
    {
      const gsize head = i / groups % job->heads, item = i / groups / job->heads, first = i % groups * TRANSPOSED;
      const int n = (int) MIN (TRANSPOSED, job->dim - first);
      const float *v = job->v.x + item * job->keys * job->v.row + head * job->v.head + first;
      guint8 *to = run->v + ((item * job->heads + head) * job->dim + first) * run->v_row;

      for (gsize key = 0; key < job->keys; key += KEYS)
        {
          const int keys = (int) MIN (KEYS, job->keys - key), padded = run->form == SF_FORM_BF16 ? round_up (keys, run->tile->step_bf16) : keys;

          if (keys < padded)
            memset (block, 0, n * padded * sizeof *block);
          sf_transpose (v + key * job->v.row, job->v.row, keys, n, block, padded);
          for (int d = 0; d < n; d++)
            write_row (run, block + d * padded, padded, to + d * run->v_row + key / KEYS * run->v_block);
        }
    }
}

/*** A task ***/

/* C [m][nr] = A B, or C + A B; A's rows are @row bytes apart. */
static void
multiply (const Run *run, const guint8 *a, gsize row, int m, int k, const void *b, float *c, gboolean add)
{
  const SfTileKernels *tile = run->tile;
  const int group = sf_tile_rows (tile, run->form, m), nr = tile->nr;
  const void *rows[SF_TILE_MAX_ROWS];

  for (int r = 0; r < m; r += group)
    {
      SfTile t = { .m = MIN (group, m - r), .n = nr, .k = k, .taps = 1, .a = rows, .b = b, .residual = add ? c + r * nr : NULL, .residual_row = nr, .scale = 1, .c = c + r * nr, .c_row = nr };

      for (int i = 0; i < t.m; i++)
        rows[i] = a + (gsize) (r + i) * row;
      sf_tile_multiply (tile, run->form, &t);
    }
}

/* Each column of o by its factor. */
static void
rescale (const Run *run, const Work *w)
{
  static const float nothing[SF_TILE_MAX_COLUMNS];
  const int nr = run->tile->nr;
  gboolean changed = FALSE;

  for (int i = 0; i < nr; i++)
    changed |= !(w->rescale[i] == 1); /* NaN too */
  if (changed)
    run->kernels->layers->scale_shift (SF_ACTIVATION_NONE, w->o, w->rescale, nothing, FALSE, w->o, nr, run->job->dim, nr);
}

/* Keys [@key, @key + @n) of a head, whose keys are at @k and values at @v. */
static void
add_keys (const Run *run, Work *w, const guint8 *k, const guint8 *v, gsize key, int n)
{
  const gsize nr = run->tile->nr;
  const gboolean bf16 = run->form == SF_FORM_BF16;
  const int even = bf16 ? round_up (n, 2) : n, steps = bf16 ? round_up (n, run->tile->step_bf16) : n;

  multiply (run, k + key * run->k_row, run->k_row, n, run->dim, w->q, w->s, FALSE);
  for (gsize i = n * nr; i < even * nr; i++)
    w->s[i] = -INFINITY;
  run->kernels->layers->softmax (w->s, even, nr, w->maximum, w->sum, w->rescale, bf16 ? w->p : NULL);
  if (bf16)
    memset ((guint16 *) w->p + even * nr, 0, (steps - even) * nr * sizeof (guint16));
  else if (w->p != NULL)
    run->tile->fixed_panel (w->s, n, w->p);
  if (key > 0)
    rescale (run, w);
  multiply (run, v + key / KEYS * run->v_block, run->v_row, run->job->dim, steps, w->p != NULL ? w->p : w->s, w->o, key > 0);
}

/* Queries as a panel. */
static void
write_queries (const Run *run, Work *w, const float *q, int n)
{
  const SfTileKernels *tile = run->tile;
  const int dim = run->job->dim;

  sf_tile_pack (q, run->job->q.row, n, dim, tile->nr, run->form == SF_FORM_FLOAT ? w->q : w->o);
  if (run->form == SF_FORM_FIXED)
    tile->fixed_panel (w->o, dim, w->q);
  else if (run->form == SF_FORM_BF16)
    tile->bf16_panel (w->o, dim, w->q);
}

/* Brings @n rows of a head nearer while others are worked on: they lie too far apart for the CPU to see them coming. */
static void
bring (const float *x, gsize row, int n, int dim)
{
  for (int i = 0; i < n; i++)
    for (int d = 0; d < dim; d += LINE)
      __builtin_prefetch (x + i * row + d, 0, 2);
}

/* A block of queries from @first on, of one head. */
static void
run_block (const Run *run, gsize head, gsize first, float *memory)
{
  const SfAttentionJob *job = run->job;
  const gsize item = head / job->heads, j = head % job->heads, width = (gsize) job->heads * job->dim;
  const int nr = run->tile->nr, n = (int) MIN ((gsize) nr, job->queries - first);
  const float *q = job->q.x + (item * job->queries + first) * job->q.row + j * job->q.head;
  const guint8 *k = run->k + head * job->keys * run->k_row, *v = run->v + head * job->dim * run->v_row;
  float *y = job->y + (item * job->queries + first) * width + j * job->dim;
  Work *w = work_open (run, memory);

  write_queries (run, w, q, n);
  bring (y, width, n, job->dim);
  bring (q + job->q.head, job->q.row, n, job->dim); /* the next head's */
  for (gsize key = 0; key < job->keys; key += KEYS)
    add_keys (run, w, k, v, key, (int) MIN (KEYS, job->keys - key));
  for (int i = 0; i < nr; i++)
    w->rescale[i] = 1 / w->sum[i];
  rescale (run, w);
  sf_transpose (w->o, nr, job->dim, n, y, width);
}

static void
run_tasks (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  float *memory = sf_scratch_take (&run->scratch);

  for (gsize i = begin; i < end; i++)
    for (gsize j = 0; j < run->turn; j++)
      run_block (run, i / run->blocks * run->turn + j, i % run->blocks * run->tile->nr, memory);
  sf_scratch_give (&run->scratch, memory);
}

gboolean
sf_attention_run (SfContext *cx, const SfKernels *kernels, SfForm form, const SfAttentionJob *job)
{
  const SfTileKernels *tile = kernels->tile;
  const int n_heads = job->n * job->heads, blocks = (int) (job->keys + KEYS - 1) / KEYS;
  const int dim = form == SF_FORM_BF16 ? round_up (job->dim, tile->step_bf16) : job->dim;
  Run run = {
    .job = job,
    .kernels = kernels,
    .tile = tile,
    .form = form,
    .dim = dim,
    .k_row = row_size (form, dim),
    .v_block = row_size (form, KEYS),
    .blocks = (job->queries + tile->nr - 1) / tile->nr,
    .turn = 1,
  };
  g_autoptr (SfTensor) k = NULL, v = NULL;
  gboolean done;

  g_assert (job->dim <= SF_ATTENTION_MAX_DIM);
  if (run.k_row % ALIAS == 0)
    run.k_row += PAD;
  run.v_row = blocks > 1 ? blocks * run.v_block : row_size (form, round_up ((int) job->keys, 32));
  run.v_row = (run.v_row + PAD - 1) / PAD * PAD + PAD;
  if (job->n * run.blocks >= TASKS && job->heads * (job->keys * run.k_row + job->dim * run.v_row) <= CACHE)
    run.turn = job->heads;
  k = sf_context_tensor (cx, 1, 1, n_heads * (int) job->keys + SF_FIXED_ROWS, (int) (run.k_row / sizeof (float)));
  v = sf_context_tensor (cx, 1, 1, n_heads * job->dim + SF_FIXED_ROWS, (int) (run.v_row / sizeof (float)));
  if (k == NULL || v == NULL || !sf_scratch_init (&run.scratch, cx, work_size (&run)))
    return FALSE;
  run.k = (guint8 *) k->data;
  run.v = (guint8 *) v->data;
  done = sf_op_run (cx, n_heads * job->keys, MAX (1, SF_OP_TILE / job->dim), copy_keys, &run, 0) &&
         sf_op_run (cx, (gsize) n_heads * ((job->dim + TRANSPOSED - 1) / TRANSPOSED), 1, transpose_values, &run, 0) &&
         sf_op_run (cx, n_heads / run.turn * run.blocks, 1, run_tasks, &run, 4.0 * n_heads * job->queries * job->keys * job->dim);
  sf_scratch_clear (&run.scratch);
  return done;
}
