/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ops/sf-conv.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/sf-error.h"
#include "ops/sf-ops-private.h"

static const SfConvMethodInfo methods[SF_N_CONV_METHODS] = {
  [SF_CONV_DIRECT] = { "direct" },
  [SF_CONV_DIRECT_FIXED] = { "direct-fixed", .fixed = TRUE },
  [SF_CONV_WINOGRAD_2] = { "winograd-2", .m = 2 },
  [SF_CONV_WINOGRAD_4] = { "winograd-4", .m = 4 },
  [SF_CONV_WINOGRAD_2_LEAN] = { "winograd-2-lean", .m = 2, .lean = TRUE },
  [SF_CONV_WINOGRAD_4_LEAN] = { "winograd-4-lean", .m = 4, .lean = TRUE },
  [SF_CONV_WINOGRAD_2_FIXED] = { "winograd-2-fixed", .m = 2, .fixed = TRUE },
  [SF_CONV_WINOGRAD_4_FIXED] = { "winograd-4-fixed", .m = 4, .fixed = TRUE },
};

const char *
sf_conv_method_name (SfConvMethod method)
{
  return methods[method].name;
}

gboolean
sf_conv_method_can (const SfKernels *kernels, SfConvMethod method, const SfConvJob *job)
{
  if (methods[method].fixed && kernels->tile->multiply_fixed == NULL)
    return FALSE;
  if (job->c > SF_CONV_MAX_CHANNELS || job->kernel_h * job->kernel_w > SF_CONV_MAX_TAPS)
    return FALSE;
  return methods[method].m == 0 || (job->kernel_h == 3 && job->kernel_w == 3 && job->stride == 1);
}

/*** Choice ***/

#define LEAST_ROWS 24 /* below so many rows of a product, reading the weights takes longer than multiplying */
#define TAP 1         /* a tap of the direct method takes so many steps more, to begin with */
#define TRANSFORM 15  /* the transform of a number takes as long as so many products with it */
#define FIXED 0.45    /* a product in fixed point takes so long ... */
#define FIXED_DIRECT 0.7 /* ... of the direct method, whose long rows leave the nearest cache ... */
#define LEAST_ROWS_FIXED 48 /* ... and of Winograd's */
#define FIXED_TRANSFORM 1.5 /* ... and a transform to it */

/* Time that a method takes, in units that are the same for all. */
static double
cost (const SfConvJob *job, const SfConvMethodInfo *method, int nr)
{
  const int m = method->m, taps = job->kernel_h * job->kernel_w;
  const double c = job->c, out_c = (job->out_c + nr - 1) / nr * nr;
  double rows = (double) job->n * job->out_h * job->out_w;

  if (m == 0 && method->fixed)
    return FIXED_DIRECT * MAX (rows, LEAST_ROWS) * sf_fixed_steps (taps * job->c) * SF_FIXED_STEP * out_c + TRANSFORM * rows * taps * c;
  if (m == 0)
    return taps * MAX (rows, LEAST_ROWS) * (c + TAP) * out_c;
  rows = (double) job->n * ((job->out_h + m - 1) / m) * ((job->out_w + m - 1) / m);
  if (method->fixed)
    return sf_winograd_positions (m) * (FIXED * MAX (rows, LEAST_ROWS_FIXED) * sf_fixed_steps (job->c) * SF_FIXED_STEP * out_c + TRANSFORM * rows * (FIXED_TRANSFORM * c + out_c));
  return sf_winograd_positions (m) * (MAX (rows, LEAST_ROWS) * c * out_c + TRANSFORM * rows * (c + out_c));
}

SfConvMethod
sf_conv_method_choose (const SfKernels *kernels, const SfConvJob *job, gboolean lean)
{
  SfConvMethod best = SF_CONV_DIRECT;

  for (int i = 0; i < SF_N_CONV_METHODS; i++)
    if (sf_conv_method_can (kernels, i, job) && (methods[i].m == 0 || methods[i].lean == lean) &&
        cost (job, &methods[i], kernels->tile->nr) < cost (job, &methods[best], kernels->tile->nr))
      best = i;
  return best;
}

/*** Weights ***/

typedef struct
{
  const SfKernels *kernels;
  const SfArray *w;
  int m;
  gboolean lean, fixed;
  int out_c, c, taps, nr;
  int positions, steps; /* of a panel: matrices, and the length of their sums */
  float *packed;
  GError *error; /* (nullable) (atomic): a task had no memory */
} Packing;

static void
packing_open (Packing *self, const SfKernels *kernels, SfConvMethod method, const SfArray *w)
{
  *self = (Packing) {
    .kernels = kernels,
    .w = w,
    .m = methods[method].m,
    .lean = methods[method].lean,
    .fixed = methods[method].fixed,
    .out_c = (int) w->dim[0],
    .c = (int) w->dim[1],
    .taps = (int) (w->dim[2] * w->dim[3]),
    .nr = kernels->tile->nr,
  };
  self->positions = self->m == 0 || self->lean ? 1 : sf_winograd_positions (self->m);
  self->steps = self->m == 0 || self->lean ? self->taps * self->c : self->c;
}

