/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/sf-binder.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _SfBinder
{
  SfWeights *weights;
  char *root;                  /* comes before every name */
  const SfRenaming *renamings; /* (nullable) */
  GString *path;               /* empty, or with a dot at its end */
  GPtrArray *parameters;
  GHashTable *bound; /* name in the file → SfParameter */
  GError *error;
};

/* Where a file holds a network several times: as it is, then the averaged weights, then any. */
static int
rank (const char *root)
{
  return *root == '\0' ? 0 : strstr (root, "ema") != NULL ? 1
                                                          : 2;
}

/* (transfer full): what comes before @anchor in the file. */
static char *
find_root (const SfWeights *weights, const char *anchor)
{
  g_autofree char *best = NULL;

  for (int i = 0; i < sf_weights_get_n (weights); i++)
    {
      const char *name = sf_weights_get_name (weights, i);
      gsize n = strlen (name) - MIN (strlen (name), strlen (anchor));
      g_autofree char *root = g_strndup (name, n);

      if (!g_str_equal (name + n, anchor) || (n > 0 && root[n - 1] != '.'))
        continue;
      if (best == NULL || rank (root) < rank (best) || (rank (root) == rank (best) && n < strlen (best)))
        {
          g_free (best);
          best = g_steal_pointer (&root);
        }
    }
  return best != NULL ? g_steal_pointer (&best) : g_strdup ("");
}

SfBinder *
sf_binder_new (SfWeights *weights, const char *anchor, const SfRenaming *renamings)
{
  SfBinder *self = g_new0 (SfBinder, 1);

  self->weights = sf_weights_ref (weights);
  self->root = anchor != NULL ? find_root (weights, anchor) : g_strdup ("");
  self->renamings = renamings;
  self->path = g_string_new (NULL);
  self->parameters = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_parameter_free);
  self->bound = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
sf_binder_free (SfBinder *self)
{
  sf_weights_unref (self->weights);
  g_free (self->root);
  g_string_free (self->path, TRUE);
  g_clear_pointer (&self->parameters, g_ptr_array_unref);
  g_hash_table_unref (self->bound);
  g_clear_error (&self->error);
  g_free (self);
}

SfBinder *
sf_binder_at (SfBinder *self, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_string_vprintf (self->path, format, arguments);
  va_end (arguments);
  g_string_append_c (self->path, '.');
  return self;
}

SfBinder *
sf_binder_at_top (SfBinder *self)
{
  g_string_truncate (self->path, 0);
  return self;
}

void
sf_binder_fail (SfBinder *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (self->error != NULL)
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  sf_bad_file (&self->error, "%s: %s", sf_weights_get_path (self->weights), text);
}

gboolean
sf_binder_check (SfBinder *self, GError **error)
{
  if (*error == NULL)
    return TRUE;
  sf_binder_fail (self, "%s", (*error)->message);
  g_clear_error (error);
  return FALSE;
}

/* (transfer full): the name in the file of @name below the current path; where it has none, the one that it should have. */
static char *
find (SfBinder *self, const char *name)
{
  g_autofree char *first = NULL;

  for (const SfRenaming *row = self->renamings; row != NULL && row->ours != NULL; row++)
    {
      gsize n = strlen (row->ours);
      g_autofree char *theirs = NULL;

      if (!g_str_has_prefix (name, row->ours) || (name[n] != '.' && name[n] != '\0'))
        continue;
      theirs = g_strconcat (self->root, self->path->str, row->theirs, name + n, NULL);
      if (sf_weights_get (self->weights, theirs) != NULL)
        return g_steal_pointer (&theirs);
      if (first == NULL)
        first = g_steal_pointer (&theirs);
    }
  return first != NULL ? g_steal_pointer (&first) : g_strconcat (self->root, self->path->str, name, NULL);
}

const SfArray *
sf_binder_peek (SfBinder *self, const char *name)
{
  g_autofree char *found = find (self, name);

  return sf_weights_get (self->weights, found);
}

