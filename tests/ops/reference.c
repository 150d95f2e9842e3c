/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include <math.h>

gsize
array_size (const Array *self)
{
  return self->dim[0] * self->dim[1] * self->dim[2] * self->dim[3];
}

void
array_clear (Array *self)
{
  g_clear_pointer (&self->data, g_free);
}

static Array
array_new (gsize n, gsize h, gsize w, gsize c)
{
  return (Array) { { n, h, w, c }, g_new0 (double, n *h *w *c) };
}

static double *
at (const Array *self, gsize n, gsize h, gsize w, gsize c)
{
  return self->data + ((n * self->dim[1] + h) * self->dim[2] + w) * self->dim[3] + c;
}

/* Runs the block that follows for each element n, h, w, c of @array. */
#define EACH(array)                               \
  for (gsize n = 0; n < (array)->dim[0]; n++)     \
    for (gsize h = 0; h < (array)->dim[1]; h++)   \
      for (gsize w = 0; w < (array)->dim[2]; w++) \
        for (gsize c = 0; c < (array)->dim[3]; c++)

static double
activate (SfActivation activation, double x)
{
  switch (activation)
    {
    case SF_ACTIVATION_SILU:
      return x / (1 + exp (-x));
    case SF_ACTIVATION_GELU:
      return x * 0.5 * (1 + erf (x / sqrt (2)));
    case SF_ACTIVATION_GELU_TANH:
      return 0.5 * x * (1 + tanh (sqrt (2 / G_PI) * (x + 0.044715 * x * x * x)));
    case SF_ACTIVATION_QUICK_GELU:
      return x / (1 + exp (-1.702 * x));
    case SF_ACTIVATION_RELU:
      return MAX (x, 0);
    case SF_ACTIVATION_MISH:
      return x * tanh (log (1 + exp (x)));
    case SF_ACTIVATION_NONE:
    default:
      return x;
    }
}

/*** Convolution and linear layers ***/

static void
conv_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  const SfConv *conv = &self->conv;
  const gsize *kernel = p[0].dim;
  int stride = MAX (conv->stride, 1);

  *y = array_new (x->dim[0], (x->dim[1] + conv->top + conv->bottom - kernel[2]) / stride + 1,
                  (x->dim[2] + conv->left + conv->right - kernel[3]) / stride + 1, kernel[0]);
  for (gsize n = 0; n < y->dim[0]; n++)
    for (gsize h = 0; h < y->dim[1]; h++)
      for (gsize v = 0; v < y->dim[2]; v++)
        for (gsize c = 0; c < y->dim[3]; c++)
          {
            double sum = p[1].data != NULL ? p[1].data[c] : 0;

            for (gsize i = 0; i < kernel[1]; i++)
              for (gsize ky = 0; ky < kernel[2]; ky++)
                for (gsize kx = 0; kx < kernel[3]; kx++)
                  {
                    int row = (int) (h * stride + ky) - conv->top, column = (int) (v * stride + kx) - conv->left;

                    if (row >= 0 && column >= 0 && row < (int) x->dim[1] && column < (int) x->dim[2])
                      sum += *at (&p[0], c, i, ky, kx) * *at (x, n, row, column, i);
                  }
            sum += x[1].data != NULL ? *at (&x[1], n, h, v, c) : 0;
            *at (y, n, h, v, c) = activate (conv->activation, sum * (conv->scale != 0 ? conv->scale : 1));
          }
}

static SfTensor *
conv_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  SfConv conv = self->conv;

  conv.residual = x[1];
  return sf_conv2d (cx, x[0], w[0], w[1], conv);
}

static SfTensor *
linear_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_linear (cx, x[0], w[0], w[1], x[1], self->conv.scale);
}

/*** Norms ***/

