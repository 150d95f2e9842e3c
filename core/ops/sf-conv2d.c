/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolution as a product: for some pixels of the result at a time, what each of them sees is written to one row, and the rows
 * are multiplied by the weights, [out][kh][kw][in].
 *
 *   y[oy, ox, :] = sum_{ky, kx} W[:, ky, kx, :] x[oy stride + ky - top, ox stride + kx - left, :]
 *
 * The gradient with respect to x is the same with the roles of pixels turned round: x[iy, ix] was seen by the y[oy, ox] with
 * oy = (iy + top - ky) / stride, where that is whole.  One function gathers for both.
 */
#include <string.h>

#include "kernels/sf-blas.h"
#include "ops/sf-conv.h"
#include "ops/sf-ops-private.h"
#include "ops/sf-scratch.h"

#define FLOATS 262144 /* of gathered rows, to stay in cache */
#define MIN_ROWS 64
#define MAX_ROWS 256

/* Along one axis, tap t of pixel i sees pixel (i * step + t * direction + offset) / divisor, where that is whole and inside. */
typedef struct
{
  int step, direction, offset, divisor;
} Axis;

/* Of @x, what pixels of a result of @h x @w pixels see through @kh x @kw taps. */
typedef struct
{
  const SfTensor *x;
  int h, w, kh, kw;
  Axis y_axis, x_axis;
} Gather;

/* -1: outside */
static int
find (const Axis *axis, int i, int tap, int size)
{
  int at = i * axis->step + tap * axis->direction + axis->offset;

  return at >= 0 && at % axis->divisor == 0 && at / axis->divisor < size ? at / axis->divisor : -1;
}

/* Channels [first, first + c) of what pixel @pixel sees through tap (@ky, @kx). */
static void
gather_tap (const Gather *self, gsize pixel, int ky, int kx, int first, int c, float *out)
{
  const SfTensor *x = self->x;
  gsize item = pixel / ((gsize) self->h * self->w);
  int y = find (&self->y_axis, pixel / self->w % self->h, ky, x->h), column = find (&self->x_axis, pixel % self->w, kx, x->w);

  if (y >= 0 && column >= 0)
    memcpy (out, x->data + ((item * x->h + y) * x->w + column) * x->c + first, c * sizeof *out);
  else
    memset (out, 0, c * sizeof *out);
}

/*** Result or gradient of the input ***/

typedef struct
{
  Gather gather;
  const float *w; /* columns of the result x (kh kw channels of gather.x) */
  gsize k;
  SfEpilogue to;
  SfGrid grid;
  SfScratch scratch;
} Run;

static void
run_tile (gsize begin, gsize end, gpointer data)
{
  Run *run = data;
  const Gather *gather = &run->gather;
  const int c = gather->x->c;
  float *seen = sf_scratch_take (&run->scratch);

  for (gsize i = begin; i < end; i++)
    {
      gsize row, rows;
      int column, columns;
      float *out = seen;

      sf_grid_part (&run->grid, i, &row, &rows, &column, &columns);
      for (gsize pixel = row; pixel < row + rows; pixel++)
        for (int tap = 0; tap < gather->kh * gather->kw; tap++, out += c)
          gather_tap (gather, pixel, tap / gather->kw, tap % gather->kw, 0, c, out);
      sf_gemm (FALSE, TRUE, rows, columns, run->k, seen, run->k, run->w + column * run->k, run->k,
               sf_epilogue_begin (&run->to, row, rows, column, columns), run->to.y + row * run->to.n + column, run->to.n);
      sf_epilogue_end (&run->to, row, rows, column, columns);
    }
  sf_scratch_give (&run->scratch, seen);
}

static gboolean
run_product (SfContext *cx, Gather gather, const float *w, SfEpilogue to)
{
  gsize k = (gsize) gather.kh * gather.kw * gather.x->c, m = (gsize) gather.x->n * gather.h * gather.w;
  Run run = { .gather = gather, .w = w, .k = k, .to = to, .grid = sf_grid (m, to.n, k, CLAMP (FLOATS / k, MIN_ROWS, MAX_ROWS)) };
  gboolean done = sf_scratch_init (&run.scratch, cx, run.grid.rows * k) &&
                  sf_op_run (cx, sf_grid_size (&run.grid), 1, run_tile, &run, 2.0 * m * to.n * k);

  sf_scratch_clear (&run.scratch);
  return done;
}

