/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checkpoint.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "base/sf-rng.h"

struct _Checkpoint
{
  GHashTable *arrays; /* name: SfArray, whose data is its own */
};

static void
array_free (gpointer data)
{
  SfArray *self = data;

  g_free ((gpointer) self->data);
  g_free (self);
}

Checkpoint *
checkpoint_new (void)
{
  Checkpoint *self = g_new (Checkpoint, 1);

  self->arrays = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, array_free);
  return self;
}

static void
insert (Checkpoint *self, const char *name, const SfArray *array, gpointer data)
{
  SfArray *copy = g_memdup2 (array, sizeof *array);

  copy->data = data;
  g_hash_table_insert (self->arrays, g_strdup (name), copy);
}

Checkpoint *
checkpoint_copy (const Checkpoint *self)
{
  Checkpoint *copy = checkpoint_new ();
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->arrays);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      SfArray *array = value;

      insert (copy, name, array, g_memdup2 (array->data, array->n * sf_dtype_size (array->dtype)));
    }
  return copy;
}

void
checkpoint_free (Checkpoint *self)
{
  g_hash_table_unref (self->arrays);
  g_free (self);
}

/* Weights of size 1 / sqrt (inputs), so that activations stay as large as they are; factors near 1, and small numbers to add. */
void
checkpoint_add (Checkpoint *self, const char *name, const char *shape)
{
  g_auto (GStrv) sizes = g_strsplit (shape + 1, ",", -1);
  SfArray array = { .dtype = SF_DTYPE_F32, .n_dims = (int) g_strv_length (sizes), .n = 1 };
  float *values;

  for (int i = 0; i < array.n_dims; i++)
    array.n *= array.dim[i] = g_ascii_strtoull (sizes[i], NULL, 10);
  values = g_new (float, array.n);
  sf_rng_normal ((SfRng) { 7, g_str_hash (name) }, 0, values, array.n);
  for (gsize i = 0; i < array.n; i++)
    if (array.n_dims > 1)
      values[i] /= sqrtf ((float) array.n / array.dim[0]);
    else
      values[i] = (g_str_has_suffix (name, "weight") ? 1 : 0) + 0.1f * values[i];
  insert (self, name, &array, values);
}

void
checkpoint_remove (Checkpoint *self, const char *name)
{
  g_assert_true (g_hash_table_remove (self->arrays, name));
}

void
checkpoint_rename (Checkpoint *self, const char *part, const char *with)
{
  g_autoptr (GList) names = checkpoint_names (self);

  for (GList *l = names; l != NULL; l = l->next)
    {
      char *name, *found;
      gpointer array;

      if (strstr (l->data, part) == NULL)
        continue;
      g_hash_table_steal_extended (self->arrays, l->data, (gpointer *) &name, &array);
      found = strstr (name, part);
      g_hash_table_insert (self->arrays, g_strdup_printf ("%.*s%s%s", (int) (found - name), name, with, found + strlen (part)), array);
      g_free (name);
    }
}

/* To 11 significant bits; what half precision has no place for becomes 0. */
static guint16
to_half (float *value)
{
  int exponent;
  float fraction = frexpf (*value, &exponent), rounded = rintf (fabsf (fraction) * 2048);

  if (exponent < -13 || rounded == 0)
    {
      *value = 0;
      return 0;
    }
  *value = copysignf (ldexpf (rounded, exponent - 11), *value);
  return (*value < 0 ? 0x8000 : 0) + ((exponent + 14) << 10) + (int) rounded - 1024;
}

void
checkpoint_halve (Checkpoint *self, gboolean store)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->arrays);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SfArray *array = value;
      float *values = (float *) array->data;
      guint16 *halves = (guint16 *) array->data; /* catches up with the reading, never overtakes it */

      for (gsize i = 0; i < array->n; i++)
        {
          guint16 half = to_half (&values[i]);

          if (store)
            halves[i] = half;
        }
      if (store)
        array->dtype = SF_DTYPE_F16;
    }
}

GList *
checkpoint_names (const Checkpoint *self)
{
  return g_list_sort (g_hash_table_get_keys (self->arrays), (GCompareFunc) strcmp);
}

SfArray *
checkpoint_array (const Checkpoint *self, const char *name)
{
  return g_hash_table_lookup (self->arrays, name);
}

/*** Files ***/

SfWeights *
checkpoint_open (const Checkpoint *self)
{
  g_autoptr (GList) list = checkpoint_names (self);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GArray) arrays = g_array_new (FALSE, FALSE, sizeof (SfArray));
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("sfumato-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  SfWeights *weights;

  for (GList *l = list; l != NULL; l = l->next)
    {
      g_ptr_array_add (names, l->data);
      g_array_append_vals (arrays, checkpoint_array (self, l->data), 1);
    }
  if (error == NULL)
    sf_weights_write_safetensors (path, (const char *const *) names->pdata, (SfArray *) arrays->data, (int) names->len, NULL, &error);
  g_assert_no_error (error);
  weights = sf_weights_open (path, NULL, &error);
  g_assert_no_error (error);
  g_unlink (path); /* what is mapped stays */
  g_rmdir (folder);
  return weights;
}

SfNetwork *
checkpoint_network (const Checkpoint *self, JsonObject *config, GError **error)
{
  g_autoptr (SfWeights) weights = checkpoint_open (self);

  return sf_network_open (config, weights, error);
}

void
checkpoint_complete (Checkpoint *self, JsonObject *config)
{
  g_autoptr (GRegex) missing = g_regex_new ("the array “(.*)” of shape (\\[.*\\]) is missing", 0, 0, NULL);

  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SfNetwork) network = checkpoint_network (self, config, &error);
      g_autoptr (GMatchInfo) match = NULL;
      g_autofree char *name = NULL;
      g_autofree char *shape = NULL;

      if (network != NULL)
        return;
      if (!g_regex_match (missing, error->message, 0, &match))
        g_error ("%s", error->message);
      name = g_match_info_fetch (match, 1);
      shape = g_match_info_fetch (match, 2);
      checkpoint_add (self, name, shape);
    }
}
