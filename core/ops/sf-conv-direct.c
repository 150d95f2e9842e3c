/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolution by the direct method: the register tile reads the image through one set of row pointers for each tap of the
 * kernel ("indirect" convolution, Dukhan 2019).  Outside of the image they point to zeros.  No column matrix exists.
 */
#include "ops/sf-conv.h"

#include "ops/sf-ops-private.h"

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
