/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

#include <glib/gstdio.h>
#include <string.h>

void
sample_number (GByteArray *out, guint64 number, int n)
{
  number = GUINT64_TO_LE (number);
  g_byte_array_append (out, (const guint8 *) &number, (guint) n);
}

void
sample_bytes (GByteArray *out, gconstpointer data, gsize size)
{
  g_byte_array_append (out, data, (guint) size);
}

static void
append (GByteArray *out, const char *text)
{
  sample_bytes (out, text, strlen (text));
}

GByteArray *
sample_safetensors (const char *header, gsize size)
{
  GByteArray *out = g_byte_array_new ();

  sample_number (out, strlen (header), 8);
  append (out, header);
  for (gsize i = 0; i < size; i++)
    sample_number (out, i, 1);
  return out;
}

/*** Zip ***/

/* The fields that a local and a central header share, from "version needed" to the length of the extra field. */
static void
zip_fields (GByteArray *out, const SampleEntry *entry, gboolean wide, int extra)
{
  sample_number (out, wide ? 45 : 20, 2);
  sample_number (out, 0, 2 + 2 + 2 + 2); /* flags, method "stored", time, date */
  sample_number (out, 0, 4);             /* nobody looks at the CRC */
  sample_number (out, wide ? G_MAXUINT32 : entry->size, 4);
  sample_number (out, wide ? G_MAXUINT32 : entry->size, 4);
  sample_number (out, strlen (entry->name), 2);
  sample_number (out, (guint64) extra, 2);
}

static void
zip_central (GByteArray *out, const SampleEntry *entry, gsize place, gboolean wide)
{
  append (out, "PK\1\2");
  sample_number (out, 45, 2);
  zip_fields (out, entry, wide, wide ? 28 : 0);
  sample_number (out, 0, 2 + 2 + 2); /* comment, disk, attributes */
  sample_number (out, 0, 4);
  sample_number (out, wide ? G_MAXUINT32 : place, 4);
  append (out, entry->name);
  if (!wide)
    return;
  sample_number (out, 1, 2);
  sample_number (out, 24, 2);
  sample_number (out, entry->size, 8);
  sample_number (out, entry->size, 8);
  sample_number (out, place, 8);
}

static void
zip_end (GByteArray *out, gsize n, gsize place, gsize size, gboolean wide)
{
  gsize end = out->len;

  if (wide)
    {
      append (out, "PK\6\6");
      sample_number (out, 44, 8);
      sample_number (out, 45, 2);
      sample_number (out, 45, 2);
      sample_number (out, 0, 8); /* disks */
      sample_number (out, n, 8);
      sample_number (out, n, 8);
      sample_number (out, size, 8);
      sample_number (out, place, 8);
      append (out, "PK\6\7");
      sample_number (out, 0, 4);
      sample_number (out, end, 8);
      sample_number (out, 1, 4);
    }
  append (out, "PK\5\6");
  sample_number (out, 0, 4);
  sample_number (out, wide ? G_MAXUINT16 : n, 2);
  sample_number (out, wide ? G_MAXUINT16 : n, 2);
  sample_number (out, wide ? G_MAXUINT32 : size, 4);
  sample_number (out, wide ? G_MAXUINT32 : place, 4);
  sample_number (out, 0, 2);
}

GByteArray *
sample_zip (const SampleEntry *entries, int n, gboolean wide)
{
  GByteArray *out = g_byte_array_new ();
  g_autofree gsize *places = g_new (gsize, n);
  gsize directory;

  for (int i = 0; i < n; i++)
    {
      places[i] = out->len;
      append (out, "PK\3\4");
      zip_fields (out, &entries[i], wide, 5); /* an extra field of padding, as PyTorch aligns with */
      append (out, entries[i].name);
      append (out, "FB\1");
      sample_number (out, 0, 2);
      sample_bytes (out, entries[i].data, entries[i].size);
    }
  directory = out->len;
  for (int i = 0; i < n; i++)
    zip_central (out, &entries[i], places[i], wide);
  zip_end (out, (gsize) n, directory, out->len - directory, wide);
  return out;
}

