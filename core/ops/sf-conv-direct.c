/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolution by the direct method: the register tile reads the image through one set of row pointers for each tap of the
 * kernel ("indirect" convolution, Dukhan 2019).  Outside of the image they point to zeros.  No column matrix exists.
 *
 * In fixed point all that a pixel sees has one scale, so it is gathered to a row: of a block of pixels at a time.
 */
#include "ops/sf-conv.h"

#include <string.h>

#include "ops/sf-ops-private.h"
#include "ops/sf-scratch.h"

#define ROWS 112            /* pixels of a task: within it a panel of weights is read from memory once */
#define TASKS 16            /* at least so many, where panels can be shared out too */
#define TASK_FLOPS 4e8      /* at most so many: a few ms */

static float zeros[SF_CONV_MAX_CHANNELS];
const float *const sf_conv_zeros = zeros;

typedef struct
{
  const SfTileKernels *tile;
  const SfConvJob *job;
  const float *packed;
  int taps, panels, panels_per_task;
  gsize pixels, row_tasks;
} Run;

/* Where the tile reads @tap of an output pixel. */
static const float *
tap_pixel (const SfConvJob *job, gsize pixel, int tap)
{
  const gsize image = pixel / job->out_w / job->out_h;
  const int y = (int) (pixel / job->out_w % job->out_h) * job->stride + tap / job->kernel_w - job->top;
  const int x = (int) (pixel % job->out_w) * job->stride + tap % job->kernel_w - job->left;

  if (y < 0 || y >= job->h || x < 0 || x >= job->w)
    return zeros;
  return job->x + ((image * job->h + y) * job->w + x) * job->c;
}

/* Some panels of some rows. */
static void
run_task (const Run *run, gsize index)
{
  const SfConvJob *job = run->job;
  const gsize begin = index % run->row_tasks * ROWS;
  const int rows = (int) MIN (ROWS, run->pixels - begin), group = sf_tile_group (run->tile, rows), nr = run->tile->nr;
  const int first = (int) (index / run->row_tasks) * run->panels_per_task, last = MIN (first + run->panels_per_task, run->panels);
  const gsize steps = (gsize) run->taps * job->c;
  const void *a[ROWS * SF_CONV_MAX_TAPS];

  for (int r = 0; r < rows; r += group)
    for (int tap = 0, m = MIN (group, rows - r); tap < run->taps; tap++)
      for (int i = 0; i < m; i++)
        a[r * run->taps + tap * m + i] = tap_pixel (job, begin + r + i, tap);
  for (int panel = first; panel < last; panel++)
    for (int r = 0; r < rows; r += group)
      {
        const gsize at = (begin + r) * job->out_c + panel * nr;
        const float *b = run->packed + panel * steps * nr;

        run->tile->multiply (&(SfTile) {
            .m = MIN (group, rows - r),
            .n = MIN (nr, job->out_c - panel * nr),
            .k = job->c,
            .taps = run->taps,
            .a = a + r * run->taps,
            .b = b,
            .bias = job->bias != NULL ? job->bias + panel * nr : NULL,
            .residual = job->residual != NULL ? job->residual + at : NULL,
            .residual_row = job->out_c,
            .scale = job->scale,
            .c = job->y + at,
            .c_row = job->out_c,
            .next = r < 2 * group ? b + steps * nr + r / group * steps * SF_TILE_LINE : NULL,
        });
      }
}

static void
run_tasks (gsize begin, gsize end, gpointer data)
{
  for (gsize i = begin; i < end; i++)
    run_task (data, i);
}

gboolean
sf_conv_run_direct (SfContext *cx, const SfKernels *kernels, const SfConvJob *job, const float *packed)
{
  Run run = { .tile = kernels->tile, .job = job, .packed = packed, .taps = job->kernel_h * job->kernel_w };
  double panel_flops = 2.0 * ROWS * run.taps * job->c * kernels->tile->nr;
  gsize columns;

  run.pixels = (gsize) job->n * job->out_h * job->out_w;
  run.panels = (job->out_c + kernels->tile->nr - 1) / kernels->tile->nr;
  run.row_tasks = (run.pixels + ROWS - 1) / ROWS;
  columns = MAX ((TASKS + run.row_tasks - 1) / run.row_tasks, (gsize) (panel_flops * run.panels / TASK_FLOPS));
  columns = CLAMP (columns, 1, (gsize) run.panels);
  run.panels_per_task = (int) ((run.panels + columns - 1) / columns);
  columns = (run.panels + run.panels_per_task - 1) / run.panels_per_task;
  return sf_op_run (cx, run.row_tasks * columns, 1, run_tasks, &run, 2.0 * run.pixels * run.taps * job->c * job->out_c);
}

/*** In fixed point ***/

#define FIXED_ROWS 64 /* pixels of a task */
#define FIXED_TASKS 4 /* with fewer all pixels are made to rows first, and panels shared out then */
#define FEW 8         /* pixels that are made to rows at a time */
#define ALIAS 4096    /* bytes: rows so far apart, or a multiple of it, would share one set of the cache */

