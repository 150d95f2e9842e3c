/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 3x3 convolution of stride 1 by Winograd's method, see kernels/sf-winograd.h.
 *
 * A block of tiles is transformed to V; then position after position is multiplied, with all panels of output channels, so that
 * the weights of one, which are read once, and its V stay in the second level of the cache; at last M is transformed to results.
 * A block is a task.  Where blocks are few, and for lean weights, they are shared: first their tiles are the tasks, then positions,
 * then panels.
 *
 * Lean weights are transformed panel by panel, just before they are multiplied.
 *
 * The products may be done in fixed point, see kernels/sf-tile.h; the transforms never are.
 *
 * A norm and activation of the input are done to what some tiles see, a strip of two rows, just before they are transformed: to the
 * pixels between two strips twice, but that is less than to write the whole to memory and to read it again.
 */
#include "ops/sf-conv.h"

#include "ops/sf-ops-private.h"
#include "ops/sf-scratch.h"

#define MOST 64               /* tiles of a block; in floats fewer, so that ... */
#define CACHE (9 << 17)       /* ... V and M stay in the second level of the cache, in so many bytes, but not fewer than ... */
#define LEAST 28              /* ... that: the weights would have to be read too often */
#define SHARED 112            /* tiles of a shared block, the most of all */
#define TASKS 4               /* too few blocks below that */
#define TASK_FLOPS 6e8        /* a block of more would take too long: a few ms */
#define STREAM (16 << 20)     /* bytes of a result that go around the caches */
#define STRIP (1 << 15)       /* floats of a strip of normed pixels, about, and ... */
#define STRIP_TILES 32        /* ... tiles, at most */
#define BROUGHT 4             /* pixels that are normed at a time */
#define SHARES 8              /* into which the tiles of a shared block are cut: of fewer tiles, more is normed twice */
#define PAD 16                /* floats between rows of V: they must not lie multiples of 4096 bytes apart */

typedef struct
{
  const SfKernels *kernels;
  const SfConvJob *job;
  const SfConvMethodInfo *method;
  const float *packed;
  SfWinograd winograd;
  int positions, panels;
  gsize tiles;
  gsize v_row, v_position;  /* bytes from one tile of V, one position, to the next */
  gsize u_position;         /* floats of one position of a panel of U */
  int strip_tiles;
  gsize v_size, m_size, u_size, piece_size, strip_size; /* floats of the work space; of M and U for one panel */
  SfTensor *moments;        /* (nullable): of blocks */
  SfScratch scratch;        /* of a task */
  int n;                    /* tiles of a block */
  guint8 *v;                /* of a shared one: its V, its M ... */
  float *m;
  gsize begin;              /* ... and its first tile */
} Run;

/* Of the @n tiles from number @tile on, so many that make a rectangle which fits in a strip. */
static int
count_strip (const Run *run, gsize tile, int n)
{
  const SfWinogradTile place = sf_winograd_tile (&run->winograd, tile);
  const int across = run->winograd.across - place.column;

  if (place.alone)
    return MIN (MIN (run->strip_tiles, n), across);
  return place.row % 2 == 0 && n > 1 && run->strip_tiles > 1 ? MIN (MIN (run->strip_tiles, n) / 2, across) * 2 : 1;
}

/* @n pixels of @c channels, normed by the line of these, to @y, where all channels are side by side; while as many at @next come
 * nearer: they lie too far apart for the CPU to see them coming. */
static void
norm_row (const Run *run, const float *x, const float *next, int n, int c, const float *line, float *y)
{
  const SfConvJob *job = run->job;

  for (int i = 0, k; i < n; i += k, x += k * c, next += k * c, y += k * job->c)
    {
      k = MIN (BROUGHT, n - i);
      for (int j = 0; j < k * c; j += SF_TILE_LINE)
        __builtin_prefetch (next + j, 0, 2);
      run->kernels->layers->scale_shift (job->activation, x, line, line + job->c, FALSE, y, job->c, k, c);
    }
}