/*** Pickles ***/

void
pickle_text (GByteArray *out, const char *text)
{
  append (out, "X");
  sample_number (out, strlen (text), 4);
  append (out, text);
}

void
pickle_integer (GByteArray *out, int number)
{
  append (out, "J");
  sample_number (out, (guint64) (gint64) number, 4);
}

void
pickle_global (GByteArray *out, const char *module, const char *name)
{
  append (out, "c");
  append (out, module);
  append (out, "\n");
  append (out, name);
  append (out, "\n");
}

static void
pickle_integers (GByteArray *out, const int *numbers, int n)
{
  append (out, "(");
  for (int i = 0; i < n; i++)
    pickle_integer (out, numbers[i]);
  append (out, "t");
}

void
pickle_arguments (GByteArray *out, const char *storage, const char *key, int n, int offset, const int *shape, const int *strides, int n_dims)
{
  append (out, "((");
  pickle_text (out, "storage");
  pickle_global (out, "torch", storage);
  pickle_text (out, key);
  pickle_text (out, "cpu");
  pickle_integer (out, n);
  append (out, "tQ");
  pickle_integer (out, offset);
  pickle_integers (out, shape, n_dims);
  pickle_integers (out, strides, n_dims);
  append (out, "\x89");
  pickle_global (out, "collections", "OrderedDict");
  append (out, ")Rt");
}

void
pickle_tensor (GByteArray *out, const char *storage, const char *key, int n, int offset, const int *shape, const int *strides, int n_dims)
{
  pickle_global (out, "torch._utils", "_rebuild_tensor_v2");
  pickle_arguments (out, storage, key, n, offset, shape, strides, n_dims);
  append (out, "R");
}

GByteArray *
sample_archive (const GByteArray *pickle, const SampleEntry *storages, int n, gboolean wide)
{
  g_autofree SampleEntry *entries = g_new (SampleEntry, n + 2);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  entries[0] = (SampleEntry) { "x/data.pkl", pickle->data, pickle->len };
  entries[1] = (SampleEntry) { "x/byteorder", "little", 6 };
  for (int i = 0; i < n; i++)
    {
      char *name = g_strconcat ("x/data/", storages[i].name, NULL);

      g_ptr_array_add (names, name);
      entries[i + 2] = (SampleEntry) { name, storages[i].data, storages[i].size };
    }
  return sample_zip (entries, n + 2, wide);
}

