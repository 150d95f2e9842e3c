/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A task is a block of rows by some panels of weights.  Within it a panel is read from memory once, and from the cache by all
 * other groups of rows.
 */
#include "ops/sf-linear-fast.h"

#include "ops/sf-ops-private.h"

#define ROWS 112       /* of a task */
#define RUN 1280       /* steps of k that are done before the next are begun: their panel stays in the cache */
#define TASKS 16       /* at least so many, where panels can be shared out too */
#define TASK_FLOPS 4e8 /* at most so many: a few ms */
#define ALIAS 4096     /* bytes: rows so far apart, or a multiple of it, share one set of the cache */
#define PAD 32         /* numbers that are added to such a distance */

static int
round_up (int n, int step)
{
  return (n + step - 1) / step * step;
}

/* Steps of k of a bf16 product. */
static int
bf16_steps (const SfTileKernels *tile, int k)
{
  return round_up (k, tile->step_bf16);
}

/*** Weights ***/

typedef struct
{
  const SfTileKernels *tile;
  const SfArray *w;
  gboolean bf16;
  int n, k;
  gsize panel_size; /* bytes */
  guint8 *packed;
} Packing;

static Packing
packing_open (const SfKernels *kernels, gboolean bf16, const SfArray *w)
{
  const SfTileKernels *tile = kernels->tile;
  Packing self = { .tile = tile, .w = w, .bf16 = bf16, .n = (int) w->dim[0], .k = (int) (w->n / w->dim[0]) };

  self.panel_size = bf16 ? (gsize) bf16_steps (tile, self.k) * tile->nr * sizeof (guint16) : (gsize) self.k * tile->nr * sizeof (float);
  return self;
}

static gsize
n_panels (const Packing *p)
{
  return ((gsize) p->n + p->tile->nr - 1) / p->tile->nr;
}

#define PIECE 256 /* steps of k that are read at a time */

static void
pack_panel (const Packing *p, gsize panel)
{
  const int nr = p->tile->nr, n = (int) MIN ((gsize) nr, p->n - panel * nr);
  guint8 *packed = p->packed + panel * p->panel_size;
  float w[SF_TILE_MAX_COLUMNS * PIECE];

  if (p->bf16)
    memset (packed, 0, p->panel_size); /* steps that are added to k */
  for (int k0 = 0; k0 < p->k; k0 += PIECE)
    {
      const int k = MIN (PIECE, p->k - k0);

      for (int j = 0; j < n; j++)
        sf_array_read (p->w, (panel * nr + j) * p->k + k0, k, w + j * PIECE);
      if (p->bf16)
        sf_tile_pack_bf16 (w, PIECE, 1, n, k, nr, (guint16 *) packed + (gsize) k0 * nr);
      else
        sf_tile_pack (w, PIECE, 1, n, k, nr, (float *) packed + (gsize) k0 * nr);
    }
}

static void
pack_panels (gsize begin, gsize end, gpointer data)
{
  for (gsize panel = begin; panel < end; panel++)
    pack_panel (data, panel);
}

gsize
sf_linear_packed_size (const SfKernels *kernels, gboolean bf16, const SfArray *w)
{
  Packing packing = packing_open (kernels, bf16, w);

  return n_panels (&packing) * packing.panel_size;
}

void
sf_linear_pack (const SfKernels *kernels, gboolean bf16, const SfArray *w, gpointer packed)
{
  Packing packing = packing_open (kernels, bf16, w);

  packing.packed = packed;
  sf_parallel_for (n_panels (&packing), 1, pack_panels, &packing, NULL);
}

/*** Work ***/

typedef struct
{
  const SfLinearJob *job;
  const SfTileKernels *tile;
  gconstpointer packed;
  int panels, panels_per_task;
  gsize row_tasks;
  gpointer x;       /* (nullable): rows that were copied: they lay badly, or are bf16 now */
  int x_row, steps; /* numbers from one row to the next, of a row */
} Run;

/* A part of the result: rows, panels. */
typedef struct
{
  gsize row;
  int rows, first, last;
} Part;

static Part
run_part (const Run *run, gsize index)
{
  gsize row = index % run->row_tasks * ROWS;
  int first = (int) (index / run->row_tasks) * run->panels_per_task;

  return (Part) { row, (int) MIN (ROWS, run->job->m - row), first, MIN (first + run->panels_per_task, run->panels) };
}

/* Where the tile of some rows and a panel lies in the result.  @begin, @end: whether the sums begin and end with it. */
static SfTile
run_tile (const Run *run, gsize row, int m, int panel, gboolean begin, gboolean end)
{
  const SfLinearJob *job = run->job;
  const int nr = run->tile->nr;
  const gsize at = row * job->n + (gsize) panel * nr;

  return (SfTile) {
    .m = m,
    .n = MIN (nr, job->n - panel * nr),
    .taps = 1,
    .bias = begin && job->bias != NULL ? job->bias + panel * nr : NULL,
    .residual = !begin ? job->y + at : job->residual != NULL ? job->residual + at
                                                             : NULL,
    .residual_row = job->n,
    .scale = end ? job->scale : 1,
    .c = job->y + at,
    .c_row = job->n,
  };
}

