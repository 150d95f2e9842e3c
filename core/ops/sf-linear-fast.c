/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A task is a block of rows by some panels of weights.  Within it a panel is read from memory once, and from the cache by all
 * other groups of rows.  Rows that have to be of another form or lie in two places are copied by the task that has all panels, or by
 * all tasks beforehand: then the result may take their place.
 */
#include "ops/sf-linear-fast.h"

#include "ops/sf-ops-private.h"
#include "ops/sf-scratch.h"

#define ROWS 112       /* of a task */
#define FEW_ROWS 32    /* of a task where weights are few: each core then writes and reads rows of its own, and needs no copy of all */
#define FEW_WEIGHTS (1 << 20) /* bytes, which stay in the cache from task to task */
#define RUN 1280       /* steps of k that are done before the next are begun: their panel stays in the cache */
#define TASKS 16       /* at least so many, where panels can be shared out too */
#define TASK_FLOPS 4e8 /* at most so many: a few ms */
#define MANY 64        /* tasks, of which ... */
#define IN_TURN 4      /* ... a thread does so many in turn, so that it knows the next one's rows, and has them brought nearer */
#define ALIAS 4096     /* bytes: rows so far apart, or a multiple of it, share one set of the cache */
#define STREAM ((gsize) 16 << 20) /* bytes of a result that go around the caches */
#define PAD 64         /* bytes that are added to such a distance */

/* Bytes of a row of @k numbers. */
static gsize
row_size (const SfTileKernels *tile, SfForm form, int k)
{
  switch (form)
    {
    case SF_FORM_FIXED:
      return sf_fixed_row_size (k);
    case SF_FORM_BF16:
      return (gsize) (k + tile->step_bf16 - 1) / tile->step_bf16 * tile->step_bf16 * sizeof (guint16);
    default:
      return k * sizeof (float);
    }
}

static gsize
panel_size (const SfTileKernels *tile, SfForm form, int k)
{
  return form == SF_FORM_FIXED ? sf_fixed_panel_size (k, tile->nr) : row_size (tile, form, k) * tile->nr;
}

/*** Weights ***/

typedef struct
{
  const SfTileKernels *tile;
  const SfArray *w;
  SfForm form;
  int n, k;
  gsize panel_size; /* bytes */
  guint8 *packed;
} Packing;

static Packing
packing_open (const SfKernels *kernels, SfForm form, const SfArray *w)
{
  Packing self = { .tile = kernels->tile, .w = w, .form = form, .n = (int) w->dim[0], .k = (int) (w->n / w->dim[0]) };

  self.panel_size = panel_size (self.tile, form, self.k);
  return self;
}

static gsize
n_panels (const Packing *p)
{
  return ((gsize) p->n + p->tile->nr - 1) / p->tile->nr;
}

#define PIECE 256 /* steps of k that are read at a time */

/* A panel of @n columns, which are the rows of W from @first on. */
static void
pack_panel (const Packing *p, gsize first, int n, float *panel)
{
  const int nr = p->tile->nr;
  float w[SF_TILE_MAX_COLUMNS * PIECE];

  for (int k0 = 0; k0 < p->k; k0 += PIECE)
    {
      const int k = MIN (PIECE, p->k - k0);

      for (int j = 0; j < n; j++)
        sf_array_read (p->w, (first + j) * p->k + k0, k, w + j * PIECE);
      sf_tile_pack (w, PIECE, n, k, nr, panel + (gsize) k0 * nr);
    }
}

static void
pack_panels (gsize begin, gsize end, gpointer data)
{
  const Packing *p = data;
  g_autofree float *plain = p->form != SF_FORM_FLOAT ? g_new (float, (gsize) p->k * p->tile->nr) : NULL;

  for (gsize panel = begin; panel < end; panel++)
    {
      const gsize first = panel * p->tile->nr;
      gpointer packed = p->packed + panel * p->panel_size;

      pack_panel (p, first, (int) MIN ((gsize) p->tile->nr, p->n - first), plain != NULL ? plain : packed);
      if (p->form == SF_FORM_FIXED)
        p->tile->fixed_panel (plain, p->k, packed);
      else if (p->form == SF_FORM_BF16)
        p->tile->bf16_panel (plain, p->k, packed);
    }
}

gsize
sf_linear_packed_size (const SfKernels *kernels, SfForm form, const SfArray *w)
{
  Packing packing = packing_open (kernels, form, w);

  return n_panels (&packing) * packing.panel_size;
}