GByteArray *
sample_row (const GByteArray *pickle, const SampleEntry *storages, const int *elements, int n)
{
  GByteArray *out = g_byte_array_new ();

  sample_bytes (out, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  sample_bytes (out, "\x80\2M\xe9\3.", 6);
  append (out, "\x80\2}");
  pickle_text (out, "little_endian");
  append (out, "\x88s.");
  sample_bytes (out, pickle->data, pickle->len);
  append (out, "\x80\2](");
  for (int i = 0; i < n; i++)
    pickle_text (out, storages[i].name);
  append (out, "e.");
  for (int i = 0; i < n; i++)
    {
      sample_number (out, (guint64) elements[i], 8);
      sample_bytes (out, storages[i].data, storages[i].size);
    }
  return out;
}

/*** A good file of each kind ***/

static const float a[] = { 0, 1, 2, 3, 4, 5 }, c[] = { 0, 3, 1, 4, 2, 5 };
static const SampleEntry storages[] = { { "0", a, sizeof a }, { "1", c, sizeof c } };
static const int elements[] = { 6, 6 };

static GByteArray *
make_safetensors (void)
{
  GByteArray *out = sample_safetensors ("{\"__metadata__\":{\"step\":\"7\"},"
                                        "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                                        "\"b.c\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[24,48]}}",
                                        0);

  sample_bytes (out, a, sizeof a);
  sample_bytes (out, c, sizeof c);
  return out;
}

static GByteArray *
make_index (void)
{
  static const char text[] = "{\"metadata\": {\"total_size\": 48}, \"weight_map\": {\"a\": \"part\", \"b.c\": \"part\"}}";
  GByteArray *out = g_byte_array_new ();

  append (out, text);
  return out;
}

/* {"a": tensor, "b": {"c": parameter}, "step": 7, "args": object}; @transposed: "c" is a view of the same memory. */
static GByteArray *
make_pickle (gboolean transposed)
{
  static const int shape_a[] = { 2, 3 }, strides_a[] = { 3, 1 }, shape_c[] = { 3, 2 }, strides_c[] = { 2, 1 }, turned[] = { 1, 3 };
  GByteArray *out = g_byte_array_new ();

  append (out, "\x80\2");
  pickle_global (out, "collections", "OrderedDict");
  append (out, ")R(");
  pickle_text (out, "a");
  pickle_tensor (out, "FloatStorage", "0", 6, 0, shape_a, strides_a, 2);
  pickle_text (out, "b");
  append (out, "}");
  pickle_text (out, "c");
  pickle_global (out, "torch._utils", "_rebuild_parameter");
  pickle_tensor (out, "FloatStorage", transposed ? "0" : "1", 6, 0, shape_c, transposed ? turned : strides_c, 2);
  append (out, "\x88");
  pickle_global (out, "collections", "OrderedDict");
  append (out, ")R\x87Rs");
  pickle_text (out, "step");
  pickle_integer (out, 7);
  pickle_text (out, "args");
  pickle_global (out, "argparse", "Namespace");
  append (out, ")\x81}");
  pickle_text (out, "lr");
  append (out, "K\1sbu.");
  return out;
}

static GByteArray *
make_archive (void)
{
  g_autoptr (GByteArray) pickle = make_pickle (FALSE);

  return sample_archive (pickle, storages, 2, FALSE);
}

static GByteArray *
make_wide_archive (void)
{
  g_autoptr (GByteArray) pickle = make_pickle (TRUE);

  return sample_archive (pickle, storages, 1, TRUE);
}

static GByteArray *
make_row (void)
{
  g_autoptr (GByteArray) pickle = make_pickle (FALSE);

  return sample_row (pickle, storages, elements, 2);
}

const Sample samples[] = {
  { "safetensors", "safetensors", make_safetensors },
  { "index", "index", make_index },
  { "archive", "torch", make_archive },
  { "archive of zip64 with a view", "torch", make_wide_archive },
  { "row", "torch", make_row },
};
const int n_samples = G_N_ELEMENTS (samples);

static char *folder, *part, *path;

static void
remove_folder (void)
{
  g_remove (part);
  g_rmdir (folder);
}

const char *
sample_path (void)
{
  if (path == NULL)
    {
      g_autoptr (GByteArray) file = make_safetensors ();

      folder = g_dir_make_tmp (NULL, NULL);
      part = g_build_filename (folder, "part", NULL);
      path = g_build_filename (folder, "sample", NULL);
      g_assert_true (g_file_set_contents (part, (const char *) file->data, file->len, NULL));
      atexit (remove_folder);
    }
  return path;
}

static void
assert_array (const SfWeights *weights, const char *name, gsize h, gsize w, const float *expected)
{
  const SfArray *array = sf_weights_get (weights, name);
  float x[6];

  g_assert_nonnull (array);
  g_assert_cmpint (array->dtype, ==, SF_DTYPE_F32);
  g_assert_cmpint (array->n_dims, ==, 2);
  g_assert_cmpuint (array->dim[0], ==, h);
  g_assert_cmpuint (array->dim[1], ==, w);
  g_assert_cmpuint (array->n, ==, 6);
  sf_array_read (array, 0, 6, x);
  g_assert_cmpmem (x, sizeof x, expected, sizeof x);
}

void
assert_sample (const SfWeights *weights)
{
  g_assert_cmpint (sf_weights_get_n (weights), ==, 2);
  g_assert_cmpstr (sf_weights_get_name (weights, 0), ==, "a");
  g_assert_cmpstr (sf_weights_get_name (weights, 1), ==, "b.c");
  assert_array (weights, "a", 2, 3, a);
  assert_array (weights, "b.c", 3, 2, c);
  g_assert_cmpstr (sf_weights_get_metadata (weights, "step"), ==, "7");
}