/* Of @n channels from @first on, in rows [row, row + rows) of @x taken as rows of channels. */
static void
normalise (const Array *x, gsize row, gsize rows, gsize first, gsize n, double eps, Array *y)
{
  const gsize c = x->dim[3];
  double mean = 0, variance = 0;

  for (gsize i = 0; i < rows * n; i++)
    mean += x->data[(row + i / n) * c + first + i % n] / (rows * n);
  for (gsize i = 0; i < rows * n; i++)
    variance += pow (x->data[(row + i / n) * c + first + i % n] - mean, 2) / (rows * n);
  for (gsize i = 0; i < rows * n; i++)
    y->data[(row + i / n) * c + first + i % n] = (x->data[(row + i / n) * c + first + i % n] - mean) / sqrt (variance + eps);
}

static void
group_norm_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  const gsize pixels = x->dim[1] * x->dim[2], channels = x->dim[3], share = channels / self->groups;

  *y = array_new (x->dim[0], x->dim[1], x->dim[2], channels);
  for (gsize i = 0; i < x->dim[0]; i++)
    for (int g = 0; g < self->groups; g++)
      normalise (x, i * pixels, pixels, g * share, share, self->a, y);
  for (gsize i = 0; i < array_size (y); i++)
    {
      gsize c = i % channels, item = i / channels / pixels;

      y->data[i] = y->data[i] * p[0].data[c] + p[1].data[c];
      if (x[1].data != NULL)
        y->data[i] = y->data[i] * (1 + x[1].data[item * 2 * channels + c]) + x[1].data[item * 2 * channels + channels + c];
      y->data[i] = activate (self->activation, y->data[i]);
    }
}

static SfTensor *
group_norm_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_group_norm (cx, x[0], (SfNorm) { w[0], w[1], self->groups, self->a, x[1], self->activation });
}

/* x: input, modulation, shift; parameters: of the convolution, of the norm */
static void
norm_conv_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  Array normed[2] = { 0 };

  group_norm_reference (self, x, p + 2, &normed[0]);
  conv_reference (self, normed, p, y);
  for (gsize i = 0; x[2].data != NULL && i < array_size (y); i++)
    y->data[i] += x[2].data[i / (y->dim[1] * y->dim[2] * y->dim[3]) * y->dim[3] + i % y->dim[3]];
  array_clear (&normed[0]);
}

static SfTensor *
norm_conv_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  SfConv conv = self->conv;

  conv.norm = (SfNorm) { w[2], w[3], self->groups, self->a, x[1], self->activation };
  conv.shift = x[2];
  return sf_conv2d (cx, x[0], w[0], w[1], conv);
}

static void
layer_norm_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], x->dim[1], x->dim[2], x->dim[3]);
  for (gsize i = 0; i < array_size (x) / x->dim[3]; i++)
    normalise (x, i, 1, 0, x->dim[3], self->a, y);
  for (gsize i = 0; i < array_size (y); i++)
    y->data[i] = y->data[i] * p[0].data[i % x->dim[3]] + p[1].data[i % x->dim[3]];
}

static SfTensor *
layer_norm_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_layer_norm (cx, x[0], w[0], w[1], self->a);
}

/*** Attention ***/

static void
attention_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  const Array *q = x, *k = self->one_tensor ? x : x + 1, *v = self->one_tensor ? x : x + 2;
  gsize queries = q->dim[1] * q->dim[2], keys = k->dim[1] * k->dim[2];
  double scale = self->a != 0 ? self->a : 1 / sqrt (self->dim);
  g_autofree double *share = g_new (double, keys);

  *y = array_new (q->dim[0], q->dim[1], q->dim[2], self->heads * self->dim);
  for (gsize item = 0; item < q->dim[0]; item++)
    for (int head = 0; head < self->heads; head++)
      for (gsize i = 0; i < queries; i++)
        {
          double *out = y->data + (item * queries + i) * y->dim[3] + head * self->dim, sum = 0;
          const double *query = q->data + (item * queries + i) * q->dim[3] + self->offset[0] + head * self->stride[0];

          for (gsize j = 0; j < keys; j++)
            {
              const double *key = k->data + (item * keys + j) * k->dim[3] + self->offset[1] + head * self->stride[1];

              share[j] = 0;
              for (int l = 0; l < self->dim; l++)
                share[j] += scale * query[l] * key[l];
              share[j] = exp (share[j]);
              sum += share[j];
            }
          for (gsize j = 0; j < keys; j++)
            for (int l = 0; l < self->dim; l++)
              out[l] += share[j] / sum * v->data[(item * keys + j) * v->dim[3] + self->offset[2] + head * self->stride[2] + l];
        }
}