/* Floats of one panel. */
static gsize
panel_size (const Packing *p)
{
  return p->positions * (p->fixed ? sf_fixed_panel_size (p->steps, p->nr) / sizeof (float) : (gsize) p->steps * p->nr);
}

static gsize
n_panels (const Packing *p)
{
  return ((gsize) p->out_c + p->nr - 1) / p->nr;
}

#define PIECE 32 /* channels that are read at a time: they stay near in the cache */

/* What a panel is made in. */
typedef struct
{
  float *w, *plain;   /* a piece: as it is read, [channel][tap][nr] */
  float *transformed; /* [position][channel][nr]: of a piece; what becomes fixed point as a whole */
} Work;

static gsize
piece_size (const Packing *p)
{
  return (gsize) PIECE * p->taps * p->nr;
}

/* From one transformed position to the next.  Such that are multiples of 4096 bytes would share one set of the cache. */
static gsize
position_size (const Packing *p)
{
  return (gsize) (p->fixed ? p->steps : PIECE) * p->nr + SF_TILE_LINE;
}

static gboolean
work_open (Work *self, Packing *p)
{
  GError *error = NULL;

  self->w = sf_try_alloc_aligned (2 * piece_size (p) + p->positions * position_size (p), sizeof (float), &error);
  if (self->w == NULL)
    {
      if (!g_atomic_pointer_compare_and_exchange (&p->error, NULL, error))
        g_error_free (error);
      return FALSE;
    }
  self->plain = self->w + piece_size (p);
  self->transformed = self->plain + piece_size (p);
  return TRUE;
}

/* Channels [@c0, @c0 + @c) of columns [@first, @first + @n). */
static void
pack_piece (const Packing *p, const Work *work, gsize first, int n, int c0, int c, float *packed)
{
  const int row = c * p->taps;
  const gsize at = (gsize) c0 * p->nr, line = p->nr * sizeof (float);
  float *to = p->fixed ? work->transformed : packed;

  for (int j = 0; j < n; j++)
    sf_array_read (p->w, ((first + j) * p->c + c0) * p->taps, row, work->w + j * row);
  sf_tile_pack (work->w, row, n, row, p->nr, work->plain);
  if (p->lean)
    memcpy (to + at * p->taps, work->plain, row * line);
  else if (p->m > 0 && p->fixed)
    p->kernels->winograd->filter (p->m, work->plain, c, p->nr, to + at, position_size (p));
  else if (p->m > 0)
    {
      p->kernels->winograd->filter (p->m, work->plain, c, p->nr, work->transformed, position_size (p));
      for (int i = 0; i < p->positions; i++)
        memcpy (to + (gsize) i * p->c * p->nr + at, work->transformed + i * position_size (p), c * line);
    }
  else
    for (int i = 0; i < row; i++)
      memcpy (to + at + ((gsize) (i % p->taps) * p->c + i / p->taps) * p->nr, work->plain + i * p->nr, line);
}

/* Direct: [tap][channel][nr]; lean: [channel][tap][nr]; else Winograd's [position][channel][nr]; or a panel in fixed point of each
 * position. */
static void
pack_panels (gsize begin, gsize end, gpointer data)
{
  Packing *p = data;
  Work work;

  if (!work_open (&work, p))
    return;
  for (gsize panel = begin; panel < end; panel++)
    {
      const int n = (int) MIN ((gsize) p->nr, p->out_c - panel * p->nr);
      float *packed = p->packed + panel * panel_size (p);

      for (int c0 = 0; c0 < p->c; c0 += PIECE)
        pack_piece (p, &work, panel * p->nr, n, c0, MIN (PIECE, p->c - c0), packed);
      for (int i = 0; p->fixed && i < p->positions; i++)
        p->kernels->tile->fixed_panel (work.transformed + i * position_size (p), p->steps, (guint8 *) packed + i * sf_fixed_panel_size (p->steps, p->nr));
    }
  free (work.w);
}

gsize
sf_conv_packed_size (const SfKernels *kernels, SfConvMethod method, const SfArray *w)
{
  Packing packing;

  packing_open (&packing, kernels, method, w);
  return n_panels (&packing) * panel_size (&packing);
}

gboolean
sf_conv_pack (SfContext *cx, const SfKernels *kernels, SfConvMethod method, const SfArray *w, float *packed)
{
  Packing packing;

  packing_open (&packing, kernels, method, w);
  packing.packed = packed;
  sf_op_run (cx, n_panels (&packing), 1, pack_panels, &packing, 0);
  if (packing.error != NULL)
    sf_context_fail (cx, packing.error);
  return !sf_context_failed (cx);
}

/*** Memory ***/

