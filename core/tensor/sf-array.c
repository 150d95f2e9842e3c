/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elements of a file may begin at any byte, so each is copied before it is looked at; compilers make plain loads of that. */
#include "tensor/sf-array.h"

#include <string.h>

static const struct
{
  const char *name;
  gsize size;
} dtypes[SF_N_DTYPES] = {
  [SF_DTYPE_F32] = { "F32", 4 },
  [SF_DTYPE_F16] = { "F16", 2 },
  [SF_DTYPE_BF16] = { "BF16", 2 },
  [SF_DTYPE_F64] = { "F64", 8 },
  [SF_DTYPE_I64] = { "I64", 8 },
  [SF_DTYPE_I32] = { "I32", 4 },
  [SF_DTYPE_I16] = { "I16", 2 },
  [SF_DTYPE_I8] = { "I8", 1 },
  [SF_DTYPE_U8] = { "U8", 1 },
  [SF_DTYPE_BOOL] = { "BOOL", 1 },
};

const char *
sf_dtype_name (SfDtype self)
{
  return dtypes[self].name;
}

gsize
sf_dtype_size (SfDtype self)
{
  return dtypes[self].size;
}

static float
from_bits (guint32 bits)
{
  float x;

  memcpy (&x, &bits, sizeof x);
  return x;
}

/* Sign 1, exponent 8, fraction 7: the upper half of a float. */
static float
from_bf16 (guint16 bits)
{
  return from_bits ((guint32) bits << 16);
}

/* Sign 1, exponent 5, fraction 10.  Moved to the places of a float, the exponent is 112 too small, which a product by 2^112
 * puts right, subnormal numbers included; infinity and NaN get theirs back. */
static float
from_f16 (guint16 bits)
{
  guint32 sign = (guint32) (bits & 0x8000) << 16, rest = (guint32) (bits & 0x7fff) << 13;

  return rest >= 0x0f800000 ? from_bits (sign | rest | 0x7f800000) : from_bits (sign | rest) * 0x1p112f;
}

#define READ(type, convert)                               \
  for (gsize i = 0; i < n; i++)                           \
    {                                                     \
      type element;                                       \
                                                          \
      memcpy (&element, data + i * size, sizeof element); \
      out[i] = convert (element);                         \
    }                                                     \
  break

void
sf_array_read (const SfArray *self, gsize first, gsize n, float *out)
{
  const gsize size = dtypes[self->dtype].size;
  const guint8 *data = (const guint8 *) self->data + first * size;

  g_assert (first <= self->n && n <= self->n - first);
  switch (self->dtype)
    {
    case SF_DTYPE_F32:
      memcpy (out, data, n * size);
      break;
    case SF_DTYPE_F16:
      READ (guint16, from_f16);
    case SF_DTYPE_BF16:
      READ (guint16, from_bf16);
    case SF_DTYPE_F64:
      READ (double, (float) );
    case SF_DTYPE_I64:
      READ (gint64, (float) );
    case SF_DTYPE_I32:
      READ (gint32, (float) );
    case SF_DTYPE_I16:
      READ (gint16, (float) );
    case SF_DTYPE_I8:
      READ (gint8, (float) );
    case SF_DTYPE_U8:
    case SF_DTYPE_BOOL:
      READ (guint8, (float) );
    case SF_N_DTYPES:
      g_assert_not_reached ();
    }
}

char *
sf_array_describe (const SfArray *self)
{
  GString *text = g_string_new ("[");

  for (int i = 0; i < self->n_dims; i++)
    g_string_append_printf (text, i == 0 ? "%" G_GSIZE_FORMAT : ", %" G_GSIZE_FORMAT, self->dim[i]);
  return g_string_free (g_string_append_c (text, ']'), FALSE);
}