static SfTensor *
attention_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  SfHeads heads[3];

  for (int i = 0; i < 3; i++)
    heads[i] = (SfHeads) { self->one_tensor && i > 0 ? sf_tensor_ref (x[0]) : x[i], self->offset[i], self->stride[i] };
  return sf_attention (cx, heads[0], heads[1], heads[2], self->heads, self->dim, self->a);
}

/*** Elements ***/

static void
activate_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], x->dim[1], x->dim[2], x->dim[3]);
  for (gsize i = 0; i < array_size (x); i++)
    y->data[i] = activate (self->activation, x->data[i]);
}

static SfTensor *
activate_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_activate (cx, x[0], self->activation);
}

static void
add_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  gboolean same = x[1].dim[1] == x->dim[1];

  *y = array_new (x->dim[0], x->dim[1], x->dim[2], x->dim[3]);
  EACH (y)
  *at (y, n, h, w, c) = self->a * (*at (x, n, h, w, c) + *at (&x[1], n, same ? h : 0, same ? w : 0, c));
}

static SfTensor *
add_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_add (cx, x[0], x[1], self->a);
}

static void
affine_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], x->dim[1], x->dim[2], x->dim[3]);
  for (gsize i = 0; i < array_size (x); i++)
    y->data[i] = (double) self->a * x->data[i] + self->b;
}

static SfTensor *
affine_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_affine (cx, x[0], self->a, self->b);
}

static void
concat_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], x->dim[1], x->dim[2], x->dim[3] + x[1].dim[3]);
  EACH (y)
  *at (y, n, h, w, c) = c < x->dim[3] ? *at (x, n, h, w, c) : *at (&x[1], n, h, w, c - x->dim[3]);
}

static SfTensor *
concat_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_concat (cx, x[0], x[1]);
}

/* Layers that read two tensors as one: x: input, what lies beside it */
static void
beside_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  Array joined[3] = { 0 };

  concat_reference (self, x, p, &joined[0]);
  (self->groups > 0 ? norm_conv_reference : conv_reference) (self, joined, p, y);
  array_clear (&joined[0]);
}

static SfTensor *
conv_beside_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  SfConv conv = self->conv;

  if (self->groups > 0)
    conv.norm = (SfNorm) { w[2], w[3], self->groups, self->a, NULL, self->activation };
  conv.beside = x[1];
  return sf_conv2d (cx, x[0], w[0], w[1], conv);
}

static SfTensor *
linear_joined_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_linear_joined (cx, x[0], x[1], w[0], w[1]);
}

/* The first tensor only: the factors are constants, and have no gradient. */
static void
scale_items_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], x->dim[1], x->dim[2], x->dim[3]);
  EACH (y)
  *at (y, n, h, w, c) = *at (x, n, h, w, c) * (n + 0.5);
}

static SfTensor *
scale_items_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  SfTensor *factors = sf_context_tensor (cx, self->x[0][0], 1, 1, 1);

  for (int i = 0; factors != NULL && !sf_context_is_dry (cx) && i < factors->n; i++)
    factors->data[i] = i + 0.5;
  return sf_scale_items (cx, x[0], factors);
}

/*** Sizes ***/

static void
nearest_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], 2 * x->dim[1], 2 * x->dim[2], x->dim[3]);
  EACH (y)
  *at (y, n, h, w, c) = *at (x, n, h / 2, w / 2, c);
}

static SfTensor *
nearest_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_upsample_nearest (cx, x[0]);
}

static void
mean_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], x->dim[1] / 2, x->dim[2] / 2, x->dim[3]);
  EACH (y)
  *at (y, n, h, w, c) = (*at (x, n, 2 * h, 2 * w, c) + *at (x, n, 2 * h, 2 * w + 1, c) + *at (x, n, 2 * h + 1, 2 * w, c) +
                         *at (x, n, 2 * h + 1, 2 * w + 1, c)) /
                        4;
}

