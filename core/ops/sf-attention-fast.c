/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one-pass softmax of Milakov and Gimelshein (2018) in blocks of keys, as in FlashAttention (Dao et al. 2022), but
 * transposed, to fit the register tile.  A block is as many queries of one head as the tile has columns, 32 say, or, but for floats,
 * some such panels, as such a tile begins and ends slowly:
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

#define KEYS 256      /* of a block: S^T is 32 KB a panel */
#define PANELS 4      /* of a block, at most */
#define CACHE 2097152 /* bytes of keys and values that stay in the second level of the cache */
#define TASKS 32      /* at least so many, where a task can have fewer panels, or one head instead of all */
#define LOG2_E 1.44269504088896341f
#define TRANSPOSED 32 /* channels of v that are transposed at a time */
#define COPIED 64     /* keys */
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
  int panels;            /* of a block, at most */
  gsize q_size, p_size;  /* floats of a panel of dim steps, of one of keys */
  gsize s_size, o_size;  /* of [keys][nr], [dim][nr] */
  gsize value_groups;    /* of channels of all heads */
  gsize blocks;          /* of queries */
  gsize turn;            /* heads of a task */
  SfScratch scratch;
} Run;

/* One after the other. */
typedef struct
{
  float *x;
  gsize size; /* floats */
} Panels;

/* A task's own memory, of a block. */
typedef struct
{
  int panels, queries;
  float *y;     /* that of the first query; rows are y_row apart */
  gsize y_row;
  float maximum[PANELS][SF_TILE_MAX_COLUMNS], sum[PANELS][SF_TILE_MAX_COLUMNS], rescale[PANELS][SF_TILE_MAX_COLUMNS];
  Panels q, p; /* of dim steps, of keys; p may be s */
  Panels s, o; /* [keys][nr], [dim][nr] */
} Work;

/* Queries of a panel, which may be the last one. */
static int
panel_queries (const Run *run, const Work *w, int panel)
{
  return MIN (run->tile->nr, w->queries - panel * run->tile->nr);
}

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

#define WORK_SIZE ((sizeof (Work) / sizeof (float) + LINE - 1) / LINE * LINE)

/* Floats of a task's memory. */
static gsize
work_size (const Run *run)
{
  return WORK_SIZE + run->panels * (run->q_size + run->s_size + run->o_size + run->p_size);
}