/*** Gradient of the weights ***/

#define PIXELS 512
#define MIN_CHANNELS 16

/* For each tap and block of channels: dW[:, block, tap] += g^T (what the pixels of g see of the block through the tap). */
typedef struct
{
  Gather gather;
  const SfTensor *g;
  float *dw;    /* [out][in][kh][kw] */
  int channels; /* per block */
  SfScratch scratch;
} WeightRun;

static void
weight_tile (gsize begin, gsize end, gpointer data)
{
  WeightRun *run = data;
  const int in = run->gather.x->c, out = run->g->c, taps = run->gather.kh * run->gather.kw;
  const gsize m = (gsize) run->g->n * run->g->h * run->g->w;
  float *sum = sf_scratch_take (&run->scratch), *seen = sum + (gsize) out * run->channels;

  for (gsize i = begin; i < end; i++)
    {
      int tap = i % taps, first = i / taps * run->channels, c = MIN (run->channels, in - first);

      for (gsize pixel = 0; pixel < m; pixel += PIXELS)
        {
          int pixels = MIN (PIXELS, m - pixel);

          for (int j = 0; j < pixels; j++)
            gather_tap (&run->gather, pixel + j, tap / run->gather.kw, tap % run->gather.kw, first, c, seen + (gsize) j * c);
          sf_gemm (TRUE, FALSE, out, c, pixels, run->g->data + pixel * out, out, seen, c, pixel > 0, sum, c);
        }
      for (int o = 0; o < out; o++)
        for (int j = 0; j < c; j++)
          run->dw[((gsize) o * in + first + j) * taps + tap] += sum[(gsize) o * c + j];
    }
  sf_scratch_give (&run->scratch, sum);
}

static void
add_weight_gradient (SfContext *cx, Gather gather, const SfTensor *g, float *dw)
{
  const int in = gather.x->c, taps = gather.kh * gather.kw;
  double work = 2.0 * g->n * g->h * g->w * g->c;
  int channels = MIN (CLAMP (4e8 / work, MIN_CHANNELS, 256), in);
  WeightRun run = { .gather = gather, .g = g, .dw = dw, .channels = channels };

  if (sf_scratch_init (&run.scratch, cx, (gsize) (g->c + PIXELS) * channels))
    sf_op_run (cx, (gsize) taps * ((in + channels - 1) / channels), 1, weight_tile, &run, work * in * taps);
  sf_scratch_clear (&run.scratch);
}

/*** Weights ***/

/* [out][in][kh][kw] to [out][kh][kw][in], or with @transposed to [in][kh][kw][out]; (nullable).  Not to be read in a dry context. */
static const float *
pack (SfContext *cx, SfParameter *w, gboolean transposed)
{
  static const char kinds[2];
  const gsize out = w->array.dim[0], in = w->array.dim[1], taps = w->array.dim[2] * w->array.dim[3];
  float *packed = sf_parameter_find_packing (w, &kinds[transposed]);
  g_autofree float *row = NULL;

  if (sf_context_is_dry (cx))
    return w->array.data;
  if (packed != NULL || (packed = sf_parameter_pack (w, cx, &kinds[transposed], w->array.n)) == NULL)
    return packed;
  row = g_new (float, in *taps);
  for (gsize o = 0; o < out; o++)
    {
      sf_array_read (&w->array, o * in * taps, in * taps, row);
      for (gsize i = 0; i < in; i++)
        for (gsize t = 0; t < taps; t++)
          packed[transposed ? (i * taps + t) * out + o : (o * taps + t) * in + i] = row[i * taps + t];
    }
  return packed;
}

/*** The op ***/

typedef struct
{
  SfOp op; /* x, residual */
  SfParameter *w, *b;
  int stride, top, left;
  float scale;
} Conv;