static SfTensor *
mean_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_average_pool (cx, x[0]);
}

/* Zeros between the pixels (@up) or not, a border of zeros, correlation with the kernel, every @down-th pixel. */
static void
fir (const Array *x, int up, int down, int before, double gain, Array *y)
{
  static const double k[4] = { 1, 3, 3, 1 };

  EACH (y)
  for (int ky = 0; ky < 4; ky++)
    for (int kx = 0; kx < 4; kx++)
      {
        int row = (int) h * down + ky - before, column = (int) w * down + kx - before;

        if (row >= 0 && column >= 0 && row % up == 0 && column % up == 0 && row / up < (int) x->dim[1] && column / up < (int) x->dim[2])
          *at (y, n, h, w, c) += gain * k[ky] * k[kx] / 64 * *at (x, n, row / up, column / up, c);
      }
}

static void
fir_up_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], 2 * x->dim[1], 2 * x->dim[2], x->dim[3]);
  fir (x, 2, 1, 2, 4, y);
}

static SfTensor *
fir_up_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_fir_upsample (cx, x[0]);
}

static void
fir_down_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], x->dim[1] / 2, x->dim[2] / 2, x->dim[3]);
  fir (x, 1, 2, 1, 1, y);
}

static SfTensor *
fir_down_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_fir_downsample (cx, x[0]);
}

/*** Rows and tokens ***/

static const int ids[] = { 2, 0, -1, 2 };

static void
embedding_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (G_N_ELEMENTS (ids), 1, 1, p->dim[1]);
  for (gsize i = 0; i < array_size (y); i++)
    y->data[i] = ids[i / p->dim[1]] >= 0 ? p->data[ids[i / p->dim[1]] * p->dim[1] + i % p->dim[1]] : 0;
}

static SfTensor *
embedding_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_embedding (cx, w[0], ids, G_N_ELEMENTS (ids));
}

static void
prepend_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  const gsize pixels = x->dim[1] * x->dim[2], channels = x->dim[3];

  *y = array_new (x->dim[0], 1, 1 + pixels, channels);
  for (gsize i = 0; i < array_size (x); i++)
    {
      gsize c = i % channels, pixel = i / channels % pixels, n = i / channels / pixels;

      *at (y, n, 0, 0, c) += x->data[i] / pixels;
      *at (y, n, 0, 1 + pixel, c) += x->data[i];
    }
  for (gsize i = 0; i < array_size (y); i++)
    y->data[i] += p->data[i % channels * (1 + pixels) + i / channels % (1 + pixels)];
}

static SfTensor *
prepend_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_prepend_mean (cx, x[0], w[0]);
}

static void
all_mean_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], 1, 1, x->dim[3]);
  EACH (x)
  *at (y, n, 0, 0, c) += *at (x, n, h, w, c) / (x->dim[1] * x->dim[2]);
}

static SfTensor *
all_mean_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_mean (cx, x[0]);
}

static void
first_reference (const Case *self, const Array *x, const Array *p, Array *y)
{
  *y = array_new (x->dim[0], 1, 1, x->dim[3]);
  EACH (y)
  *at (y, n, h, w, c) = *at (x, n, 0, 0, c);
}

static SfTensor *
first_run (const Case *self, SfContext *cx, SfTensor **x, SfParameter **w)
{
  return sf_first_token (cx, x[0]);
}

/*** The table ***/

#define CONV .run = conv_run, .reference = conv_reference
#define LINEAR .run = linear_run, .reference = conv_reference
#define ATTENTION .run = attention_run, .reference = attention_reference
#define NORM_CONV .run = norm_conv_run, .reference = norm_conv_reference
#define CONV_BESIDE .run = conv_beside_run, .reference = beside_reference
#define LINEAR_JOINED .run = linear_joined_run, .reference = beside_reference
#define GROUP_NORM .run = group_norm_run, .reference = group_norm_reference
#define ACTIVATE(which) .x = { { 2, 9, 11, 5 } }, .run = activate_run, .reference = activate_reference, .activation = SF_ACTIVATION_##which

