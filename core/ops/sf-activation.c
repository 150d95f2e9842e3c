/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Functions of one element, and their slopes.  Where e^x overflows, the limits come out right: x / inf = 0. */
#include <math.h>
#include <string.h>

#include "kernels/sf-kernels.h"
#include "ops/sf-ops-private.h"

#define SQRT_2_OVER_PI 0.7978845608f
#define GELU_CUBIC 0.044715f
#define QUICK 1.702f

static inline float
sigmoid (float x)
{
  return 1 / (1 + expf (-x));
}

/* The distribution function of a normal variable. */
static inline float
normal_phi (float x)
{
  return 0.5f * erfcf (-(float) M_SQRT1_2 * x);
}

static inline float
softplus (float x)
{
  return x > 20 ? x : log1pf (expf (x));
}

#define EACH(formula)           \
  for (gsize i = 0; i < n; i++) \
    {                           \
      float v = x[i];           \
                                \
      y[i] = (formula);         \
    }                           \
  break

void
sf_activation_apply (SfActivation self, const float *x, float *y, gsize n)
{
  if (!sf_ops_are_plain ())
    {
      sf_kernels ()->layers->activate (self, x, y, n);
      return;
    }
  switch (self)
    {
    case SF_ACTIVATION_NONE:
      EACH (v);
    case SF_ACTIVATION_SILU:
      EACH (v / (1 + expf (-v)));
    case SF_ACTIVATION_GELU:
      EACH (v * normal_phi (v));
    case SF_ACTIVATION_GELU_TANH:
      EACH (0.5f * v * (1 + tanhf (SQRT_2_OVER_PI * (v + GELU_CUBIC * v * v * v))));
    case SF_ACTIVATION_QUICK_GELU:
      EACH (v / (1 + expf (-QUICK * v)));
    case SF_ACTIVATION_RELU:
      EACH (v < 0 ? 0 : v);
    case SF_ACTIVATION_MISH:
      EACH (v * tanhf (softplus (v)));
    }
}

/* d/dx x sigmoid (k x) */
static inline float
swish_slope (float x, float k)
{
  float s = sigmoid (k * x);

  return s + k * x * s * (1 - s);
}

static inline float
gelu_slope (float x)
{
  return normal_phi (x) + x * expf (-0.5f * x * x) * (float) (M_SQRT1_2 * 0.5 * M_2_SQRTPI);
}

static inline float
gelu_tanh_slope (float x)
{
  float t = tanhf (SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x));

  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * x * x);
}

static inline float
mish_slope (float x)
{
  float t = tanhf (softplus (x));

  return t + x * (1 - t * t) * sigmoid (x);
}

void
sf_activation_slope (SfActivation self, const float *x, float *dy, gsize n)
{
  float *y = dy;

  switch (self)
    {
    case SF_ACTIVATION_NONE:
      break;
    case SF_ACTIVATION_SILU:
      EACH (y[i] * swish_slope (v, 1));
    case SF_ACTIVATION_GELU:
      EACH (y[i] * gelu_slope (v));
    case SF_ACTIVATION_GELU_TANH:
      EACH (y[i] * gelu_tanh_slope (v));
    case SF_ACTIVATION_QUICK_GELU:
      EACH (y[i] * swish_slope (v, QUICK));
    case SF_ACTIVATION_RELU:
      EACH (v < 0 ? 0 : y[i]);
    case SF_ACTIVATION_MISH:
      EACH (y[i] * mish_slope (v));
    }
}

/*** The op ***/

typedef struct
{
  SfOp op;
  SfActivation activation;
} Activate;

#define TILE (SF_OP_TILE / 8) /* an element is some tens of operations */

static void
activate_tile (gsize begin, gsize end, gpointer data)
{
  const Activate *self = data;

  sf_activation_apply (self->activation, self->op.x[0]->data + begin, self->op.y->data + begin, end - begin);
}

/* op.x: the op's input and dy; op.y: dx */
static void
slope_tile (gsize begin, gsize end, gpointer data)
{
  const Activate *self = data;
  float *dx = self->op.y->data;

  if (self->op.y != self->op.x[1])
    memcpy (dx + begin, self->op.x[1]->data + begin, (end - begin) * sizeof (float));
  sf_activation_slope (self->activation, self->op.x[0]->data + begin, dx + begin, end - begin);
}

static void
activate_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Activate *self = saved;
  g_autoptr (SfTensor) g = dy;
  g_autoptr (SfTensor) dx = sf_op_reuse (cx, g);
  Activate slope = { .op = { .x = { self->op.x[0], g }, .y = dx }, .activation = self->activation };

  if (dx != NULL && sf_op_run (cx, sf_tensor_size (g), TILE, slope_tile, &slope, sf_tensor_size (g)))
    sf_context_add_gradient (cx, self->op.x[0], g_steal_pointer (&dx));
}

SfTensor *
sf_activate (SfContext *cx, SfTensor *x, SfActivation activation)
{
  g_autoptr (SfTensor) input = x;
  g_autoptr (SfTensor) y = NULL;
  Activate self = { .op.x = { x }, .activation = activation };

  if (sf_op_failed (cx, &self.op, 1))
    return NULL;
  if (activation == SF_ACTIVATION_NONE)
    return g_steal_pointer (&input);
  self.op.y = y = sf_op_reuse (cx, x);
  if (y == NULL || !sf_op_run (cx, sf_tensor_size (x), TILE, activate_tile, &self, sf_tensor_size (x)))
    return NULL;
  sf_op_record (cx, activate_backward, &self, sizeof self);
  return g_steal_pointer (&y);
}
