/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 3x3 convolution of stride 1 by Winograd's method, see kernels/sf-winograd.h.
 *
 * Large images: a task is one block of tiles.  It transforms them to V, then for every panel of output channels multiplies all
 * positions into M and transforms the results out of M, which is still in the second level of the cache; only the weights
 * stream through it.
 *
 * Few tiles, many channels or lean weights: the tiles are done in chunks whose V is shared, first one tile, then one panel of
 * output channels being the task.
 */
#include "ops/sf-conv.h"

#include "ops/sf-ops-private.h"
#include "ops/sf-scratch.h"

#define BLOCK 28              /* tiles of a task for m = 4, so many that V stays in the cache ... */
#define BLOCK_2 56            /* ... and for m = 2 */
#define CHUNK 112             /* tiles that share V */
#define TASKS 4               /* too few blocks below that */
#define TASK_FLOPS 6e8        /* a block of more would take too long: a few ms */
#define STREAM (16 << 20)     /* bytes of a result that go around the caches */
#define PAD 16                /* floats between rows of V: they must not lie multiples of 4096 bytes apart */

typedef struct
{
  const SfKernels *kernels;
  const SfConvJob *job;
  const float *packed;
  SfWinograd winograd;
  gboolean lean;
  int positions, panels;
  gsize tiles;
  int block;                /* tiles that are in V */
  gsize v_size, m_size, u_size; /* floats of the work space */
  SfScratch scratch;        /* each V (if not shared), M, U */
  float *v;                 /* shared */
  gsize begin;              /* of the chunk */
  int n;
} Run;

/* Products of one position, with the steps [k0, k0 + k) of it, added to M unless they are the first.  The first groups of rows
 * bring the weights at @next (nullable) nearer: those of a position come from memory once, and it would have to be waited for. */
static void
multiply (const Run *run, const float *v, int k0, int k, const float *u, const float *next, float *products, int n)
{
  const SfTileKernels *tile = run->kernels->tile;
  const int group = sf_tile_group (tile, n), nr = tile->nr;
  const void *a[SF_TILE_MAX_ROWS];

  for (int r = 0; r < n; r += group)
    {
      float *c = products + r * nr;
      SfTile t = { .m = MIN (group, n - r), .n = nr, .k = k, .taps = 1, .a = a, .b = u, .scale = 1, .c = c, .c_row = nr };

      for (int i = 0; i < t.m; i++)
        a[i] = v + (r + i) * run->winograd.v_row + k0;
      if (k0 > 0)
        {
          t.residual = c;
          t.residual_row = nr;
        }
      if (next != NULL && r < 2 * group)
        t.next = next + (gsize) (r / group) * k * SF_TILE_LINE;
      tile->multiply (&t);
    }
}

/* All products of one panel. */
static void
multiply_panel (const Run *run, int panel, const float *v, int n, float *products)
{
  const int nr = run->kernels->tile->nr;
  const gsize size = (gsize) run->job->c * nr;
  const float *u = run->packed + panel * run->positions * size;

  for (int i = 0; i < run->positions; i++)
    multiply (run, v + i * run->winograd.v_position, 0, run->job->c, u + i * size, u + (i + 1) * size, products + (gsize) i * n * nr, n);
}

/* The same where the weights are plain: each run of input channels is transformed to @u first. */
static void
multiply_panel_lean (const Run *run, int panel, const float *v, int n, float *products, float *u)
{
  const int nr = run->kernels->tile->nr, step = sf_tile_run (run->job->c);
  const float *w = run->packed + (gsize) panel * run->job->c * 9 * nr;

  for (int k0 = 0; k0 < run->job->c; k0 += step)
    {
      const int k = MIN (step, run->job->c - k0);

      run->kernels->winograd->filter (run->winograd.m, w + (gsize) k0 * 9 * nr, k, nr, u, (gsize) step * nr);
      for (int i = 0; i < run->positions; i++)
        multiply (run, v + i * run->winograd.v_position, k0, k, u + (gsize) i * step * nr, NULL, products + (gsize) i * n * nr, n);
    }
}

static void
do_panel (const Run *run, int panel, const float *v, gsize tile, int n, float *products)
{
  const int nr = run->kernels->tile->nr;

  if (run->lean)
    multiply_panel_lean (run, panel, v, n, products, products + run->m_size);
  else
    multiply_panel (run, panel, v, n, products);
  run->kernels->winograd->output (&run->winograd, tile, n, panel * nr, nr, products);
}

/* Operations on @tiles tiles. */
static double
work (const Run *run, gsize tiles)
{
  return 2.0 * tiles * run->positions * run->job->c * run->job->out_c;
}