const Case cases[] = {
  { "conv/3x3", { { 2, 6, 9, 5 } }, { { 7, 5, 3, 3 }, { 7, 1, 1, 1 } }, CONV, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1 } },
  { "conv/residual", { { 1, 5, 7, 4 }, { 1, 5, 7, 6 } }, { { 6, 4, 3, 3 }, { 6, 1, 1, 1 } }, CONV, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1, .scale = 0.7f } },
  { "conv/residual-alone", { { 1, 5, 7, 4 }, { 1, 5, 7, 6 } }, { { 6, 4, 3, 3 } }, CONV, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1 } },
  { "conv/halving", { { 2, 8, 6, 3 } }, { { 4, 3, 3, 3 }, { 4, 1, 1, 1 } }, CONV, .conv = { .stride = 2, .bottom = 1, .right = 1 } },
  { "conv/halving-odd", { { 1, 7, 9, 3 } }, { { 4, 3, 3, 3 } }, CONV, .conv = { .stride = 2, .top = 1, .left = 1, .bottom = 1, .right = 1 } },
  { "conv/stride-3", { { 1, 11, 10, 2 } }, { { 3, 2, 2, 4 } }, CONV, .conv = { .stride = 3, .top = 2, .right = 1, .scale = -2 } },
  { "conv/5x3-valid", { { 1, 8, 7, 2 } }, { { 3, 2, 5, 3 }, { 3, 1, 1, 1 } }, CONV },
  { "conv/uneven-padding", { { 1, 4, 5, 2 } }, { { 3, 2, 3, 3 }, { 3, 1, 1, 1 } }, CONV, .conv = { .top = 2, .right = 3 } },
  { "conv/activation", { { 1, 5, 6, 3 } }, { { 4, 3, 3, 3 }, { 4, 1, 1, 1 } }, CONV, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1, .activation = SF_ACTIVATION_SILU } },
  { "conv/1x1", { { 2, 5, 3, 6 }, { 2, 5, 3, 4 } }, { { 4, 6, 1, 1 }, { 4, 1, 1, 1 } }, CONV, .conv = { .scale = 0.5f } },
  { "conv/1x1-halving", { { 1, 7, 6, 3 } }, { { 4, 3, 1, 1 }, { 4, 1, 1, 1 } }, CONV, .conv = { .stride = 2 } },
  { "conv/tiles", { { 2, 24, 20, 20 } }, { { 140, 20, 3, 3 }, { 140, 1, 1, 1 } }, CONV, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1 } },
  { "conv/norm", { { 2, 9, 7, 8 } }, { { 5, 8, 3, 3 }, { 5, 1, 1, 1 }, { 8, 1, 1, 1 }, { 8, 1, 1, 1 } }, NORM_CONV, .groups = 4, .a = 1e-5f, .activation = SF_ACTIVATION_SILU, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1 } },
  { "conv/norm-shift", { { 2, 10, 70, 6 }, { 2, 1, 1, 12 }, { 2, 1, 1, 40 } }, { { 40, 6, 3, 3 }, { 40, 1, 1, 1 }, { 6, 1, 1, 1 }, { 6, 1, 1, 1 } }, NORM_CONV, .groups = 2, .a = 1e-5f, .activation = SF_ACTIVATION_SILU, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1 } },
  { "conv/norm-uneven", { { 1, 6, 9, 6 }, { 1, 1, 1, 12 }, { 1, 1, 1, 5 } }, { { 5, 6, 3, 3 }, { 5, 1, 1, 1 }, { 6, 1, 1, 1 }, { 6, 1, 1, 1 } }, NORM_CONV, .groups = 3, .a = 1e-5f, .conv = { .top = 2, .right = 3 } },
  { "conv/norm-halving", { { 2, 8, 6, 4 }, { 2, 1, 1, 8 }, { 2, 1, 1, 3 } }, { { 3, 4, 3, 3 }, { 3, 1, 1, 1 }, { 4, 1, 1, 1 }, { 4, 1, 1, 1 } }, NORM_CONV, .groups = 2, .a = 1e-5f, .activation = SF_ACTIVATION_SILU, .conv = { .stride = 2, .bottom = 1, .right = 1 } },
  { "conv/beside", { { 1, 4, 6, 3 }, { 1, 4, 6, 2 } }, { { 4, 5, 3, 3 }, { 4, 1, 1, 1 } }, CONV_BESIDE, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1 } },
  { "conv/norm-beside", { { 2, 9, 7, 5 }, { 2, 9, 7, 7 } }, { { 6, 12, 3, 3 }, { 6, 1, 1, 1 }, { 12, 1, 1, 1 }, { 12, 1, 1, 1 } }, CONV_BESIDE, .groups = 3, .a = 1e-5f, .activation = SF_ACTIVATION_SILU, .conv = { .top = 1, .left = 1, .bottom = 1, .right = 1 } },
  { "linear/joined", { { 2, 3, 4, 5 }, { 2, 3, 4, 2 } }, { { 6, 7, 1, 1 }, { 6, 1, 1, 1 } }, LINEAR_JOINED },
  { "linear/joined-in-place", { { 1, 30, 20, 21 }, { 1, 30, 20, 8 } }, { { 21, 29, 1, 1 } }, LINEAR_JOINED },
  { "linear/bias", { { 2, 3, 4, 5 } }, { { 7, 5, 1, 1 }, { 7, 1, 1, 1 } }, LINEAR },
  { "linear/plain", { { 3, 1, 1, 9 } }, { { 4, 9, 1, 1 } }, LINEAR },
  { "linear/residual", { { 2, 1, 6, 5 }, { 2, 1, 6, 8 } }, { { 8, 5, 1, 1 }, { 8, 1, 1, 1 } }, LINEAR, .conv = { .scale = 1.3f } },
  { "linear/tiles", { { 1, 20, 30, 40 } }, { { 150, 40, 1, 1 }, { 150, 1, 1, 1 } }, LINEAR },
  { "group-norm/plain", { { 2, 5, 4, 12 } }, { { 12, 1, 1, 1 }, { 12, 1, 1, 1 } }, GROUP_NORM, .groups = 3, .a = 1e-5f },
  { "group-norm/silu", { { 2, 3, 5, 8 } }, { { 8, 1, 1, 1 }, { 8, 1, 1, 1 } }, GROUP_NORM, .groups = 8, .a = 1e-6f, .activation = SF_ACTIVATION_SILU },
  { "group-norm/modulation", { { 2, 3, 5, 8 }, { 2, 1, 1, 16 } }, { { 8, 1, 1, 1 }, { 8, 1, 1, 1 } }, GROUP_NORM, .groups = 2, .a = 1e-5f, .activation = SF_ACTIVATION_SILU },
  { "group-norm/modulation-alone", { { 3, 2, 2, 6 }, { 3, 1, 1, 12 } }, { { 6, 1, 1, 1 }, { 6, 1, 1, 1 } }, GROUP_NORM, .groups = 1, .a = 1e-3f },
  { "group-norm/chunks", { { 2, 50, 41, 32 } }, { { 32, 1, 1, 1 }, { 32, 1, 1, 1 } }, GROUP_NORM, .groups = 8, .a = 1e-5f, .activation = SF_ACTIVATION_SILU },
  { "layer-norm/small", { { 2, 3, 5, 11 } }, { { 11, 1, 1, 1 }, { 11, 1, 1, 1 } }, .run = layer_norm_run, .reference = layer_norm_reference, .a = 1e-5f },
  { "layer-norm/tiles", { { 2, 60, 25, 64 } }, { { 64, 1, 1, 1 }, { 64, 1, 1, 1 } }, .run = layer_norm_run, .reference = layer_norm_reference, .a = 1e-5f },
  { "attention/three", { { 2, 3, 4, 12 }, { 2, 3, 4, 12 }, { 2, 3, 4, 12 } }, ATTENTION, .heads = 3, .dim = 4, .stride = { 4, 4, 4 } },
  { "attention/joint", { { 2, 3, 5, 24 } }, ATTENTION, .heads = 2, .dim = 4, .offset = { 0, 8, 16 }, .stride = { 4, 4, 4 }, .one_tensor = TRUE },
  { "attention/interleaved", { { 1, 4, 4, 30 } }, ATTENTION, .heads = 2, .dim = 5, .offset = { 0, 5, 10 }, .stride = { 15, 15, 15 }, .one_tensor = TRUE },
  { "attention/itself", { { 1, 2, 5, 6 } }, ATTENTION, .heads = 1, .dim = 6, .stride = { 6, 6, 6 }, .one_tensor = TRUE },
  { "attention/cross", { { 2, 3, 4, 8 }, { 2, 1, 7, 10 }, { 2, 1, 7, 9 } }, ATTENTION, .heads = 2, .dim = 4, .offset = { 0, 1, 1 }, .stride = { 4, 5, 4 }, .a = 0.8f },
  { "attention/one-query", { { 2, 1, 1, 6 }, { 2, 1, 9, 6 }, { 2, 1, 9, 6 } }, ATTENTION, .heads = 2, .dim = 3, .stride = { 3, 3, 3 } },
  { "attention/tiles", { { 1, 14, 15, 24 } }, ATTENTION, .heads = 2, .dim = 4, .offset = { 0, 8, 16 }, .stride = { 4, 4, 4 }, .one_tensor = TRUE },
  { "activate/silu", ACTIVATE (SILU) },
  { "activate/gelu", ACTIVATE (GELU) },
  { "activate/gelu-tanh", ACTIVATE (GELU_TANH) },
  { "activate/quick-gelu", ACTIVATE (QUICK_GELU) },
  { "activate/relu", ACTIVATE (RELU) },
  { "activate/mish", ACTIVATE (MISH) },
  { "activate/none", ACTIVATE (NONE) },
  { "add/same", { { 2, 3, 4, 5 }, { 2, 3, 4, 5 } }, .run = add_run, .reference = add_reference, .a = 0.5f },
  { "add/each-pixel", { { 2, 3, 4, 5 }, { 2, 1, 1, 5 } }, .run = add_run, .reference = add_reference, .a = 1 },
  { "add/tiles", { { 2, 60, 50, 20 }, { 2, 1, 1, 20 } }, .run = add_run, .reference = add_reference, .a = 1 },
  { "affine/both", { { 1, 3, 4, 5 } }, .run = affine_run, .reference = affine_reference, .a = 0.3f, .b = -0.2f },
  { "affine/none", { { 1, 3, 4, 5 } }, .run = affine_run, .reference = affine_reference, .a = 1 },
  { "scale-items", { { 3, 2, 4, 5 } }, .run = scale_items_run, .reference = scale_items_reference },
  { "concat", { { 2, 3, 4, 5 }, { 2, 3, 4, 2 } }, .run = concat_run, .reference = concat_reference },
  { "nearest", { { 2, 3, 4, 5 } }, .run = nearest_run, .reference = nearest_reference },
  { "mean/even", { { 2, 4, 6, 5 } }, .run = mean_run, .reference = mean_reference },
  { "mean/odd", { { 1, 5, 7, 2 } }, .run = mean_run, .reference = mean_reference },
  { "fir-up/even", { { 2, 3, 4, 5 } }, .run = fir_up_run, .reference = fir_up_reference },
  { "fir-up/odd", { { 1, 1, 5, 3 } }, .run = fir_up_run, .reference = fir_up_reference },
  { "fir-down/even", { { 2, 4, 6, 5 } }, .run = fir_down_run, .reference = fir_down_reference },
  { "fir-down/odd", { { 1, 5, 7, 2 } }, .run = fir_down_run, .reference = fir_down_reference },
  { "embedding", .w = { { 4, 6, 1, 1 } }, .run = embedding_run, .reference = embedding_reference },
  { "prepend-mean", { { 2, 3, 4, 5 } }, { { 5, 13, 1, 1 } }, .run = prepend_run, .reference = prepend_reference },
  { "mean/all", { { 2, 5, 4, 18 } }, .run = all_mean_run, .reference = all_mean_reference },
  { "first-token", { { 2, 1, 7, 5 } }, .run = first_run, .reference = first_reference },
};
const int n_cases = G_N_ELEMENTS (cases);
