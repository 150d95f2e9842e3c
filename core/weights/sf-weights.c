/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/sf-weights.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/sf-error.h"
#include "weights/sf-mapping.h"

#define HEAD 64                /* bytes that a format is known by */
#define MOST_ARRAYS (1 << 18)  /* hundred times what large networks have */
#define LONGEST_MESSAGE 400    /* bytes */

typedef struct
{
  const guint8 *data;
  gsize size;
} Block;

struct _SfWeights
{
  gatomicrefcount refs;
  char *path;
  GHashTable *arrays;   /* name: SfArray */
  GPtrArray *names;     /* sorted; the keys of @arrays */
  GHashTable *metadata; /* key: value */
  GArray *blocks;       /* Block: the memory of each file, the last one first read */
  GPtrArray *mappings;  /* SfMapping */
  GHashTable *copies;   /* memory of sf_weights_alloc(): its size */
  gsize left;           /* bytes that sf_weights_alloc() may still give */
  gboolean in_part;
};

#define SF_ITEM(name) extern const SfFormat sf_format_##name;
#include "weights/sf-format-list.h"
#undef SF_ITEM

static const SfFormat *const formats[] = {
#define SF_ITEM(name) &sf_format_##name,
#include "weights/sf-format-list.h"
#undef SF_ITEM
};

const SfFormat *const *
sf_formats (int *n)
{
  *n = G_N_ELEMENTS (formats);
  return formats;
}

gboolean
sf_bad_file (GError **error, const char *format, ...)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *valid = NULL;
  va_list args;

  va_start (args, format);
  g_string_vprintf (text, format, args);
  va_end (args);
  if (text->len > LONGEST_MESSAGE)
    g_string_append (g_string_truncate (text, LONGEST_MESSAGE), "…");
  valid = g_utf8_make_valid (text->str, (gssize) text->len);
  for (char *c = valid; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = '?';
  g_set_error_literal (error, SF_ERROR, SF_ERROR_MODEL, valid);
  return FALSE;
}

/*** Reading ***/

static SfWeights *
weights_new (const char *path)
{
  SfWeights *self = g_new0 (SfWeights, 1);

  g_atomic_ref_count_init (&self->refs);
  self->path = g_strdup (path);
  self->arrays = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->names = g_ptr_array_new ();
  self->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->blocks = g_array_new (FALSE, FALSE, sizeof (Block));
  self->mappings = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_mapping_free);
  self->copies = g_hash_table_new_full (NULL, NULL, g_free, NULL);
  return self;
}

/* FALSE with an error that lists what there is. */
static gboolean
unknown_format (GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    g_string_append_printf (known, i == 0 ? "%s" : ", %s", _ (formats[i]->label));
  return sf_bad_file (error, _ ("is of no known format (known: %s)"), known->str);
}

/* The message begins with the file that it is about. */
static gboolean
name_file (const char *path, GError **error)
{
  if (error != NULL && g_error_matches (*error, SF_ERROR, SF_ERROR_MODEL))
    {
      g_autofree char *name = g_filename_display_name (path);

      g_prefix_error (error, "%s: ", name);
    }
  return FALSE;
}

static gboolean
read_block (SfWeights *self, const guint8 *data, gsize size, const SfProgress *progress, GError **error)
{
  const Block block = { data, size };

  if (G_BYTE_ORDER != G_LITTLE_ENDIAN)
    return sf_bad_file (error, _ ("has numbers in little-endian order, which this machine does not have"));
  g_array_append_val (self->blocks, block);
  self->left += size;
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (size > 0 && formats[i]->probe (data, MIN (size, HEAD), size))
      return formats[i]->read (self, data, size, progress, error);
  return unknown_format (error);
}

