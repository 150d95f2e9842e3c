/* SPDX-License-Identifier: GPL-3.0-or-later */
/* safetensors: length of the header (8 bytes, little endian), header in JSON, data.  Everything becomes double. */
#include <string.h>

#include "golden-private.h"

static void
tensor_free (gpointer data)
{
  GoldenTensor *self = data;

  g_free (self->value);
  g_free (self);
}

static double
element (const char *type, const guint8 *p)
{
  double f64;
  float f32;
  gint64 i64;

  if (g_str_equal (type, "F64"))
    return memcpy (&f64, p, 8), f64;
  if (g_str_equal (type, "F32"))
    return memcpy (&f32, p, 4), f32;
  if (g_str_equal (type, "I64"))
    return memcpy (&i64, p, 8), (double) i64;
  return *p;
}

static GoldenTensor *
read_tensor (JsonObject *description, const guint8 *data, gsize length)
{
  const char *type = json_object_get_string_member (description, "dtype");
  JsonArray *shape = json_object_get_array_member (description, "shape");
  JsonArray *range = json_object_get_array_member (description, "data_offsets");
  gsize begin = json_array_get_int_element (range, 0), end = json_array_get_int_element (range, 1);
  gsize width = g_str_equal (type, "U8") ? 1 : g_str_equal (type, "F32") ? 4
                                                                         : 8;
  GoldenTensor *self = g_new0 (GoldenTensor, 1);

  self->n_dims = (int) json_array_get_length (shape);
  self->size = 1;
  for (int i = 0; i < self->n_dims && i < (int) G_N_ELEMENTS (self->dim); i++)
    self->size *= self->dim[i] = json_array_get_int_element (shape, i);
  if (self->n_dims > (int) G_N_ELEMENTS (self->dim) || begin > end || end > length || end - begin != self->size * width)
    {
      tensor_free (self);
      return NULL;
    }
  self->value = g_new (double, self->size + 1);
  for (gsize i = 0; i < self->size; i++)
    self->value[i] = element (type, data + begin + i * width);
  return self;
}

GHashTable *
golden_read_tensors (const char *path, GError **error)
{
  g_autoptr (GHashTable) cases = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *bytes = NULL;
  g_autoptr (GList) names = NULL;
  JsonObject *header;
  guint64 size;
  gsize length;

  if (!g_file_get_contents (path, &bytes, &length, error))
    return NULL;
  memcpy (&size, bytes, MIN (length, 8));
  if (length < 8 || size > length - 8)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s is not a safetensors file", path);
      return NULL;
    }
  if (!json_parser_load_from_data (parser, bytes + 8, size, error))
    return NULL;
  header = json_node_get_object (json_parser_get_root (parser));
  names = json_object_get_members (header);
  for (GList *l = names; l != NULL; l = l->next)
    {
      const char *name = l->data, *dot = strrchr (name, '.');
      g_autofree char *owner = dot != NULL ? g_strndup (name, dot - name) : NULL;
      GHashTable *tensors = owner != NULL ? g_hash_table_lookup (cases, owner) : NULL;
      GoldenTensor *tensor;

      if (owner == NULL)
        continue;
      tensor = read_tensor (json_object_get_object_member (header, name), (guint8 *) bytes + 8 + size, length - 8 - size);
      if (tensor == NULL)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s has a wrong size", path, name);
          return NULL;
        }
      if (tensors == NULL)
        {
          tensors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, tensor_free);
          g_hash_table_insert (cases, g_steal_pointer (&owner), tensors);
        }
      g_hash_table_insert (tensors, g_strdup (dot + 1), tensor);
    }
  return g_steal_pointer (&cases);
}