/* What the @n tiles of a strip see, from number @tile on, goes to @strip, normed.  Returns a job with these tiles alone. */
static SfWinograd
norm_strip (const Run *run, gsize tile, int n, float *strip)
{
  const SfConvJob *job = run->job;
  const SfWinogradTile place = sf_winograd_tile (&run->winograd, tile);
  const int m = run->winograd.m, down = place.alone || n == 1 ? 1 : 2, across = n / down;
  const int top = place.row * m - job->top, left = place.column * m - job->left;
  const int y0 = MAX (top, 0), y1 = MIN (top + down * m + 2, job->h), x0 = MAX (left, 0), x1 = MIN (left + across * m + 2, job->w);
  const float *line = job->line + place.image * 2 * job->c;
  const struct
  {
    const float *x;
    int c;
  } parts[] = { { job->x, job->c - job->beside_c }, { job->beside, job->beside_c } };
  SfWinograd some = run->winograd;

  some.x = strip;
  some.h = MAX (y1 - y0, 0);
  some.w = MAX (x1 - x0, 0);
  some.top = y0 - top;
  some.left = x0 - left;
  some.down = down;
  some.across = across;
  for (int y = y0; y < y1 && x0 < x1; y++, strip += (gsize) some.w * job->c)
    for (int i = 0, first = 0; i < 2 && first < job->c; first += parts[i++].c)
      {
        const int c = parts[i].c;
        const gsize row = (gsize) job->w * c;
        const float *begin = parts[i].x + (place.image * job->h + y0) * row + x0 * c, *x = begin + (y - y0) * row;

        norm_row (run, x, y + 1 < y1 ? x + row : begin + some.w * c, some.w, c, line + first, strip + first);
      }
  return some;
}

/* @n tiles of @job from number @tile on to rows of V.  @piece: room for one of them. */
static void
transform_tiles (const Run *run, const SfWinograd *job, gsize tile, int n, guint8 *v, float *piece)
{
  const SfKernels *kernels = run->kernels;

  if (!run->method->fixed)
    {
      kernels->winograd->input (job, tile, n, (float *) v);
      return;
    }
  for (int i = 0; i < n; i++)
    {
      kernels->winograd->input (job, tile + i, 1, piece);
      kernels->tile->fixed_rows (piece, run->winograd.v_position, run->positions, run->job->c, v + i * run->v_row, run->v_position);
    }
}

/* Tiles from number @tile on to @n rows of V.  @memory: room for a piece and a strip. */
static void
transform (const Run *run, gsize tile, int n, guint8 *v, float *memory)
{
  if (run->job->line == NULL)
    transform_tiles (run, &run->winograd, tile, n, v, memory);
  else
    for (int i = 0, k; i < n; i += k)
      {
        SfWinograd strip;

        k = count_strip (run, tile + i, n - i);
        strip = norm_strip (run, tile + i, k, memory + run->piece_size);
        transform_tiles (run, &strip, 0, k, v + i * run->v_row, memory);
      }
}

/* Products of one position, with the steps [k0, k0 + k) of it, added to M unless they are the first.  The first groups of rows
 * bring the weights at @next (nullable) nearer: those of a position come from memory once, and it would have to be waited for. */