/* A file that is cut while it is read is all zeros from there, so what was found may be any nonsense. */
static gboolean
read_file (SfWeights *self, const char *path, const SfProgress *progress, GError **error)
{
  SfMapping *mapping = sf_mapping_open (path, error);

  if (mapping == NULL)
    return name_file (path, error);
  g_ptr_array_add (self->mappings, mapping);
  if (!read_block (self, sf_mapping_get_data (mapping), sf_mapping_get_size (mapping), progress, error))
    return name_file (path, error);
  return self->in_part || sf_weights_check (self, error);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* @self: (transfer full): complete, if @ok. */
static SfWeights *
finish (SfWeights *self, gboolean ok)
{
  if (!ok)
    {
      sf_weights_unref (self);
      return NULL;
    }
  g_ptr_array_sort (self->names, compare_names);
  return self;
}

SfWeights *
sf_weights_open (const char *path, const SfProgress *progress, GError **error)
{
  g_autofree char *full = g_canonicalize_filename (path, NULL); /* whatever the current folder will be */
  SfWeights *self = weights_new (full);

  return finish (self, read_file (self, full, progress, error));
}

SfWeights *
sf_weights_read (const guint8 *data, gsize size, const char *path, const SfProgress *progress, GError **error)
{
  SfWeights *self = weights_new (path);

  return finish (self, read_block (self, data, size, progress, error) || name_file (path, error));
}

SfWeights *
sf_weights_ref (SfWeights *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
sf_weights_unref (SfWeights *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->path);
  g_ptr_array_unref (self->names);
  g_hash_table_unref (self->arrays);
  g_hash_table_unref (self->metadata);
  g_array_unref (self->blocks);
  g_ptr_array_unref (self->mappings);
  g_hash_table_unref (self->copies);
  g_free (self);
}

/*** Asking ***/

const char *
sf_weights_get_path (const SfWeights *self)
{
  return self->path;
}

const SfArray *
sf_weights_get (const SfWeights *self, const char *name)
{
  return g_hash_table_lookup (self->arrays, name);
}

int
sf_weights_get_n (const SfWeights *self)
{
  return (int) self->names->len;
}

const char *
sf_weights_get_name (const SfWeights *self, int i)
{
  return g_ptr_array_index (self->names, i);
}

const char *
sf_weights_get_metadata (const SfWeights *self, const char *key)
{
  return g_hash_table_lookup (self->metadata, key);
}

gboolean
sf_weights_check (const SfWeights *self, GError **error)
{
  for (guint i = 0; i < self->mappings->len; i++)
    {
      const SfMapping *mapping = g_ptr_array_index (self->mappings, i);

      if (!sf_mapping_check (mapping, error))
        return name_file (sf_mapping_get_path (mapping), error);
    }
  return TRUE;
}

/*** For formats ***/

gboolean
sf_array_measure (SfArray *array, gsize *size)
{
  array->n = 1;
  for (int i = 0; i < array->n_dims; i++)
    if (!g_size_checked_mul (&array->n, array->n, array->dim[i]))
      return FALSE;
  return g_size_checked_mul (size, array->n, sf_dtype_size (array->dtype));
}

static gboolean
lies_in (const Block *block, const guint8 *data, gsize size)
{
  return data >= block->data && size <= block->size && (gsize) (data - block->data) <= block->size - size;
}

/* Files are searched from the last one, which is the one that is being read. */
static gboolean
is_ours (const SfWeights *self, const guint8 *data, gsize size)
{
  Block copy = { data, GPOINTER_TO_SIZE (g_hash_table_lookup (self->copies, data)) };

  for (guint i = self->blocks->len; i-- > 0;)
    if (lies_in (&g_array_index (self->blocks, Block, i), data, size))
      return TRUE;
  return g_hash_table_contains (self->copies, data) && lies_in (&copy, data, size);
}

gboolean
sf_weights_add (SfWeights *self, const char *name, const SfArray *array, GError **error)
{
  SfArray *own;
  char *key;
  gsize size;

  if (g_hash_table_contains (self->arrays, name))
    return sf_bad_file (error, _ ("has two arrays with the name “%s”"), name);
  if (self->names->len == MOST_ARRAYS)
    return sf_bad_file (error, _ ("has more than %d arrays"), MOST_ARRAYS);
  own = g_memdup2 (array, sizeof *array);
  if (!sf_array_measure (own, &size) || !is_ours (self, array->data, size))
    {
      g_free (own);
      return sf_bad_file (error, _ ("array “%s” goes beyond the end of the file"), name);
    }
  key = g_strdup (name);
  g_hash_table_insert (self->arrays, key, own);
  g_ptr_array_add (self->names, key);
  return TRUE;
}

void
sf_weights_set_metadata (SfWeights *self, const char *key, const char *value)
{
  if (!g_hash_table_contains (self->metadata, key))
    g_hash_table_insert (self->metadata, g_strdup (key), g_strdup (value));
}

gpointer
sf_weights_alloc (SfWeights *self, gsize size, GError **error)
{
  gpointer memory;

  if (size > self->left)
    {
      sf_bad_file (error, _ ("has arrays that would take more memory than the file is large"));
      return NULL;
    }
  memory = sf_try_alloc (size, 1, error);
  if (memory != NULL)
    {
      self->left -= size;
      g_hash_table_insert (self->copies, memory, GSIZE_TO_POINTER (size));
    }
  return memory;
}

/* Only a plain name: no index of a checkpoint has more, and so it cannot lead out of its folder. */
gboolean
sf_weights_add_part (SfWeights *self, const char *name, const SfProgress *progress, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  g_autofree char *path = NULL;
  gboolean ok;

  if (self->in_part)
    return sf_bad_file (error, _ ("is a part of a checkpoint, but has parts itself"));
  if (strchr (name, G_DIR_SEPARATOR) != NULL || g_str_equal (name, ".") || g_str_equal (name, "..") || *name == '\0')
    return sf_bad_file (error, _ ("“%s” is no name of a file in the same folder"), name);
  path = g_build_filename (folder, name, NULL);
  self->in_part = TRUE;
  ok = read_file (self, path, progress, error);
  self->in_part = FALSE;
  return ok;
}