void
sf_linear_pack (const SfKernels *kernels, SfForm form, const SfArray *w, gpointer packed)
{
  Packing packing = packing_open (kernels, form, w);

  packing.packed = packed;
  sf_parallel_for (n_panels (&packing), 1, pack_panels, &packing, NULL);
}

/*** Work ***/

typedef struct
{
  const SfLinearJob *job;
  const SfTileKernels *tile;
  SfForm form;
  const guint8 *packed;
  int panels, panels_per_task;
  gsize panel_size; /* bytes */
  gsize rows, row_tasks; /* of a task; so many */
  gboolean copies;  /* rows are copied: they lie badly or in two places, or become of another form */
  guint8 *copy;     /* (nullable): all of them; else a task has all panels, and copies its own to ... */
  SfScratch scratch;
  gsize joined;     /* ... where a few rows from two places are put together from this float on */
  gboolean stream;  /* the result is written around the caches */
  int group;        /* rows that are multiplied at a time */
  gsize x_row;      /* bytes from one row to the next, of the copy or of x */
} Run;

/* A part of the result: rows, panels. */
typedef struct
{
  gsize row;
  int rows, first, last;
  const float *next; /* (nullable): rows of x that are to be copied then */
} Part;

static Part
run_part (const Run *run, gsize index)
{
  gsize row = index % run->row_tasks * run->rows;
  int first = (int) (index / run->row_tasks) * run->panels_per_task;

  return (Part) { row, (int) MIN (run->rows, run->job->m - row), first, MIN (first + run->panels_per_task, run->panels), NULL };
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
    .stream = run->stream && end,
  };
}

/* Steps [@k0, @k0 + @k) of a part, whose rows are at @x. */
static void
multiply (const Run *run, const Part *part, const guint8 *x, int k0, int k)
{
  const SfLinearJob *job = run->job;
  const SfTileKernels *tile = run->tile;
  const gsize skip = k0 > 0 ? row_size (tile, run->form, k0) : 0;
  const gboolean several = run->form != SF_FORM_FLOAT;
  const void *a[ROWS];

  for (int i = 0; i < part->rows; i++)
    a[i] = x + i * run->x_row + skip;
  for (int panel = part->first, n; panel < part->last; panel += n)
    {
      n = several ? MAX (MIN (part->last, job->n / tile->nr) - panel, 1) : 1;
      for (int r = 0; r < part->rows; r += run->group)
        {
          SfTile t = run_tile (run, part->row + r, MIN (run->group, part->rows - r), panel, k0 == 0, k0 + k == job->k);

          t.k = run->form == SF_FORM_BF16 ? (int) (row_size (tile, run->form, k) / sizeof (guint16)) : k;
          t.a = a + r;
          t.b = run->packed + panel * run->panel_size + skip * tile->nr;
          if (several && k0 + k == job->k)
            {
              t.next = part->next;
              t.next_step = run->rows * (job->k - job->beside_c) * sizeof (float) / run->panels;
            }
          sf_tile_multiply (tile, run->form, &t, n, run->panel_size, tile->nr);
        }
    }
}

/* @n dense rows. */
static void
convert_rows (const Run *run, const float *x, gsize n, guint8 *to)
{
  const int k = run->job->k;

  if (run->form == SF_FORM_FIXED)
    {
      run->tile->fixed_rows (x, k, (int) n, k, to, run->x_row);
      return;
    }
  for (gsize i = 0; i < n; i++, x += k, to += run->x_row)
    if (run->form == SF_FORM_BF16)
      {
        memset (to, 0, run->x_row); /* steps that are added to k */
        run->tile->to_bf16 (x, (guint16 *) to, k);
      }
    else
      memcpy (to, x, k * sizeof (float));
}

/* @n rows from @row on; @memory: of a task. */
static void
copy_rows (const Run *run, gsize row, gsize n, guint8 *to, float *memory)
{
  const SfLinearJob *job = run->job;
  const gsize beside_c = job->beside_c, x_c = job->k - beside_c;
  float *joined = memory + run->joined;

  if (job->beside == NULL)
    {
      convert_rows (run, job->x + row * x_c, n, to);
      return;
    }
  for (gsize i = 0, few; i < n; i += few)
    {
      few = MIN (n - i, SF_FIXED_ROWS);
      for (gsize j = 0; j < few; j++)
        {
          memcpy (joined + j * job->k, job->x + (row + i + j) * x_c, x_c * sizeof (float));
          memcpy (joined + j * job->k + x_c, job->beside + (row + i + j) * beside_c, beside_c * sizeof (float));
        }
      convert_rows (run, joined, few, to + i * run->x_row);
    }
}

