/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is made of a parameter once, and is made anew when its values change. */
#include "ops/sf-parameter.h"

#include "base/sf-rng.h"
#include "kernels/sf-tile.h"
#include "ops/sf-ops-private.h"

#define CHANNELS 32
#define MOST (CHANNELS * CHANNELS * 9)

/* (transfer full): of one image, the same at each call. */
static SfTensor *
noise (SfContext *cx)
{
  SfTensor *x = sf_context_tensor (cx, 1, 12, 12, CHANNELS);

  sf_rng_normal ((SfRng) { 5, 0 }, 0, x->data, sf_tensor_size (x));
  return x;
}

static SfTensor *
convolve (SfContext *cx, SfParameter *w)
{
  return sf_conv2d (cx, noise (cx), w, NULL, (SfConv) { .top = 1, .left = 1, .bottom = 1, .right = 1 });
}

static SfTensor *
multiply (SfContext *cx, SfParameter *w)
{
  return sf_linear (cx, noise (cx), w, NULL, NULL, 1);
}

static SfTensor *
normalize (SfContext *cx, SfParameter *w)
{
  return sf_layer_norm (cx, noise (cx), w, w, 1e-5);
}

static const struct
{
  const char *name;
  SfTensor *(*run) (SfContext *cx, SfParameter *w);
  int n_dims;
  gsize dim[4];
} cases[] = {
  { "conv", convolve, 4, { CHANNELS, CHANNELS, 3, 3 } },
  { "linear", multiply, 2, { CHANNELS, CHANNELS } },
  { "norm", normalize, 1, { CHANNELS } },
};

/* Twice the weights give twice the result, to the last bit: all that is done to them is linear, and doubling is exact. */
static void
test_changed (gconstpointer data)
{
  const int which = GPOINTER_TO_INT (data) / 2;
  g_autoptr (SfContext) cx = sf_context_new (16 << 20);
  g_autofree guint16 *values = g_new (guint16, MOST); /* of bf16, so that plain ops keep a copy too */
  g_autofree float *random = g_new (float, MOST);
  SfArray array = { .dtype = SF_DTYPE_BF16, .n_dims = cases[which].n_dims, .n = 1, .data = values };
  g_autoptr (SfParameter) w = NULL;
  g_autoptr (SfTensor) before = NULL, after = NULL;

  for (int i = 0; i < array.n_dims; i++)
    array.n *= array.dim[i] = cases[which].dim[i];
  sf_rng_normal ((SfRng) { 5, 1 }, 0, random, array.n);
  for (gsize i = 0; i < array.n; i++)
    values[i] = sf_bf16 (random[i]);
  w = sf_parameter_new ("w", &array);
  sf_ops_force_plain (GPOINTER_TO_INT (data) % 2);

  before = cases[which].run (cx, w);
  g_assert_cmpuint (sf_parameter_get_packed_size (w), >, 0);
  for (gsize i = 0; i < array.n; i++)
    values[i] = sf_bf16 (2 * random[i]);
  sf_parameter_changed (w);
  g_assert_cmpuint (sf_parameter_get_packed_size (w), ==, 0);
  after = cases[which].run (cx, w);
  for (gsize i = 0; i < sf_tensor_size (before); i++)
    g_assert_cmpfloat (after->data[i], ==, 2 * before->data[i]);
  sf_ops_force_plain (FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/parameter/changed/%s%s", cases[i / 2].name, i % 2 ? "/plain" : "");

      g_test_add_data_func (path, GINT_TO_POINTER (i), test_changed);
    }
  return g_test_run ();
}