typedef struct
{
  const SfTileKernels *tile;
  const SfConvJob *job;
  const guint8 *packed;
  int taps, k;       /* of a row: numbers */
  gsize row, panel;  /* bytes of a row, from one panel to the next */
  int pixels;
  SfScratch scratch; /* of a task: floats of a row, and its rows, where they are not ... */
  guint8 *rows;      /* ... those of all pixels */
} FixedRun;

/* What @n pixels from @pixel on see.  @seen: room for one of them. */
static void
make_rows (const FixedRun *run, int pixel, int n, guint8 *rows, float *seen)
{
  const int c = run->job->c;

  for (int i = 0; i < n; i++)
    {
      for (int tap = 0; tap < run->taps; tap++)
        memcpy (seen + tap * c, tap_pixel (run->job, pixel + i, tap), c * sizeof *seen);
      run->tile->fixed_rows (seen, 0, 1, run->k, rows + i * run->row, 0);
    }
}

/* Channels [@channel, @end) of the result at @n pixels from @pixel on; a narrow panel at the end is one call. */
static void
multiply_rows (const FixedRun *run, int pixel, int n, const guint8 *rows, int channel, int end)
{
  const SfConvJob *job = run->job;
  const int nr = run->tile->nr;
  const void *a[FIXED_ROWS];

  for (int i = 0; i < n; i++)
    a[i] = rows + i * run->row;
  for (int panels; channel < end; channel += panels * nr)
    {
      const gsize at = (gsize) pixel * job->out_c + channel;

      panels = MAX ((end - channel) / nr, 1);
      run->tile->multiply_fixed (&(SfTile) {
                                     .m = n,
                                     .n = MIN (nr, end - channel),
                                     .k = run->k,
                                     .taps = 1,
                                     .a = a,
                                     .b = run->packed + channel / nr * run->panel,
                                     .bias = job->bias != NULL ? job->bias + channel : NULL,
                                     .residual = job->residual != NULL ? job->residual + at : NULL,
                                     .residual_row = job->out_c,
                                     .scale = job->scale,
                                     .c = job->y + at,
                                     .c_row = job->out_c,
                                 },
                                 panels, run->panel, nr);
    }
}

/* Items are groups of pixels. */
static void
run_groups (gsize begin, gsize end, gpointer data)
{
  FixedRun *run = data;
  float *seen = sf_scratch_take (&run->scratch);
  guint8 *rows = (guint8 *) (seen + (run->k + SF_TILE_LINE - 1) / SF_TILE_LINE * SF_TILE_LINE);

  for (gsize i = begin; i < end; i++)
    {
      const int pixel = (int) i * FIXED_ROWS, n = MIN (FIXED_ROWS, run->pixels - pixel);

      make_rows (run, pixel, n, rows, seen);
      multiply_rows (run, pixel, n, rows, 0, run->job->out_c);
    }
  sf_scratch_give (&run->scratch, seen);
}

static void
make_all_rows (gsize begin, gsize end, gpointer data)
{
  FixedRun *run = data;
  float *seen = sf_scratch_take (&run->scratch);

  make_rows (run, (int) begin, (int) (end - begin), run->rows + begin * run->row, seen);
  sf_scratch_give (&run->scratch, seen);
}

/* Items are panels. */
static void
run_panels (gsize begin, gsize end, gpointer data)
{
  const FixedRun *run = data;
  const int nr = run->tile->nr;

  for (int pixel = 0; pixel < run->pixels; pixel += FIXED_ROWS)
    multiply_rows (run, pixel, MIN (FIXED_ROWS, run->pixels - pixel), run->rows + pixel * run->row, (int) begin * nr, MIN ((int) end * nr, run->job->out_c));
}

gboolean
sf_conv_run_direct_fixed (SfContext *cx, const SfKernels *kernels, const SfConvJob *job, const float *packed)
{
  FixedRun run = { .tile = kernels->tile, .job = job, .packed = (const guint8 *) packed, .taps = job->kernel_h * job->kernel_w };
  const int nr = kernels->tile->nr;
  g_autoptr (SfTensor) rows = NULL;
  double work;
  int groups;
  gboolean done;

  run.k = run.taps * job->c;
  run.row = sf_fixed_row_size (run.k);
  if (run.row % ALIAS == 0)
    run.row += SF_TILE_LINE * sizeof (float);
  run.panel = sf_fixed_panel_size (run.k, nr);
  run.pixels = job->n * job->out_h * job->out_w;
  groups = (run.pixels + FIXED_ROWS - 1) / FIXED_ROWS;
  work = 2.0 * run.pixels * run.k * job->out_c;
  if (groups >= FIXED_TASKS)
    done = sf_scratch_init (&run.scratch, cx, run.k + SF_TILE_LINE + FIXED_ROWS * run.row / sizeof (float)) &&
           sf_op_run (cx, groups, 1, run_groups, &run, work);
  else
    {
      rows = sf_context_tensor (cx, 1, groups, FIXED_ROWS, (int) (run.row / sizeof (float)));
      done = rows != NULL && sf_scratch_init (&run.scratch, cx, run.k);
      run.rows = done ? (guint8 *) rows->data : NULL;
      done = done && sf_op_run (cx, run.pixels, FEW, make_all_rows, &run, 0) && sf_op_run (cx, (job->out_c + nr - 1) / nr, 1, run_panels, &run, work);
    }
  sf_scratch_clear (&run.scratch);
  return done;
}