static gsize
packed_bytes (const SfParameter *parameter)
{
  const SfKernels *kernels = sf_kernels ();
  const SfConvMethod full = kernels->tile->multiply_fixed != NULL ? SF_CONV_WINOGRAD_4_FIXED : SF_CONV_WINOGRAD_4;

  return sf_conv_packed_size (kernels, parameter->lean ? SF_CONV_WINOGRAD_4_LEAN : full, &parameter->array) * sizeof (float);
}

/* Largest first. */
static int
compare_sizes (gconstpointer a, gconstpointer b)
{
  const SfParameter *const *x = a, *const *y = b;

  return ((*x)->array.n < (*y)->array.n) - ((*x)->array.n > (*y)->array.n);
}

gsize
sf_conv2d_plan (SfParameter *const *parameters, int n, gsize budget)
{
  g_autoptr (GPtrArray) convolutions = g_ptr_array_new ();
  gsize total = 0;

  if (budget == 0)
    budget = (gsize) sysconf (_SC_PHYS_PAGES) / 2 * (gsize) sysconf (_SC_PAGESIZE);
  for (int i = 0; i < n; i++)
    if (parameters[i]->array.n_dims == 4 && parameters[i]->array.dim[2] == 3 && parameters[i]->array.dim[3] == 3)
      {
        parameters[i]->lean = FALSE;
        g_ptr_array_add (convolutions, parameters[i]);
        total += packed_bytes (parameters[i]);
      }
  g_ptr_array_sort (convolutions, compare_sizes);
  for (guint i = 0; i < convolutions->len && total > budget; i++)
    {
      SfParameter *parameter = g_ptr_array_index (convolutions, i);

      total -= packed_bytes (parameter);
      parameter->lean = TRUE;
      total += packed_bytes (parameter);
    }
  return total;
}

/*** Work ***/

gboolean
sf_conv_run (SfContext *cx, const SfKernels *kernels, SfConvMethod method, const SfConvJob *job, const float *packed)
{
  if (methods[method].m > 0)
    return sf_conv_run_winograd (cx, kernels, &methods[method], job, packed);
  return (methods[method].fixed ? sf_conv_run_direct_fixed : sf_conv_run_direct) (cx, kernels, job, packed);
}

/* [in][out] of @w with taps in reverse; %NULL: no memory. */
static float *
turn (const SfArray *w, GError **error)
{
  const gsize out = w->dim[0], in = w->dim[1], taps = w->dim[2] * w->dim[3];
  g_autofree float *row = sf_try_alloc (in * taps, sizeof *row, error);
  float *turned = sf_try_alloc (w->n, sizeof *turned, error);

  for (gsize o = 0; row != NULL && turned != NULL && o < out; o++)
    {
      sf_array_read (w, o * in * taps, in * taps, row);
      for (gsize i = 0; i < in; i++)
        for (gsize t = 0; t < taps; t++)
          turned[(i * out + o) * taps + taps - 1 - t] = row[i * taps + t];
    }
  if (row == NULL)
    g_clear_pointer (&turned, g_free);
  return turned;
}

/* (nullable): @cx has failed. */
static const float *
get_packed (SfContext *cx, const SfKernels *kernels, SfConvMethod method, SfParameter *w, gboolean turned)
{
  static const char kinds[2][SF_N_CONV_METHODS];
  float *packed = sf_parameter_find_packing (w, &kinds[turned][method]);
  g_autofree float *memory = NULL;
  SfArray array = w->array;
  GError *error = NULL;
  gsize size;

  if (packed != NULL)
    return packed;
  if (turned)
    {
      memory = turn (&w->array, &error);
      array = (SfArray) { .n_dims = 4, .dim = { w->array.dim[1], w->array.dim[0], w->array.dim[2], w->array.dim[3] }, .n = w->array.n, .data = memory };
    }
  size = sf_conv_packed_size (kernels, method, &array);
  if (error == NULL)
    packed = sf_try_alloc_aligned (size, sizeof (float), &error);
  if (error != NULL)
    {
      sf_context_fail (cx, error);
      return NULL;
    }
  if (!sf_conv_pack (cx, kernels, method, &array, packed))
    {
      free (packed);
      return NULL;
    }
  sf_parameter_add_packing (w, &kinds[turned][method], packed, size * sizeof (float), free);
  return packed;
}

gboolean
sf_conv_joins (const SfParameter *w, const SfConvJob *job)
{
  return methods[sf_conv_method_choose (sf_kernels (), job, w->lean)].m != 0;
}

gboolean
sf_conv_apply (SfContext *cx, SfParameter *w, gboolean turned, const SfConvJob *job)
{
  const SfKernels *kernels = sf_kernels ();
  const SfConvMethod method = sf_conv_method_choose (kernels, job, turned || w->lean);
  const float *packed = NULL;

  if (!sf_context_is_dry (cx) && (packed = get_packed (cx, kernels, method, w, turned)) == NULL)
    return FALSE;
  return sf_conv_run (cx, kernels, method, job, packed);
}