/*** Blocks ***/

static void
do_blocks (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  float *v = sf_scratch_take (&run->scratch);

  for (gsize i = begin; i < end; i++)
    {
      const gsize tile = i * run->block;
      const int n = (int) MIN ((gsize) run->block, run->tiles - tile);

      run->kernels->winograd->input (&run->winograd, tile, n, v);
      for (int panel = 0; panel < run->panels; panel++)
        do_panel (run, panel, v, tile, n, v + run->v_size);
    }
  sf_scratch_give (&run->scratch, v);
}

static gboolean
run_blocks (Run *run, SfContext *cx)
{
  gboolean done = sf_scratch_init (&run->scratch, cx, run->v_size + run->m_size) &&
                  sf_op_run (cx, (run->tiles + run->block - 1) / run->block, 1, do_blocks, run, work (run, run->tiles));

  sf_scratch_clear (&run->scratch);
  return done;
}

/*** Chunks ***/

static void
do_input (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;

  run->kernels->winograd->input (&run->winograd, run->begin + begin, (int) (end - begin), run->v + begin * run->winograd.v_row);
}

static void
do_panels (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  float *products = sf_scratch_take (&run->scratch);

  for (gsize panel = begin; panel < end; panel++)
    do_panel (run, (int) panel, run->v, run->begin, run->n, products);
  sf_scratch_give (&run->scratch, products);
}

static gboolean
run_chunks (Run *run, SfContext *cx)
{
  g_autoptr (SfTensor) v = sf_context_tensor (cx, 1, 1, run->positions, (int) run->winograd.v_position);
  gboolean done = v != NULL && sf_scratch_init (&run->scratch, cx, run->m_size + run->u_size);

  for (run->begin = 0; run->begin < run->tiles && done; run->begin += run->block)
    {
      run->v = v->data;
      run->n = (int) MIN ((gsize) run->block, run->tiles - run->begin);
      done = sf_op_run (cx, run->n, 1, do_input, run, 0) && sf_op_run (cx, run->panels, 1, do_panels, run, work (run, run->n));
    }
  sf_scratch_clear (&run->scratch);
  return done;
}

/*** Both ***/

static int
round_up (int n, int to)
{
  return (n + to - 1) / to * to;
}

static void
plan_transforms (Run *run, int m)
{
  const SfConvJob *job = run->job;

  run->winograd = (SfWinograd) {
    .m = m,
    .h = job->h,
    .w = job->w,
    .c = job->c,
    .top = job->top,
    .left = job->left,
    .x = job->x,
    .zero = sf_conv_zeros,
    .down = (job->out_h + m - 1) / m,
    .across = (job->out_w + m - 1) / m,
    .out_h = job->out_h,
    .out_w = job->out_w,
    .out_c = job->out_c,
    .bias = job->bias,
    .residual = job->residual,
    .scale = job->scale,
    .y = job->y,
    .stream = (gsize) job->n * job->out_h * job->out_w * job->out_c * sizeof (float) > STREAM && job->out_c % 16 == 0 &&
              GPOINTER_TO_SIZE (job->y) % 64 == 0,
  };
  run->positions = sf_winograd_positions (m);
  run->tiles = (gsize) job->n * run->winograd.down * run->winograd.across;
}

gboolean
sf_conv_run_winograd (SfContext *cx, const SfKernels *kernels, int m, gboolean lean, const SfConvJob *job, const float *packed)
{
  Run run = { .kernels = kernels, .job = job, .packed = packed, .lean = lean };
  const int nr = kernels->tile->nr, most = m == 2 ? BLOCK_2 : BLOCK;
  gsize blocks;
  gboolean in_chunks;

  plan_transforms (&run, m);
  run.panels = (job->out_c + nr - 1) / nr;
  blocks = (run.tiles + most - 1) / most;
  in_chunks = lean || blocks < TASKS || 2.0 * most * run.positions * job->c * job->out_c > TASK_FLOPS;
  if (in_chunks)
    blocks = (run.tiles + CHUNK - 1) / CHUNK;
  run.block = (int) ((run.tiles + blocks - 1) / blocks); /* all nearly equal */
  run.winograd.v_row = round_up (job->c, 16) + PAD;
  run.winograd.v_position = run.winograd.v_row * run.block + PAD;
  run.v_size = run.winograd.v_position * run.positions;
  run.m_size = (gsize) run.positions * run.block * nr;
  run.u_size = lean ? (gsize) run.positions * sf_tile_run (job->c) * nr : 0;
  return (in_chunks ? run_chunks : run_blocks) (&run, cx);
}