static void
multiply (const Run *run, const guint8 *v, int k0, int k, const float *u, const float *next, float *products, int n)
{
  const SfTileKernels *tile = run->kernels->tile;
  const int group = sf_tile_group (tile, n), nr = tile->nr;
  const void *a[SF_TILE_MAX_ROWS];

  for (int r = 0; r < n; r += group)
    {
      float *c = products + r * nr;
      SfTile t = { .m = MIN (group, n - r), .n = nr, .k = k, .taps = 1, .a = a, .b = u, .scale = 1, .c = c, .c_row = nr };

      for (int i = 0; i < t.m; i++)
        a[i] = v + (r + i) * run->v_row + k0 * sizeof (float);
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

/* All products of one position in fixed point, from the panel at @u on. */
static void
multiply_fixed (const Run *run, const guint8 *v, const float *u, int n, float *products)
{
  const SfTileKernels *tile = run->kernels->tile;
  const gsize u_panel = run->positions * run->u_position * sizeof (float), m_panel = (gsize) run->positions * n * tile->nr;
  const void *a[SHARED];

  for (int i = 0; i < n; i++)
    a[i] = v + i * run->v_row;
  tile->multiply_fixed (&(SfTile) { .m = n, .n = tile->nr, .k = run->job->c, .taps = 1, .a = a, .b = u, .scale = 1, .c = products, .c_row = tile->nr, .next = u + run->u_position },
                        run->panels, u_panel, m_panel);
}

/* All products of a position with @n tiles; @m: M of one panel after the other. */
static void
multiply_position (const Run *run, int position, int n, const guint8 *v, float *m)
{
  const gsize size = (gsize) n * run->kernels->tile->nr; /* of a position of M */

  v += position * run->v_position;
  if (run->method->fixed)
    {
      multiply_fixed (run, v, run->packed + position * run->u_position, n, m + position * size);
      return;
    }
  for (int panel = 0; panel < run->panels; panel++)
    {
      const gsize at = (gsize) panel * run->positions + position;
      const gsize next = panel + 1 < run->panels ? at + run->positions : (gsize) position + 1;

      multiply (run, v, 0, run->job->c, run->packed + at * run->u_position, run->packed + next * run->u_position, m + at * size, n);
    }
}

/* M of one panel to the results of @n tiles, from number @tile on. */
static void
transform_back (const Run *run, gsize tile, int n, int panel, const float *m)
{
  const int nr = run->kernels->tile->nr;
  double *moments = run->moments != NULL ? sf_moments_at (run->moments, 0, tile / run->n) : NULL;

  run->kernels->winograd->output (&run->winograd, tile, n, panel * nr, nr, m, moments);
  if (moments != NULL && panel == 0)
    moments[2 * run->job->out_c] = sf_winograd_pixels (&run->winograd, tile, n);
}

/* All of one panel whose weights are plain: each run of input channels is transformed to @u first. */
static void
do_lean_panel (const Run *run, gsize tile, int n, const guint8 *v, int panel, float *m, float *u)
{
  const int c = run->job->c, nr = run->kernels->tile->nr, step = sf_tile_run (c);

  for (int k0 = 0; k0 < c; k0 += step)
    {
      const int k = MIN (step, c - k0);

      run->kernels->winograd->filter (run->winograd.m, run->packed + ((gsize) panel * c + k0) * 9 * nr, k, nr, u, (gsize) step * nr);
      for (int i = 0; i < run->positions; i++)
        multiply (run, v + i * run->v_position, k0, k, u + (gsize) i * step * nr, NULL, m + (gsize) i * n * nr, n);
    }
  transform_back (run, tile, n, panel, m);
}

/* Operations on @tiles tiles. */
static double
work (const Run *run, gsize tiles)
{
  return 2.0 * tiles * run->positions * run->job->c * run->job->out_c;
}

/*** A block is a task ***/

static void
do_blocks (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  float *memory = sf_scratch_take (&run->scratch), *m = memory + run->v_size;

  for (gsize i = begin; i < end; i++)
    {
      const gsize tile = i * run->n;
      const int n = (int) MIN ((gsize) run->n, run->tiles - tile);

      transform (run, tile, n, (guint8 *) memory, m);
      for (int position = 0; position < run->positions; position++)
        multiply_position (run, position, n, (const guint8 *) memory, m);
      for (int panel = 0; panel < run->panels; panel++)
        transform_back (run, tile, n, panel, m + (gsize) panel * run->positions * n * run->kernels->tile->nr);
    }
  sf_scratch_give (&run->scratch, memory);
}

static gboolean
run_blocks (Run *run, SfContext *cx)
{
  gboolean done = sf_scratch_init (&run->scratch, cx, run->v_size + MAX (run->m_size * run->panels, run->piece_size + run->strip_size)) &&
                  sf_op_run (cx, (run->tiles + run->n - 1) / run->n, 1, do_blocks, run, work (run, run->tiles));

  sf_scratch_clear (&run->scratch);
  return done;
}

/*** Shared blocks ***/

static void
do_tiles (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  float *piece = sf_scratch_take (&run->scratch);

  transform (run, run->begin + begin, (int) (end - begin), run->v + begin * run->v_row, piece);
  sf_scratch_give (&run->scratch, piece);
}

/* Tiles of the shared block that begins now. */
static int
n_shared (const Run *run)
{
  return (int) MIN ((gsize) run->n, run->tiles - run->begin);
}

/* Tiles of a task, in pairs. */
static gsize
share (int n)
{
  return MAX (n / (2 * SHARES) * 2, 1);
}

static void
do_positions (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;

  for (gsize position = begin; position < end; position++)
    multiply_position (run, (int) position, n_shared (run), run->v, run->m);
}

static void
do_panels (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const gsize size = (gsize) run->positions * n_shared (run) * run->kernels->tile->nr;

  for (gsize panel = begin; panel < end; panel++)
    transform_back (run, run->begin, n_shared (run), (int) panel, run->m + panel * size);
}

static void
do_lean_panels (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  float *m = sf_scratch_take (&run->scratch);

  for (gsize panel = begin; panel < end; panel++)
    do_lean_panel (run, run->begin, n_shared (run), run->v, (int) panel, m, m + run->m_size);
  sf_scratch_give (&run->scratch, m);
}

static gboolean
run_shared (Run *run, SfContext *cx)
{
  const gboolean lean = run->method->lean;
  g_autoptr (SfTensor) v = sf_context_tensor (cx, 1, 1, run->positions, (int) (run->v_position / sizeof (float)));
  g_autoptr (SfTensor) m = lean ? NULL : sf_context_tensor (cx, 1, 1, run->panels, (int) run->m_size);
  gboolean done = !sf_context_failed (cx) && sf_scratch_init (&run->scratch, cx, MAX (run->piece_size + run->strip_size, lean ? run->m_size + run->u_size : 0));

  for (run->begin = 0; run->begin < run->tiles && done; run->begin += run->n)
    {
      const double products = work (run, n_shared (run));

      run->v = (guint8 *) v->data;
      run->m = lean ? NULL : m->data;
      done = sf_op_run (cx, n_shared (run), share (n_shared (run)), do_tiles, run, 0) &&
             (lean ? sf_op_run (cx, run->panels, 1, do_lean_panels, run, products)
                   : sf_op_run (cx, run->positions, 1, do_positions, run, products) && sf_op_run (cx, run->panels, 1, do_panels, run, 0));
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
    .bias_step = job->bias_step,
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
sf_conv_run_winograd (SfContext *cx, const SfKernels *kernels, const SfConvMethodInfo *method, const SfConvJob *job, const float *packed)
{
  Run run = { .kernels = kernels, .job = job, .method = method, .packed = packed };
  const int nr = kernels->tile->nr, group = method->fixed ? SF_FIXED_ROWS : 1;
  gsize most, blocks, per_image;
  gboolean shared, done;

  plan_transforms (&run, method->m);
  run.panels = (job->out_c + nr - 1) / nr;
  run.winograd.v_row = round_up (job->c, 16) + PAD;
  run.v_row = method->fixed ? sf_fixed_row_size (job->c) : run.winograd.v_row * sizeof (float);
  most = CACHE / (run.positions * (run.v_row + run.panels * nr * sizeof (float)));
  if (method->fixed || most < LEAST || most > MOST)
    most = MOST;
  blocks = (run.tiles + most - 1) / most;
  shared = method->lean || blocks < TASKS || work (&run, most) > TASK_FLOPS;
  if (shared)
    blocks = (run.tiles + SHARED - 1) / SHARED;
  run.n = round_up ((int) ((run.tiles + blocks - 1) / blocks), group); /* all nearly equal */
  run.v_position = run.v_row * run.n + PAD * sizeof (float);
  run.winograd.v_position = method->fixed ? run.winograd.v_row : run.v_position / sizeof (float);
  run.u_position = method->fixed ? sf_fixed_panel_size (job->c, nr) / sizeof (float) : (gsize) job->c * nr;
  run.v_size = run.v_position * run.positions / sizeof (float);
  run.m_size = (gsize) run.positions * run.n * nr;
  run.u_size = (gsize) run.positions * sf_tile_run (job->c) * nr;
  run.piece_size = method->fixed ? run.winograd.v_position * run.positions : SF_TILE_LINE;
  if (job->line != NULL)
    {
      run.strip_tiles = CLAMP (STRIP / (method->m * method->m * job->c), 2, STRIP_TILES);
      run.strip_size = (gsize) (method->m + 2) * (run.strip_tiles * method->m + 2) * job->c; /* in one row, which is more than in two */
    }
  per_image = run.tiles / job->n;
  if (job->moments != NULL && (job->n == 1 || per_image % run.n == 0)) /* no block is of two images */
    run.moments = sf_moments_new (cx, job->n, (int) ((per_image + run.n - 1) / run.n), job->out_c);
  done = (shared ? run_shared : run_blocks) (&run, cx);
  if (run.moments != NULL)
    *job->moments = run.moments;
  return done;
}