/* Steps [@k0, @k0 + @k) of a part. */
static void
multiply (const Run *run, const Part *part, int k0, int k)
{
  const SfLinearJob *job = run->job;
  const int group = sf_tile_group (run->tile, part->rows), nr = run->tile->nr;
  const float *x = run->x != NULL ? run->x : job->x;
  const void *a[ROWS];

  for (int i = 0; i < part->rows; i++)
    a[i] = x + (part->row + i) * run->x_row + k0;
  for (int panel = part->first; panel < part->last; panel++)
    for (int r = 0; r < part->rows; r += group)
      {
        SfTile tile = run_tile (run, part->row + r, MIN (group, part->rows - r), panel, k0 == 0, k0 + k == job->k);

        tile.k = k;
        tile.a = a + r;
        tile.b = (const float *) run->packed + ((gsize) panel * job->k + k0) * nr;
        run->tile->multiply (&tile);
      }
}

static void
run_tasks (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;

  for (gsize i = begin; i < end; i++)
    {
      const Part part = run_part (run, i);

      for (int k0 = 0; k0 < run->job->k; k0 += RUN)
        multiply (run, &part, k0, MIN (RUN, run->job->k - k0));
    }
}

static void
run_tasks_bf16 (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const SfTileKernels *tile = run->tile;

  for (gsize i = begin; i < end; i++)
    {
      const Part part = run_part (run, i);
      const void *a[ROWS];

      for (int r = 0; r < part.rows; r++)
        a[r] = (const guint16 *) run->x + (part.row + r) * run->x_row;
      for (int panel = part.first; panel < part.last; panel++)
        for (int r = 0; r < part.rows; r += tile->mr_bf16)
          {
            SfTile t = run_tile (run, part.row + r, MIN (tile->mr_bf16, part.rows - r), panel, TRUE, TRUE);

            t.k = run->steps;
            t.a = a + r;
            t.b = (const guint16 *) run->packed + (gsize) panel * run->steps * tile->nr;
            tile->multiply_bf16 (&t);
          }
    }
}

static void
copy_rows (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const gsize k = run->job->k;

  for (gsize i = begin; i < end; i++)
    memcpy ((float *) run->x + i * run->x_row, run->job->x + i * k, k * sizeof (float));
}

static void
copy_rows_bf16 (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const gsize k = run->job->k;

  for (gsize i = begin; i < end; i++)
    {
      guint16 *row = (guint16 *) run->x + i * run->x_row;

      run->tile->to_bf16 (run->job->x + i * k, row, k);
      memset (row + k, 0, (run->steps - k) * sizeof *row);
    }
}

/* Columns are shared out where rows alone give too few tasks, or too long ones. */
static gsize
run_plan (Run *run)
{
  const SfLinearJob *job = run->job;
  const int nr = run->tile->nr;
  const double flops = 2.0 * MIN (ROWS, job->m) * job->k * nr; /* of a panel */
  gsize columns;

  run->panels = (job->n + nr - 1) / nr;
  run->row_tasks = (job->m + ROWS - 1) / ROWS;
  columns = MAX ((TASKS + run->row_tasks - 1) / run->row_tasks, (gsize) (flops * run->panels / TASK_FLOPS));
  columns = CLAMP (columns, 1, (gsize) run->panels);
  run->panels_per_task = (int) ((run->panels + columns - 1) / columns);
  return run->row_tasks * ((run->panels + run->panels_per_task - 1) / run->panels_per_task);
}

gboolean
sf_linear_run (SfContext *cx, const SfKernels *kernels, gboolean bf16, const SfLinearJob *job, gconstpointer packed)
{
  Run run = { .job = job, .tile = kernels->tile, .packed = packed, .steps = bf16 ? bf16_steps (kernels->tile, job->k) : job->k };
  const gboolean alias = run.steps * (bf16 ? sizeof (guint16) : sizeof (float)) % ALIAS == 0;
  const gsize tasks = run_plan (&run);
  g_autoptr (SfTensor) x = NULL;

  run.x_row = run.steps + (alias ? PAD : 0);
  if (alias || bf16)
    {
      x = sf_context_tensor (cx, 1, 1, job->m, bf16 ? run.x_row / 2 : run.x_row);
      if (x == NULL)
        return FALSE;
      run.x = x->data;
      if (!sf_op_run (cx, job->m, MAX (1, SF_OP_TILE / job->k), bf16 ? copy_rows_bf16 : copy_rows, &run, 0))
        return FALSE;
    }
  return sf_op_run (cx, tasks, 1, bf16 ? run_tasks_bf16 : run_tasks, &run, 2.0 * job->m * job->n * job->k);
}
