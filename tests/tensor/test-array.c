/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-array.h"

#include <math.h>
#include <string.h>

/* The value of a number with @exponent_bits bits of exponent and @fraction_bits of fraction, by its definition. */
static double
decode (guint bits, int exponent_bits, int fraction_bits)
{
  int bias = (1 << (exponent_bits - 1)) - 1, exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1);
  double fraction = ldexp (bits & ((1u << fraction_bits) - 1), -fraction_bits);
  double sign = bits >> (exponent_bits + fraction_bits) != 0 ? -1 : 1;

  if (exponent == (1 << exponent_bits) - 1)
    return fraction != 0 ? NAN : sign * INFINITY;
  return sign * (exponent == 0 ? ldexp (fraction, 1 - bias) : ldexp (1 + fraction, exponent - bias));
}

/* All 65536 numbers of a format of two bytes, none of them aligned. */
static void
check_half (SfDtype dtype, int exponent_bits)
{
  const gsize n = 65536;
  g_autofree guint8 *file = g_malloc (2 * n + 1);
  g_autofree float *out = g_new (float, n);
  SfArray array = { .dtype = dtype, .n_dims = 1, .dim = { n }, .n = n, .data = file + 1 };

  for (gsize i = 0; i < n; i++)
    memcpy (file + 1 + 2 * i, &(guint16) { i }, 2);
  sf_array_read (&array, 0, n, out);
  for (gsize i = 0; i < n; i++)
    {
      double expected = decode (i, exponent_bits, 15 - exponent_bits);

      g_assert_true (isnan (expected) ? isnan (out[i]) : out[i] == (float) expected && !signbit (out[i]) == !signbit (expected));
    }
}

static void
test_halves (void)
{
  check_half (SF_DTYPE_F16, 5);
  check_half (SF_DTYPE_BF16, 8);
}

#define CHECK(dtype_, type, ...)                                                              \
  G_STMT_START                                                                                \
  {                                                                                           \
    const type in[] = { __VA_ARGS__ };                                                        \
    const gsize n = G_N_ELEMENTS (in);                                                        \
    guint8 file[sizeof in + 1];                                                               \
    float out[G_N_ELEMENTS (in)];                                                             \
    SfArray array = { .dtype = dtype_, .n_dims = 1, .dim = { n }, .n = n, .data = file + 1 }; \
                                                                                              \
    g_assert_cmpuint (sf_dtype_size (dtype_), ==, sizeof (type));                             \
    memcpy (file + 1, in, sizeof in);                                                         \
    sf_array_read (&array, 0, n, out);                                                        \
    for (gsize i = 0; i < n; i++)                                                             \
      g_assert_cmpfloat (out[i], ==, (float) in[i]);                                          \
    sf_array_read (&array, n - 1, 1, out); /* a part of it */                                 \
    g_assert_cmpfloat (out[0], ==, (float) in[n - 1]);                                        \
  }                                                                                           \
  G_STMT_END

static void
test_whole (void)
{
  CHECK (SF_DTYPE_F32, float, 0, -1.5f, 3e38f, 1e-45f);
  CHECK (SF_DTYPE_F64, double, 0, -1.5, 1e-3, 1e300, G_PI);
  CHECK (SF_DTYPE_I64, gint64, 0, -1, G_MAXINT64, G_MININT64);
  CHECK (SF_DTYPE_I32, gint32, 0, -1, G_MAXINT32, G_MININT32);
  CHECK (SF_DTYPE_I16, gint16, 0, -1, G_MAXINT16, G_MININT16);
  CHECK (SF_DTYPE_I8, gint8, 0, -1, 127, -128);
  CHECK (SF_DTYPE_U8, guint8, 0, 1, 255);
  CHECK (SF_DTYPE_BOOL, guint8, 0, 1);
}

static void
test_names (void)
{
  for (int i = 0; i < SF_N_DTYPES; i++)
    {
      g_assert_cmpuint (sf_dtype_size (i), >, 0);
      for (int j = 0; j < i; j++)
        g_assert_cmpstr (sf_dtype_name (i), !=, sf_dtype_name (j));
    }
  g_assert_cmpstr (sf_dtype_name (SF_DTYPE_BF16), ==, "BF16");
}

static void
test_describe (void)
{
  SfArray array = { .n_dims = 4, .dim = { 128, 3, 3, 3 } };
  g_autofree char *four = sf_array_describe (&array), *none = NULL;

  g_assert_cmpstr (four, ==, "[128, 3, 3, 3]");
  array.n_dims = 0;
  none = sf_array_describe (&array);
  g_assert_cmpstr (none, ==, "[]");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/array/halves", test_halves);
  g_test_add_func ("/array/whole", test_whole);
  g_test_add_func ("/array/names", test_names);
  g_test_add_func ("/array/describe", test_describe);
  return g_test_run ();
}
