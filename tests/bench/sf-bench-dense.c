/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layers beside convolutions: linear, attention, group norm.  bf16 is beside float32.  Norms are bound by memory: three passes
 * over the picture are counted, beside a pass that only reads it and one that copies it.
 */
#include "sf-bench-layers.h"

#include <math.h>
#include <string.h>

#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "kernels/sf-kernels.h"
#include "ops/sf-ops-private.h"

typedef enum
{
  LINEAR,    /* m x k to m x n */
  ATTENTION, /* m queries, k keys, heads x dim */
  NORM,      /* batch x m pixels, k channels */
} Kind;

typedef struct
{
  Kind kind;
  int m, k, n, heads;
} Case;

static const Case cases[] = {
  { LINEAR, 4096, 320, 320 },
  { LINEAR, 4096, 320, 2560 },
  { LINEAR, 4096, 1280, 320 },
  { LINEAR, 1024, 640, 640 },
  { LINEAR, 1024, 640, 5120 },
  { LINEAR, 1024, 2560, 640 },
  { LINEAR, 256, 1280, 1280 },
  { LINEAR, 256, 1280, 10240 },
  { LINEAR, 256, 5120, 1280 },
  { LINEAR, 64, 1280, 1280 },
  { LINEAR, 77, 768, 320 },
  { LINEAR, 77, 768, 1280 },
  { LINEAR, 4096, 512, 512 },
  { ATTENTION, 4096, 4096, 40, 8 },
  { ATTENTION, 4096, 77, 40, 8 },
  { ATTENTION, 1024, 1024, 80, 8 },
  { ATTENTION, 256, 256, 160, 8 },
  { ATTENTION, 256, 256, 512, 1 },
  { ATTENTION, 4096, 4096, 512, 1 },
  { NORM, 32 * 32, 256, 8 },
  { NORM, 64 * 64, 320, 1 },
  { NORM, 256 * 256, 128, 1 },
  { NORM, 512 * 512, 128, 1 },
};

enum
{
  PLAIN,
  FLOAT,
  BF16,
  N_MODES,
};

typedef struct
{
  double peak;             /* operations per second of OpenBLAS */
  double time[N_MODES];    /* s; 0 = not measured */
  double passes;           /* s that reading once and copying once takes, where that is the bound */
  double error[N_MODES];   /* RMS of the difference to the plain way, of the RMS */
} Figures;

typedef struct
{
  const Case *c;
  SfContext *cx;
  SfTensor *x, *y;
  SfParameter *w, *b;
} Work;

typedef struct
{
  const Case *layer;
  int repeats;
} Question;

static SfTensor *
make_tensor (int n, int h, int w, int c)
{
  SfTensor *x = sf_tensor_new (n, h, w, c, NULL);

  sf_rng_normal ((SfRng) { 1, 1 }, 0, x->data, sf_tensor_size (x));
  return x;
}

static SfParameter *
make_parameter (gsize rows, gsize columns)
{
  SfArray array = { .dtype = SF_DTYPE_F32, .n_dims = 2, .dim = { rows, columns }, .n = rows * columns };
  float *data = g_new (float, array.n);

  sf_rng_normal ((SfRng) { 1, 2 }, 0, data, array.n);
  array.data = data;
  return sf_parameter_new ("w", &array);
}

static void
run_layer (gpointer data)
{
  Work *work = data;
  const Case *c = work->c;
  SfTensor *x = sf_tensor_ref (work->x);
  const int width = c->n * c->heads;

  g_clear_pointer (&work->y, sf_tensor_unref);
  if (c->kind == LINEAR)
    work->y = sf_linear (work->cx, x, work->w, work->b, NULL, 0);
  else if (c->kind == NORM)
    work->y = sf_group_norm (work->cx, x, (SfNorm) { work->w, work->b, 32, 1e-5f, NULL, SF_ACTIVATION_SILU });
  else
    {
      SfTensor *k = sf_tensor_view (sf_tensor_ref (x), 1, 1, c->k, 3 * width, 0);

      work->y = sf_attention (work->cx, (SfHeads) { x, 0, c->n }, (SfHeads) { k, width, c->n },
                              (SfHeads) { sf_tensor_ref (k), 2 * width, c->n }, c->heads, c->n, 0);
    }
}

/*** The memory alone ***/

#define PIECE 16384 /* floats */

typedef struct
{
  const SfTensor *x;
  SfTensor *to;
  guint64 seen;
} Passes;

static void
read_pieces (gsize begin, gsize end, gpointer data)
{
  Passes *self = data;
  const guint64 *x = (const guint64 *) self->x->data;
  guint64 seen = 0;

  for (gsize i = begin * PIECE / 2; i < MIN (end * PIECE, sf_tensor_size (self->x)) / 2; i++)
    seen ^= x[i];
  self->seen = seen; /* so that it is not left out */
}

static void
copy_pieces (gsize begin, gsize end, gpointer data)
{
  Passes *self = data;
  const gsize from = begin * PIECE, to = MIN (end * PIECE, sf_tensor_size (self->x));

  memcpy (self->to->data + from, self->x->data + from, (to - from) * sizeof (float));
}

