/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ops/sf-parameter.h"

#include <stdlib.h>

#include "base/sf-error.h"

static void
packing_clear (gpointer data)
{
  SfPacking *packing = data;

  packing->free (packing->data);
}

SfParameter *
sf_parameter_new (const char *name, const SfArray *array)
{
  SfParameter *self = g_new0 (SfParameter, 1);

  self->name = g_intern_string (name);
  self->array = *array;
  self->packings = g_array_new (FALSE, FALSE, sizeof (SfPacking));
  g_array_set_clear_func (self->packings, packing_clear);
  return self;
}

void
sf_parameter_free (SfParameter *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->packings);
  g_free (self->gradient);
  g_free (self);
}

void
sf_parameter_want_gradient (SfParameter *self)
{
  g_free (self->gradient);
  self->gradient = g_new0 (float, self->array.n);
}

gpointer
sf_parameter_find_packing (const SfParameter *self, const void *kind)
{
  for (guint i = 0; i < self->packings->len; i++)
    {
      SfPacking *packing = &g_array_index (self->packings, SfPacking, i);

      if (packing->kind == kind)
        return packing->data;
    }
  return NULL;
}

void
sf_parameter_add_packing (SfParameter *self, const void *kind, gpointer data, gsize size, GDestroyNotify free_func)
{
  SfPacking packing = { kind, data, size, free_func };

  g_array_append_val (self->packings, packing);
}

void
sf_parameter_changed (SfParameter *self)
{
  g_array_set_size (self->packings, 0);
}

gsize
sf_parameter_get_packed_size (const SfParameter *self)
{
  gsize size = 0;

  for (guint i = 0; i < self->packings->len; i++)
    size += g_array_index (self->packings, SfPacking, i).size;
  return size;
}

float *
sf_parameter_pack (SfParameter *self, SfContext *cx, const void *kind, gsize n)
{
  g_autoptr (GError) error = NULL;
  float *data = sf_try_alloc_aligned (n, sizeof *data, &error);

  if (data != NULL)
    sf_parameter_add_packing (self, kind, data, n * sizeof *data, free);
  else
    sf_context_fail (cx, g_steal_pointer (&error));
  return data;
}

const float *
sf_parameter_get_floats (SfParameter *self, SfContext *cx)
{
  static const char kind = 0;
  float *floats;

  if (sf_context_is_dry (cx))
    return self->array.data;
  if (self->array.dtype == SF_DTYPE_F32 && GPOINTER_TO_SIZE (self->array.data) % sizeof (float) == 0)
    return self->array.data;
  floats = sf_parameter_find_packing (self, &kind);
  if (floats == NULL && (floats = sf_parameter_pack (self, cx, &kind, self->array.n)) != NULL)
    sf_array_read (&self->array, 0, self->array.n, floats);
  return floats;
}