static void
copy_all_rows (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  float *memory = sf_scratch_take (&run->scratch);

  copy_rows (run, begin, end - begin, run->copy + begin * run->x_row, memory);
  sf_scratch_give (&run->scratch, memory);
}

static void
run_tasks (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  const int k = run->job->k, step = run->form == SF_FORM_FIXED ? k : RUN;
  guint8 *own = run->copies && run->copy == NULL ? (guint8 *) sf_scratch_take (&run->scratch) : NULL;

  for (gsize i = begin; i < end; i++)
    {
      Part part = run_part (run, i);
      const guint8 *x = own;

      if (own != NULL)
        {
          copy_rows (run, part.row, part.rows, own, (float *) own);
          part.next = i + 1 < end ? run->job->x + (part.row + part.rows) * (k - run->job->beside_c) : NULL;
        }
      else
        x = (run->copy != NULL ? run->copy : (const guint8 *) run->job->x) + part.row * run->x_row;
      for (int k0 = 0; k0 < k; k0 += step)
        multiply (run, &part, x, k0, MIN (step, k - k0));
    }
  if (own != NULL)
    sf_scratch_give (&run->scratch, (float *) own);
}

/* Where rows alone give too few tasks, or too long ones, tasks are of few rows, if all weights stay in the cache, or columns are
 * shared out. */
static gsize
run_plan (Run *run)
{
  const SfLinearJob *job = run->job;
  const int nr = run->tile->nr;
  const gboolean few = run->form != SF_FORM_FLOAT && job->m >= TASKS / 2 * FEW_ROWS && job->m < TASKS * ROWS && run->panels * run->panel_size <= FEW_WEIGHTS;
  const double flops = 2.0 * MIN (ROWS, job->m) * job->k * nr; /* of a panel */
  gsize columns = 1;

  run->rows = few ? FEW_ROWS : ROWS;
  run->row_tasks = (job->m + run->rows - 1) / run->rows;
  if (!few)
    columns = MAX ((TASKS + run->row_tasks - 1) / run->row_tasks, (gsize) (flops * run->panels / TASK_FLOPS));
  columns = CLAMP (columns, 1, (gsize) run->panels);
  run->panels_per_task = (int) ((run->panels + columns - 1) / columns);
  return run->row_tasks * ((run->panels + run->panels_per_task - 1) / run->panels_per_task);
}

gboolean
sf_linear_run (SfContext *cx, const SfKernels *kernels, SfForm form, const SfLinearJob *job, gconstpointer packed)
{
  Run run = { .job = job, .tile = kernels->tile, .form = form, .packed = packed, .x_row = row_size (kernels->tile, form, job->k) };
  const gboolean alias = run.x_row % ALIAS == 0;
  gsize tasks;
  g_autoptr (SfTensor) copy = NULL;
  gboolean done = TRUE;

  run.panels = (job->n + run.tile->nr - 1) / run.tile->nr;
  run.panel_size = panel_size (run.tile, form, job->k);
  tasks = run_plan (&run);
  run.group = sf_tile_rows (run.tile, form, (int) MIN (run.rows, job->m));
  run.stream = job->m * job->n * sizeof (float) > STREAM && job->n % SF_TILE_LINE == 0 && GPOINTER_TO_SIZE (job->y) % (SF_TILE_LINE * sizeof (float)) == 0;
  if (alias)
    run.x_row += PAD;
  run.copies = alias || form != SF_FORM_FLOAT || job->beside != NULL;
  run.joined = run.panels_per_task == run.panels ? run.rows * run.x_row / sizeof (float) : 0;
  if (run.copies)
    done = sf_scratch_init (&run.scratch, cx, run.joined + SF_FIXED_ROWS * job->k);
  if (run.copies && run.joined == 0)
    {
      copy = sf_context_tensor (cx, 1, 1, (int) (job->m + SF_FIXED_ROWS - 1) / SF_FIXED_ROWS * SF_FIXED_ROWS, run.x_row / sizeof (float));
      run.copy = copy != NULL ? (guint8 *) copy->data : NULL;
      done = copy != NULL && sf_op_run (cx, job->m, MAX (1, SF_OP_TILE / job->k), copy_all_rows, &run, 0);
    }
  done = done && sf_op_run (cx, tasks, form == SF_FORM_FIXED && tasks >= MANY ? IN_TURN : 1, run_tasks, &run, 2.0 * job->m * job->n * job->k);
  sf_scratch_clear (&run.scratch);
  return done;
}