/* dx, from @g; with stride 1 it is a convolution too.  FALSE: the context has failed. */
static gboolean
make_input_gradient (SfContext *cx, const Conv *self, const SfTensor *g, SfTensor *dx)
{
  const int kh = self->w->array.dim[2], kw = self->w->array.dim[3];
  const SfConvJob job = {
    .n = g->n,
    .h = g->h,
    .w = g->w,
    .c = g->c,
    .kernel_h = kh,
    .kernel_w = kw,
    .stride = 1,
    .top = kh - 1 - self->top,
    .left = kw - 1 - self->left,
    .out_h = dx->h,
    .out_w = dx->w,
    .out_c = dx->c,
    .x = g->data,
    .scale = 1,
    .y = dx->data,
  };
  const Gather gather = { g, dx->h, dx->w, kh, kw, { 1, -1, self->top, self->stride }, { 1, -1, self->left, self->stride } };
  const float *w;

  if (!sf_ops_are_plain () && self->stride == 1 && job.top >= 0 && job.left >= 0 && sf_conv_method_can (sf_kernels (), SF_CONV_DIRECT, &job))
    return sf_conv_apply (cx, self->w, TRUE, &job);
  w = pack (cx, self->w, TRUE);
  return w != NULL && run_product (cx, gather, w, (SfEpilogue) { dx->data, dx->c, .scale = 1 });
}

static void
conv_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Conv *self = saved;
  SfTensor *x = self->op.x[0];
  const int kh = self->w->array.dim[2], kw = self->w->array.dim[3];
  g_autoptr (SfTensor) g = sf_affine (cx, dy, self->scale, 0);

  if (g == NULL)
    return;
  if (self->w->gradient != NULL)
    add_weight_gradient (cx, (Gather) { x, g->h, g->w, kh, kw, { self->stride, 1, -self->top, 1 }, { self->stride, 1, -self->left, 1 } },
                         g, self->w->gradient);
  sf_op_add_bias_gradient (cx, self->b, g);
  if (sf_context_wants_gradient (cx, x))
    {
      g_autoptr (SfTensor) dx = sf_op_new_like (cx, x);

      if (dx != NULL && make_input_gradient (cx, self, g, dx))
        sf_context_add_gradient (cx, x, g_steal_pointer (&dx));
    }
  if (self->op.x[1] != NULL)
    sf_context_add_gradient (cx, self->op.x[1], g_steal_pointer (&g));
}

/* The plain way, which the fast ones are compared with. */
static gboolean
run_plain (SfContext *cx, const SfTensor *x, SfParameter *w, const SfConvJob *job)
{
  const float *weights = pack (cx, w, FALSE);
  const Axis y_axis = { job->stride, 1, -job->top, 1 }, x_axis = { job->stride, 1, -job->left, 1 };

  return weights != NULL && run_product (cx, (Gather) { x, job->out_h, job->out_w, job->kernel_h, job->kernel_w, y_axis, x_axis }, weights,
                                         (SfEpilogue) { job->y, job->out_c, job->bias, job->residual, job->scale });
}

/* The sizes of a convolution. */
static SfConvJob
make_job (const SfTensor *x, const SfParameter *w, const SfConv *conv)
{
  const int kh = w->array.dim[2], kw = w->array.dim[3], stride = MAX (conv->stride, 1);

  return (SfConvJob) {
    .n = x->n,
    .h = x->h,
    .w = x->w,
    .c = sf_op_channels (x, conv->beside),
    .kernel_h = kh,
    .kernel_w = kw,
    .stride = stride,
    .top = conv->top,
    .left = conv->left,
    .out_h = (x->h + conv->top + conv->bottom - kh) / stride + 1,
    .out_w = (x->w + conv->left + conv->right - kw) / stride + 1,
    .out_c = w->array.dim[0],
    .scale = conv->scale != 0 ? conv->scale : 1,
  };
}

/*** With a norm before and a sum after it ***/

static gboolean
is_fast (const SfConvJob *job)
{
  return !sf_ops_are_plain () && sf_conv_method_can (sf_kernels (), SF_CONV_DIRECT, job);
}

/* Whether all can be done at once.  Two tensors can only be read where a norm joins them. */
static gboolean
can_join (SfContext *cx, const SfParameter *w, const SfConv *conv, const SfConvJob *job)
{
  return !sf_context_has_tape (cx) && is_fast (job) && sf_conv_joins (w, job) && (conv->beside == NULL || conv->norm.w != NULL);
}

/* Each on its own: where gradients are wanted, and where the convolution cannot do more. */
static SfTensor *
conv2d_apart (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b, SfConv conv)
{
  SfTensor *shift = g_steal_pointer (&conv.shift);

  if (conv.beside != NULL)
    x = sf_concat (cx, x, g_steal_pointer (&conv.beside));
  if (conv.norm.w != NULL)
    x = sf_group_norm (cx, x, conv.norm);
  conv.norm = (SfNorm) { NULL };
  x = sf_conv2d (cx, x, w, b, conv);
  return shift != NULL ? sf_add (cx, x, shift, 1) : x;
}