static int
significant_dims (const gsize *dim, int n)
{
  while (n > 0 && dim[n - 1] == 1)
    n--;
  return n;
}

static gboolean
fits (const SfArray *array, const SfShape *shape)
{
  int n = significant_dims (shape->dim, shape->n_dims);

  return n == significant_dims (array->dim, array->n_dims) && memcmp (array->dim, shape->dim, n * sizeof (gsize)) == 0;
}

static char *
describe (const SfShape *shape)
{
  SfArray array = { .n_dims = shape->n_dims };

  memcpy (array.dim, shape->dim, sizeof shape->dim);
  return sf_array_describe (&array);
}

static gboolean
is_real (SfDtype dtype)
{
  return dtype == SF_DTYPE_F32 || dtype == SF_DTYPE_F16 || dtype == SF_DTYPE_BF16 || dtype == SF_DTYPE_F64;
}

SfParameter *
sf_bind (SfBinder *self, const char *name, SfShape shape)
{
  g_autofree char *found = find (self, name);
  g_autofree char *wanted = describe (&shape);
  const SfArray *array = sf_weights_get (self->weights, found);
  SfParameter *parameter;

  if (self->error != NULL)
    return NULL;
  if (array == NULL)
    {
      sf_binder_fail (self, _ ("the array “%s” of shape %s is missing"), found, wanted);
      return NULL;
    }
  if (!fits (array, &shape))
    {
      g_autofree char *is = sf_array_describe (array);

      sf_binder_fail (self, _ ("the array “%s” has the shape %s instead of %s"), found, is, wanted);
      return NULL;
    }
  if (!is_real (array->dtype))
    {
      sf_binder_fail (self, _ ("the array “%s” holds numbers of type %s instead of real numbers"), found, sf_dtype_name (array->dtype));
      return NULL;
    }
  parameter = g_hash_table_lookup (self->bound, found);
  if (parameter != NULL)
    return parameter;
  parameter = sf_parameter_new (g_intern_string (found), array);
  g_ptr_array_add (self->parameters, parameter);
  g_hash_table_insert (self->bound, (gpointer) parameter->name, parameter);
  return parameter;
}

static SfLayer
bind_layer (SfBinder *self, const char *name, SfShape weight, int out)
{
  g_autofree char *w = g_strconcat (name, ".weight", NULL);
  g_autofree char *b = g_strconcat (name, ".bias", NULL);
  SfParameter *parameter = sf_bind (self, w, weight);

  return (SfLayer) { parameter, sf_bind (self, b, SF_SHAPE (out)) };
}

SfLayer
sf_bind_linear (SfBinder *self, const char *name, int in, int out)
{
  return bind_layer (self, name, SF_SHAPE (out, in), out);
}

SfLayer
sf_bind_conv (SfBinder *self, const char *name, int in, int out, int kernel)
{
  return bind_layer (self, name, SF_SHAPE (out, in, kernel, kernel), out);
}

SfLayer
sf_bind_norm (SfBinder *self, const char *name, int channels, int groups)
{
  if (groups < 1 || channels % groups != 0)
    sf_binder_fail (self, _ ("%d channels of “%s%s” cannot be normalised in %d groups"), channels, self->path->str, name, groups);
  return bind_layer (self, name, SF_SHAPE (channels), channels);
}

GPtrArray *
sf_binder_finish (SfBinder *self, GStrv *unexpected, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  int n = 0;

  if (self->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->error));
      return NULL;
    }
  for (int i = 0; i < sf_weights_get_n (self->weights); i++)
    if (!g_hash_table_contains (self->bound, sf_weights_get_name (self->weights, i)))
      {
        g_strv_builder_add (builder, sf_weights_get_name (self->weights, i));
        n++;
      }
  *unexpected = n > 0 ? g_strv_builder_end (builder) : NULL;
  return g_steal_pointer (&self->parameters);
}