/* For @queries of a head, whose results go to @y. */
static Work *
work_open (const Run *run, int queries, float *y, float *memory)
{
  Work *self = (Work *) memory;

  self->panels = (queries + run->tile->nr - 1) / run->tile->nr;
  self->queries = queries;
  self->y = y;
  self->y_row = (gsize) run->job->heads * run->job->dim;
  self->q = (Panels) { memory + WORK_SIZE, run->q_size };
  self->s = (Panels) { self->q.x + run->panels * run->q_size, run->s_size };
  self->o = (Panels) { self->s.x + run->panels * run->s_size, run->o_size };
  self->p = run->p_size > 0 ? (Panels) { self->o.x + run->panels * run->o_size, run->p_size } : self->s;
  for (int i = 0; i < self->panels; i++)
    for (int j = 0; j < run->tile->nr; j++)
      {
        self->maximum[i][j] = -INFINITY;
        self->sum[i][j] = 0;
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

/* Some keys, from @first on, of all items and heads, in the order in which they lie in memory. */
static void
copy_keys (const Run *run, gsize first)
{
  const SfAttentionJob *job = run->job;
  const float scale = job->scale * LOG2_E;
  float scaled[SF_ATTENTION_MAX_DIM];

  for (gsize i = first; i < MIN (first + COPIED, (gsize) job->n * job->keys * job->heads); i++)
    {
      const gsize head = i % job->heads, key = i / job->heads % job->keys, item = i / job->heads / job->keys;
      const float *k = job->k.x + (item * job->keys + key) * job->k.row + head * job->k.head;

      for (int d = 0; d < job->dim; d++)
        scaled[d] = scale * k[d];
      memset (scaled + job->dim, 0, (run->dim - job->dim) * sizeof *scaled);
      write_row (run, scaled, run->dim, run->k + ((item * job->heads + head) * job->keys + key) * run->k_row);
    }
}

/* Channels of an item's head, from @first on. */
static void
transpose_values (const Run *run, gsize item, gsize head, gsize first)
{
  const SfAttentionJob *job = run->job;
  const int n = (int) MIN (TRANSPOSED, job->dim - first);
  const float *v = job->v.x + item * job->keys * job->v.row + head * job->v.head + first;
  guint8 *to = run->v + ((item * job->heads + head) * job->dim + first) * run->v_row;
  float block[TRANSPOSED * KEYS];

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

/* Groups of channels of each head, then groups of keys. */
static void
copy_groups (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const gsize heads = run->job->heads;

  for (gsize i = begin; i < end; i++)
    if (i < run->value_groups)
      {
        const gsize groups = run->value_groups / (run->job->n * heads);

        transpose_values (run, i / groups / heads, i / groups % heads, i % groups * TRANSPOSED);
      }
    else
      copy_keys (run, (i - run->value_groups) * COPIED);
}

/*** A task ***/

/* Each C [m][nr] = A B, or C + A B; A's rows are @row bytes apart. */
static void
multiply (const Run *run, const guint8 *a, gsize row, int m, int k, int panels, const Panels *b, const Panels *c, gboolean add)
{
  const int group = sf_tile_rows (run->tile, run->form, m), nr = run->tile->nr;
  const void *rows[SF_TILE_MAX_ROWS];

  for (int r = 0; r < m; r += group)
    {
      float *to = c->x + r * nr;
      SfTile t = { .m = MIN (group, m - r), .n = nr, .k = k, .taps = 1, .a = rows, .b = b->x, .residual = add ? to : NULL, .residual_row = nr, .scale = 1, .c = to, .c_row = nr };

      for (int i = 0; i < t.m; i++)
        rows[i] = a + (gsize) (r + i) * row;
      sf_tile_multiply (run->tile, run->form, &t, panels, b->size * sizeof (float), c->size);
    }
}

/* Each column of o by its factor. */
static void
rescale (const Run *run, float *o, const float *factors)
{
  static const float nothing[SF_TILE_MAX_COLUMNS];
  const int nr = run->tile->nr;
  gboolean changed = FALSE;

  for (int i = 0; i < nr; i++)
    changed |= !(factors[i] == 1); /* NaN too */
  if (changed)
    run->kernels->layers->scale_shift (SF_ACTIVATION_NONE, o, factors, nothing, FALSE, o, nr, run->job->dim, nr);
}

/* Softmax of @n keys more: of s to p. */
static void
weigh (const Run *run, Work *w, int panel, int n)
{
  const gsize nr = run->tile->nr;
  const gboolean bf16 = run->form == SF_FORM_BF16;
  const gsize even = bf16 ? round_up (n, 2) : n, steps = bf16 ? round_up (n, run->tile->step_bf16) : n;
  float *s = w->s.x + panel * w->s.size, *p = w->p.x + panel * w->p.size;

  for (gsize i = n * nr; i < even * nr; i++)
    s[i] = -INFINITY;
  run->kernels->layers->softmax (s, even, nr, w->maximum[panel], w->sum[panel], w->rescale[panel], run->form, p);
  if (steps > even)
    memset ((guint16 *) p + even * nr, 0, (steps - even) * nr * sizeof (guint16));
}

/* Brings results nearer while others are worked on: they lie too far apart for the CPU to see them coming. */
static void
bring_result (const Run *run, const Work *w, int panel)
{
  const float *y = w->y + panel * run->tile->nr * w->y_row;

  for (int i = 0; i < panel_queries (run, w, panel); i++)
    for (int d = 0; d < run->job->dim; d += LINE)
      __builtin_prefetch (y + i * w->y_row + d, 0, 2);
}

/* Keys [@key, @key + @n) of a head, whose keys are at @k and values at @v. */
static void
add_keys (const Run *run, Work *w, const guint8 *k, const guint8 *v, gsize key, int n)
{
  const int steps = run->form == SF_FORM_BF16 ? round_up (n, run->tile->step_bf16) : n;

  multiply (run, k + key * run->k_row, run->k_row, n, run->dim, w->panels, &w->q, &w->s, FALSE);
  for (int i = 0; i < w->panels; i++)
    {
      weigh (run, w, i, n);
      if (key > 0)
        rescale (run, w->o.x + i * w->o.size, w->rescale[i]);
      if (key + n == run->job->keys)
        bring_result (run, w, i);
    }
  multiply (run, v + key / KEYS * run->v_block, run->v_row, run->job->dim, steps, w->panels, &w->p, &w->o, key > 0);
}

/* Queries as panels. */
static void
write_queries (const Run *run, const Work *w, const float *q)
{
  const SfTileKernels *tile = run->tile;
  const int dim = run->job->dim;
  const gsize row = run->job->q.row;

  for (int i = 0; i < w->panels; i++)
    {
      float *panel = w->q.x + i * w->q.size;

      sf_tile_pack (q + i * tile->nr * row, row, panel_queries (run, w, i), dim, tile->nr, run->form == SF_FORM_FLOAT ? panel : w->o.x);
      if (run->form == SF_FORM_FIXED)
        tile->fixed_panel (w->o.x, dim, (guint8 *) panel);
      else if (run->form == SF_FORM_BF16)
        tile->bf16_panel (w->o.x, dim, (guint16 *) panel);
    }
}

static void
write_result (const Run *run, Work *w)
{
  const int nr = run->tile->nr;

  for (int i = 0; i < w->panels; i++)
    {
      for (int j = 0; j < nr; j++)
        w->rescale[i][j] = 1 / w->sum[i][j];
      run->tile->transpose (w->o.x + i * w->o.size, nr, run->job->dim, panel_queries (run, w, i), w->rescale[i], w->y + i * nr * w->y_row, w->y_row);
    }
}

/* A block of queries from @first on, of one head. */
static void
run_block (const Run *run, gsize head, gsize first, float *memory)
{
  const SfAttentionJob *job = run->job;
  const gsize item = head / job->heads, j = head % job->heads, token = item * job->queries + first;
  const int n = (int) MIN ((gsize) run->panels * run->tile->nr, job->queries - first);
  const guint8 *k = run->k + head * job->keys * run->k_row, *v = run->v + head * job->dim * run->v_row;
  Work *w = work_open (run, n, job->y + (token * job->heads + j) * job->dim, memory);

  write_queries (run, w, job->q.x + token * job->q.row + j * job->q.head);
  for (gsize key = 0; key < job->keys; key += KEYS)
    add_keys (run, w, k, v, key, (int) MIN (KEYS, job->keys - key));
  write_result (run, w);
}

static void
run_tasks (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  float *memory = sf_scratch_take (&run->scratch);

  for (gsize i = begin; i < end; i++)
    for (gsize j = 0; j < run->turn; j++)
      run_block (run, i / run->blocks * run->turn + j, i % run->blocks * run->panels * run->tile->nr, memory);
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
    .turn = 1,
  };
  const gsize panels = (job->queries + tile->nr - 1) / tile->nr; /* of a head */
  const int most = round_up ((int) MIN (KEYS, job->keys), form == SF_FORM_BF16 ? tile->step_bf16 : 1);
  g_autoptr (SfTensor) k = NULL, v = NULL;
  gboolean done;

  g_assert (job->dim <= SF_ATTENTION_MAX_DIM);
  run.panels = form != SF_FORM_FLOAT ? (int) CLAMP (n_heads * panels / TASKS, 1, PANELS) : 1;
  run.blocks = (panels + run.panels - 1) / run.panels;
  run.q_size = panel_size (&run, dim);
  run.p_size = form == SF_FORM_FLOAT ? 0 : panel_size (&run, most);
  run.s_size = (gsize) most * tile->nr;
  run.o_size = (gsize) dim * tile->nr;
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
  run.value_groups = (gsize) n_heads * ((job->dim + TRANSPOSED - 1) / TRANSPOSED);
  done = sf_op_run (cx, run.value_groups + (n_heads * job->keys + COPIED - 1) / COPIED, 1, copy_groups, &run, 0) &&
         sf_op_run (cx, n_heads / run.turn * run.blocks, 1, run_tasks, &run, 4.0 * n_heads * job->queries * job->keys * job->dim);
  sf_scratch_clear (&run.scratch);
  return done;
}