/* (transfer full) (nullable): n x 1 x 1 x c: @shift (transfer none) and the bias. */
static SfTensor *
add_bias (SfContext *cx, const SfTensor *shift, const float *bias)
{
  SfTensor *sum = sf_op_new_like (cx, shift);

  for (gsize i = 0; sum != NULL && !sf_context_is_dry (cx) && i < sf_tensor_size (sum); i++)
    sum->data[i] = shift->data[i] + (bias != NULL ? bias[i % shift->c] : 0);
  return sum;
}

/* FALSE: the context has failed. */
static gboolean
run_fast (SfContext *cx, SfTensor *x, SfParameter *w, const SfConv *conv, SfConvJob job, SfTensor *y)
{
  g_autoptr (SfTensor) line = NULL, bias = NULL, moments = NULL;

  if (conv->norm.w != NULL)
    {
      line = sf_group_norm_line (cx, x, conv->beside, &conv->norm);
      job.line = line != NULL ? line->data : NULL;
      job.activation = conv->norm.activation;
    }
  if (conv->shift != NULL)
    {
      bias = add_bias (cx, conv->shift, job.bias);
      job.bias = bias != NULL ? bias->data : NULL;
      job.bias_step = job.out_c;
    }
  if (!sf_context_has_tape (cx))
    job.moments = &moments;
  if (sf_context_failed (cx) || !sf_conv_apply (cx, w, FALSE, &job))
    return FALSE;
  sf_tensor_set_moments (y, g_steal_pointer (&moments));
  return TRUE;
}

SfTensor *
sf_conv2d (SfContext *cx, SfTensor *x, SfParameter *w, SfParameter *b, SfConv conv)
{
  g_autoptr (SfTensor) input = x, beside = conv.beside, residual = conv.residual, modulation = conv.norm.modulation, shift = conv.shift;
  g_autoptr (SfTensor) y = NULL;
  const gboolean more = beside != NULL || conv.norm.w != NULL || shift != NULL;
  Conv self = { .op.x = { x, residual }, .w = w, .b = b };
  SfConvJob job;

  if (sf_op_failed (cx, &self.op, 1))
    return NULL;
  job = make_job (x, w, &conv);
  g_assert (w->array.dim[1] == (gsize) job.c && (b == NULL || b->array.n == (gsize) job.out_c));
  g_assert ((residual == NULL && shift == NULL) || conv.activation == SF_ACTIVATION_NONE);
  g_assert (shift == NULL || (job.scale == 1 && shift->n == x->n && sf_tensor_size (shift) == (gsize) x->n * job.out_c));
  if (more && !can_join (cx, w, &conv, &job))
    {
      input = beside = residual = modulation = shift = NULL;
      return conv2d_apart (cx, x, w, b, conv);
    }
  if (job.kernel_h == 1 && job.kernel_w == 1 && job.out_h == x->h && job.out_w == x->w)
    return sf_activate (cx, sf_linear (cx, g_steal_pointer (&input), w, b, g_steal_pointer (&residual), job.scale), conv.activation);
  self.op.y = y = residual != NULL ? sf_op_reuse (cx, residual) : sf_context_tensor (cx, x->n, job.out_h, job.out_w, job.out_c);
  if (y == NULL || (b != NULL && (job.bias = sf_parameter_get_floats (b, cx)) == NULL))
    return NULL;
  g_assert (y->n == x->n && y->h == job.out_h && y->w == job.out_w && y->c == job.out_c);
  job.x = x->data;
  job.beside = beside != NULL ? beside->data : NULL;
  job.beside_c = job.c - x->c;
  job.residual = residual != NULL ? residual->data : NULL;
  job.y = y->data;
  if (!(is_fast (&job) ? run_fast (cx, x, w, &conv, job, y) : run_plain (cx, x, w, &job)))
    return NULL;
  self.stride = job.stride;
  self.top = conv.top;
  self.left = conv.left;
  self.scale = job.scale;
  sf_op_record (cx, conv_backward, &self, sizeof self);
  return sf_activate (cx, g_steal_pointer (&y), conv.activation);
}