static void
pass (gpointer data)
{
  Passes *self = data;
  const gsize pieces = (sf_tensor_size (self->x) + PIECE - 1) / PIECE;

  sf_parallel_for (pieces, 1, read_pieces, self, NULL);
  sf_parallel_for (pieces, 1, copy_pieces, self, NULL);
}

/*** Layers ***/

static void
open_work (Work *work, const Case *c)
{
  *work = (Work) { .c = c, .cx = sf_context_new (0) };
  if (c->kind == LINEAR)
    {
      work->x = make_tensor (1, 1, c->m, c->k);
      work->w = make_parameter (c->n, c->k);
      work->b = make_parameter (c->n, 1);
    }
  else if (c->kind == NORM)
    {
      work->x = make_tensor (c->n, 1, c->m, c->k);
      work->w = make_parameter (c->k, 1);
      work->b = make_parameter (c->k, 1);
    }
  else
    work->x = make_tensor (1, 1, c->m, 3 * c->n * c->heads);
}

static double
deviation (const SfTensor *x, const SfTensor *from)
{
  double error = 0, size = 0;

  for (gsize i = 0; i < sf_tensor_size (x); i++)
    {
      error += ((double) x->data[i] - from->data[i]) * ((double) x->data[i] - from->data[i]);
      size += (double) from->data[i] * from->data[i];
    }
  return sqrt (error / size);
}

static void
measure (gconstpointer in, gpointer out)
{
  const Question *question = in;
  Figures *f = out;
  Work work;
  SfTensor *plain = NULL;

  *f = (Figures) { .passes = G_MAXDOUBLE };
  open_work (&work, question->layer);
  for (int round = 0; round <= question->repeats; round++)
    {
      f->peak = MAX (f->peak, bench_peak ());
      if (work.c->kind == NORM && round > 0)
        {
          Passes passes = { work.x, plain, 0 };

          f->passes = MIN (f->passes, bench_best (pass, &passes, 1));
        }
      for (int mode = 0; mode < N_MODES; mode++)
        {
          double time;

          if (mode == BF16 && (work.c->kind == NORM || sf_kernels ()->tile->multiply_bf16 == NULL))
            continue;
          sf_ops_force_plain (mode == PLAIN);
          sf_context_set_fast (work.cx, mode == BF16);
          time = bench_best (run_layer, &work, 1);
          if (round == 0) /* packs the weights */
            {
              if (mode == PLAIN)
                plain = sf_tensor_ref (work.y);
              f->error[mode] = deviation (work.y, plain);
            }
          else
            f->time[mode] = round == 1 ? time : MIN (f->time[mode], time);
        }
    }
}

static void
report (Bench *bench, const Case *c, const Figures *f)
{
  double flops = c->kind == LINEAR ? 2.0 * c->m * c->k * c->n : 4.0 * c->m * c->k * c->n * c->heads;

  bench_figure (bench, "time", f->time[FLOAT] * 1e3, "ms");
  if (c->kind == NORM)
    {
      bench_figure (bench, "memory", 3 * sizeof (float) * (double) c->n * c->m * c->k / f->time[FLOAT] / 1e9, "GB/s");
      bench_figure (bench, "of the memory's", f->passes / f->time[FLOAT], "x");
      bench_figure (bench, "error", f->error[FLOAT], "");
      return;
    }
  bench_figure (bench, "speed", flops / f->peak / f->time[FLOAT], "x");
  bench_figure (bench, "error", f->error[FLOAT], "");
  bench_figure (bench, "OpenBLAS", f->time[PLAIN] * 1e3, "ms");
  bench_figure (bench, "speed of it", flops / f->peak / f->time[PLAIN], "x");
  bench_figure (bench, "sgemm", f->peak / 1e9, "GFLOP/s");
  if (f->time[BF16] > 0)
    {
      bench_figure (bench, "bf16", f->time[BF16] * 1e3, "ms");
      bench_figure (bench, "faster than float", f->time[FLOAT] / f->time[BF16], "x");
      bench_figure (bench, "error of it", f->error[BF16], "");
    }
}

static char *
case_name (const Case *c)
{
  if (c->kind == LINEAR)
    return g_strdup_printf ("linear %d x %d to %d", c->m, c->k, c->n);
  if (c->kind == NORM)
    return g_strdup_printf ("norm + SiLU %d x %d x %d", c->n, c->m, c->k);
  return g_strdup_printf ("attention %d x %d, %d x %d", c->m, c->k, c->heads, c->n);
}

void
bench_dense (Bench *bench)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Question question = { &cases[i], bench->repeats };
      g_autofree char *name = case_name (&cases[i]);
      Figures f;

      if (!bench_in_child (BENCH_THREADS, measure, &question, &f, sizeof f))
        continue;
      bench_row (bench, name);
      report (bench, &cases[i], &f);
      bench_row_end (bench);
    }
}
