/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What torch.save() of PyTorch writes: a pickle, and the memory of tensors ("storages") beside it.
 *
 *   since 1.6    a zip archive: NAME/data.pkl, NAME/data/KEY for each storage, and NAME/byteorder
 *   before       five parts in a row: a magic number, a version, a dictionary about the machine, the pickle, a list of keys;
 *                then for each key the number of elements and the elements
 *
 * A tensor is a call of _rebuild_tensor_v2 (storage, offset, shape, strides, …), in elements.  Dictionaries and lists in each
 * other become names with dots; anything else that a checkpoint holds is passed over, and never run.
 */
#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "weights/sf-bytes.h"
#include "weights/sf-pickle.h"
#include "weights/sf-weights.h"
#include "weights/sf-zip.h"

#define DEEPEST 16             /* containers in each other; what lies deeper is not of a network */
#define MOST_VISITED (1 << 19) /* values, as a small pickle can name the same dictionary again and again */
#define LONGEST_NAME 512
#define LONGEST_TEXT 256 /* of metadata */

typedef struct
{
  SfWeights *weights;
  const SfProgress *progress;
  GHashTable *storages; /* @prefix, key: SfZipEntry */
  char *prefix;
  int visited;
  const char *passed; /* (nullable): a class that was passed over */
} Reader;

/*** Tensors ***/

static const struct
{
  const char *storage;
  SfDtype dtype;
} dtypes[] = {
  { "torch.FloatStorage", SF_DTYPE_F32 },
  { "torch.HalfStorage", SF_DTYPE_F16 },
  { "torch.BFloat16Storage", SF_DTYPE_BF16 },
  { "torch.DoubleStorage", SF_DTYPE_F64 },
  { "torch.LongStorage", SF_DTYPE_I64 },
  { "torch.IntStorage", SF_DTYPE_I32 },
  { "torch.ShortStorage", SF_DTYPE_I16 },
  { "torch.CharStorage", SF_DTYPE_I8 },
  { "torch.ByteStorage", SF_DTYPE_U8 },
  { "torch.BoolStorage", SF_DTYPE_BOOL },
};

/* Other things outside of the pickle are classes' source texts. */
static gboolean
is_storage (const SfPickleValue *value)
{
  const SfPickleValue *what = value->kind == SF_PICKLE_PERSISTENT ? sf_pickle_item (value->argument, 0, SF_PICKLE_TEXT) : NULL;

  return what != NULL && g_str_equal (what->text, "storage");
}

/* What the pickle says about a storage: ("storage", class, key, device, number of elements). */
typedef struct
{
  const char *class;
  const char *key;
  SfDtype dtype;
  gsize n, size; /* elements, bytes */
} Storage;

static gboolean
parse_storage (const SfPickleValue *value, Storage *storage, GError **error)
{
  const SfPickleValue *class = sf_pickle_item (value->argument, 1, SF_PICKLE_GLOBAL);
  const SfPickleValue *key = sf_pickle_item (value->argument, 2, SF_PICKLE_TEXT);
  const SfPickleValue *n = sf_pickle_item (value->argument, 4, SF_PICKLE_INTEGER);
  gsize i = 0;

  if (class == NULL || key == NULL || n == NULL || n->integer < 0 || strlen (key->text) > LONGEST_NAME)
    return sf_bad_file (error, _ ("has a damaged pickle: the memory of a tensor is not described"));
  while (i < G_N_ELEMENTS (dtypes) && !g_str_equal (class->text, dtypes[i].storage))
    i++;
  if (i == G_N_ELEMENTS (dtypes))
    return sf_bad_file (error, _ ("has numbers of the unknown kind “%s”"), class->text);
  *storage = (Storage) { class->text, key->text, dtypes[i].dtype, (gsize) n->integer, 0 };
  return g_size_checked_mul (&storage->size, storage->n, sf_dtype_size (storage->dtype)) ||
         sf_bad_file (error, _ ("has a damaged pickle: tensor memory of impossible size"));
}

static gboolean
read_sizes (const SfPickleValue *value, gsize *sizes, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      const SfPickleValue *size = sf_pickle_item (value, i, SF_PICKLE_INTEGER);

      if (size == NULL || size->integer < 0)
        return FALSE;
      sizes[i] = (gsize) size->integer;
    }
  return TRUE;
}

/* Whether elements follow each other in memory as in the array. */
static gboolean
is_contiguous (const SfArray *array, const gsize *strides)
{
  gsize expected = 1;

  for (int i = array->n_dims; i-- > 0;)
    {
      if (array->dim[i] != 1 && strides[i] != expected)
        return FALSE;
      expected *= array->dim[i];
    }
  return TRUE;
}

/* Whether the last element, and so every one, is among the @n elements from @offset on. */
static gboolean
fits (const SfArray *array, const gsize *strides, gsize offset, gsize n)
{
  gsize last = offset, step;

  for (int i = 0; i < array->n_dims; i++)
    if (!g_size_checked_mul (&step, array->dim[i] - 1, strides[i]) || !g_size_checked_add (&last, last, step))
      return FALSE;
  return last < n;
}

/* What the arguments of _rebuild_tensor_v2() say. */
typedef struct
{
  SfArray array; /* without data */
  gsize strides[SF_ARRAY_MAX_DIMS];
  gsize offset;
  Storage storage;
} Tensor;

static gboolean
parse_tensor (const SfPickleValue *arguments, const char *name, Tensor *tensor, GError **error)
{
  const SfPickleValue *storage = sf_pickle_item (arguments, 0, SF_PICKLE_PERSISTENT);
  const SfPickleValue *offset = sf_pickle_item (arguments, 1, SF_PICKLE_INTEGER);
  const SfPickleValue *shape = sf_pickle_item (arguments, 2, SF_PICKLE_TUPLE);
  const SfPickleValue *strides = sf_pickle_item (arguments, 3, SF_PICKLE_TUPLE);
  const guint n_dims = shape != NULL ? sf_pickle_n (shape) : 0;

  if (n_dims > SF_ARRAY_MAX_DIMS)
    return sf_bad_file (error, _ ("array “%s” has more than %d dimensions, or too large ones"), name, SF_ARRAY_MAX_DIMS);
  if (storage == NULL || !is_storage (storage) || offset == NULL || offset->integer < 0 || shape == NULL || strides == NULL ||
      sf_pickle_n (strides) != n_dims || !read_sizes (shape, tensor->array.dim, n_dims) || !read_sizes (strides, tensor->strides, n_dims))
    return sf_bad_file (error, _ ("array “%s” is not described as a tensor should be"), name);
  if (!parse_storage (storage, &tensor->storage, error))
    return FALSE;
  tensor->array.n_dims = (int) n_dims;
  tensor->array.dtype = tensor->storage.dtype;
  tensor->offset = (gsize) offset->integer;
  return TRUE;
}

/* Every @step bytes @size bytes.  Inlined, so that the copy is a load and a store. */
static inline guint8 *
copy_row (guint8 *to, const guint8 *from, gsize n, gsize step, gsize size)
{
  for (gsize i = 0; i < n; i++)
    memcpy (to + i * size, from + i * step, size);
  return to + n * size;
}

/* Elements of the axes from @axis to @last, one after the other; returns the end of them. */
static guint8 *
gather (const Tensor *tensor, int axis, int last, const guint8 *from, guint8 *to)
{
  const gsize n = tensor->array.dim[axis], size = sf_dtype_size (tensor->array.dtype), step = tensor->strides[axis] * size;

  if (axis == last)
    return size == 4 ? copy_row (to, from, n, step, 4) : size == 2 ? copy_row (to, from, n, step, 2)
                                                                   : copy_row (to, from, n, step, size);
  for (gsize i = 0; i < n; i++)
    to = gather (tensor, axis + 1, last, from + i * step, to);
  return to;
}

/* Puts the elements in order; there is at least one, and one axis.  The first axis is cut short, to be asked for cancel. */
static gboolean
gather_all (const Reader *r, const Tensor *tensor, guint8 *to, GError **error)
{
  Tensor slice = *tensor;
  const gsize step = tensor->strides[0] * sf_dtype_size (tensor->array.dtype);
  int last = tensor->array.n_dims - 1;

  while (last > 0 && tensor->array.dim[last] == 1)
    last--;
  slice.array.dim[0] = 1;
  for (gsize i = 0; i < tensor->array.dim[0]; i++)
    {
      if (sf_progress_stopped (r->progress, error))
        return FALSE;
      to = gather (&slice, 0, last, (const guint8 *) tensor->array.data + i * step, to);
    }
  return TRUE;
}

static gboolean
is_packed (const SfZipEntry *entry, const char *name, GError **error)
{
  if (entry->data == NULL)
    sf_bad_file (error, _ ("“%s” is compressed or encrypted, which PyTorch itself never does: unpack the archive and pack it again without compression"), name);
  return entry->data == NULL;
}

static gboolean
add_tensor (Reader *r, const SfPickleValue *arguments, const char *name, GError **error)
{
  Tensor tensor = { 0 };
  SfArray *array = &tensor.array;
  g_autofree char *label = NULL;
  const SfZipEntry *entry;
  gsize size;

  if (!parse_tensor (arguments, name, &tensor, error))
    return FALSE;
  label = g_strconcat (r->prefix, tensor.storage.key, NULL);
  entry = g_hash_table_lookup (r->storages, label);
  if (entry == NULL)
    return sf_bad_file (error, _ ("the memory “%s” of array “%s” is missing"), label, name);
  if (is_packed (entry, label, error))
    return FALSE;
  if (!sf_array_measure (array, &size) || tensor.storage.size > entry->size ||
      (array->n > 0 && !fits (array, tensor.strides, tensor.offset, tensor.storage.n)))
    return sf_bad_file (error, _ ("array “%s” goes beyond its memory"), name);
  array->data = entry->data + (array->n > 0 ? tensor.offset * sf_dtype_size (array->dtype) : 0);
  if (array->n > 0 && !is_contiguous (array, tensor.strides))
    {
      guint8 *copy = sf_weights_alloc (r->weights, size, error);

      if (copy == NULL || !gather_all (r, &tensor, copy, error))
        return FALSE;
      array->data = copy;
    }
  return sf_weights_add (r->weights, name, array, error);
}

/*** What is in the pickle ***/

static const SfPickleValue *
first_argument (const SfPickleValue *call)
{
  return sf_pickle_n (call->argument) > 0 ? g_ptr_array_index (call->argument->items, 0) : NULL;
}

/* A parameter is a tensor with a wrapper. */
static const SfPickleValue *
unwrap (const SfPickleValue *value)
{
  const char *name = value->kind == SF_PICKLE_CALL ? sf_pickle_name (value) : NULL;
  const SfPickleValue *inner;

  if (g_strcmp0 (name, "torch._utils._rebuild_parameter") != 0 && g_strcmp0 (name, "torch._utils._rebuild_parameter_with_state") != 0)
    return value;
  inner = first_argument (value);
  return inner != NULL ? inner : value;
}

static gboolean add_value (Reader *r, const SfPickleValue *value, const char *name, int depth, GError **error);

static gboolean
add_item (Reader *r, const SfPickleValue *value, const char *parent, const char *key, int depth, GError **error)
{
  g_autofree char *name = *parent != '\0' ? g_strconcat (parent, ".", key, NULL) : g_strdup (key);

  if (strlen (name) > LONGEST_NAME)
    return sf_bad_file (error, _ ("has a name of more than %d bytes"), LONGEST_NAME);
  return add_value (r, value, name, depth + 1, error);
}

static gboolean
add_pairs (Reader *r, const SfPickleValue *dict, const char *name, int depth, GError **error)
{
  for (guint i = 0; i + 1 < sf_pickle_n (dict); i += 2)
    {
      const SfPickleValue *key = g_ptr_array_index (dict->items, i), *value = g_ptr_array_index (dict->items, i + 1);
      char number[24];

      g_snprintf (number, sizeof number, "%" G_GINT64_FORMAT, key->integer);
      if ((key->kind == SF_PICKLE_TEXT || key->kind == SF_PICKLE_INTEGER) &&
          !add_item (r, value, name, key->kind == SF_PICKLE_TEXT ? key->text : number, depth, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_list (Reader *r, const SfPickleValue *list, const char *name, int depth, GError **error)
{
  for (guint i = 0; i < sf_pickle_n (list); i++)
    {
      char number[24];

      g_snprintf (number, sizeof number, "%u", i);
      if (!add_item (r, g_ptr_array_index (list->items, i), name, number, depth, error))
        return FALSE;
    }
  return TRUE;
}

/* (nullable): also of classes that are kept with their source text, as ("module", class, file, text). */
static const char *
function_name (const SfPickleValue *call)
{
  const SfPickleValue *function = call->function;

  if (function->kind == SF_PICKLE_PERSISTENT)
    function = sf_pickle_item (function->argument, 1, SF_PICKLE_GLOBAL);
  return function != NULL ? sf_pickle_name (function) : NULL;
}

/* A tensor that has a class or attributes of its own: (function, class, arguments, state). */
static gboolean
add_typed (Reader *r, const SfPickleValue *arguments, const char *name, int depth, GError **error)
{
  const SfPickleValue *function = sf_pickle_item (arguments, 0, SF_PICKLE_GLOBAL), *inner = sf_pickle_item (arguments, 2, SF_PICKLE_TUPLE);
  const SfPickleValue call = { .kind = SF_PICKLE_CALL, .function = (SfPickleValue *) function, .argument = (SfPickleValue *) inner };

  if (function == NULL || inner == NULL)
    return sf_bad_file (error, _ ("array “%s” is not described as a tensor should be"), name);
  return add_value (r, &call, name, depth + 1, error);
}

static gboolean
add_call (Reader *r, const SfPickleValue *call, const char *name, int depth, GError **error)
{
  const char *function = function_name (call);

  if (function == NULL)
    return TRUE;
  if (g_str_equal (function, "torch._utils._rebuild_tensor_v2") || g_str_equal (function, "torch._utils._rebuild_tensor"))
    return add_tensor (r, call->argument, *name != '\0' ? name : "tensor", error);
  if (g_str_equal (function, "torch._tensor._rebuild_from_type_v2"))
    return add_typed (r, call->argument, name, depth, error);
  if (g_str_equal (function, "collections.OrderedDict"))
    return add_pairs (r, call, name, depth, error);
  if (g_str_has_prefix (function, "torch._utils._rebuild") || g_str_has_prefix (function, "torch._tensor._rebuild"))
    return sf_bad_file (error, _ ("array “%s” is a kind of tensor that is not known: “%s”"), name, function);
  r->passed = function;
  return TRUE;
}

/* Short facts of the outermost dictionary, such as the number of training steps. */
static void
add_fact (Reader *r, const SfPickleValue *value, const char *name, int depth)
{
  g_autofree char *text = NULL;

  if (depth != 1)
    return;
  if (value->kind == SF_PICKLE_INTEGER)
    text = g_strdup_printf ("%" G_GINT64_FORMAT, value->integer);
  else if (value->kind == SF_PICKLE_REAL)
    text = g_strdup_printf ("%.17g", value->real);
  else if (strlen (value->text) <= LONGEST_TEXT)
    text = g_strdup (value->text);
  if (text != NULL)
    sf_weights_set_metadata (r->weights, name, text);
}

/* All arrays in @value, which is called @name; "" is the whole. */
static gboolean
add_value (Reader *r, const SfPickleValue *value, const char *name, int depth, GError **error)
{
  if (++r->visited > MOST_VISITED)
    return sf_bad_file (error, _ ("holds more than %d values"), MOST_VISITED);
  if (depth > DEEPEST) /* or containers that hold themselves */
    return TRUE;
  if (sf_progress_stopped (r->progress, error))
    return FALSE;
  value = unwrap (value);
  switch (value->kind)
    {
    case SF_PICKLE_CALL:
      return add_call (r, value, name, depth, error);
    case SF_PICKLE_DICT:
      return add_pairs (r, value, name, depth, error);
    case SF_PICKLE_LIST:
    case SF_PICKLE_TUPLE:
      return add_list (r, value, name, depth, error);
    case SF_PICKLE_INTEGER:
    case SF_PICKLE_REAL:
    case SF_PICKLE_TEXT:
      add_fact (r, value, name, depth);
      return TRUE;
    case SF_PICKLE_GLOBAL:
      r->passed = value->text;
      return TRUE;
    case SF_PICKLE_PERSISTENT:
    case SF_PICKLE_OTHER:
      return TRUE;
    }
  g_assert_not_reached ();
}

static gboolean
add_all (Reader *r, const SfPickle *pickle, GError **error)
{
  if (!add_value (r, pickle->root, "", 0, error))
    return FALSE;
  if (sf_weights_get_n (r->weights) > 0)
    return TRUE;
  if (r->passed != NULL)
    return sf_bad_file (error, _ ("holds an object of the class “%s”, but no tensors that can be read without running its code: save the model's state_dict() instead"), r->passed);
  return sf_bad_file (error, _ ("has no tensors"));
}

/*** The two layouts ***/

/* (nullable): the folder of the archive, with "/". */
static char *
find_folder (GHashTable *entries)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, entries);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      const char *slash = strchr (name, '/');

      if (slash != NULL && g_str_equal (slash, "/data.pkl"))
        return g_strndup (name, (gsize) (slash - (const char *) name) + 1);
    }
  return NULL;
}

static const SfZipEntry *
find_entry (GHashTable *entries, const char *folder, const char *name)
{
  g_autofree char *path = g_strconcat (folder, name, NULL);

  return g_hash_table_lookup (entries, path);
}

static gboolean
read_archive (Reader *r, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GHashTable) entries = sf_zip_read (data, size, error);
  g_autofree char *folder = entries != NULL ? find_folder (entries) : NULL;
  const SfZipEntry *main, *order;
  g_autoptr (SfPickle) pickle = NULL;

  if (entries == NULL)
    return FALSE;
  if (folder == NULL)
    return sf_bad_file (error, _ ("is a zip archive, but none of PyTorch: it has no “data.pkl”"));
  main = find_entry (entries, folder, "data.pkl");
  order = find_entry (entries, folder, "byteorder");
  if (order != NULL && order->data != NULL && order->size == 3 && memcmp (order->data, "big", 3) == 0)
    return sf_bad_file (error, _ ("was written by a machine of the other byte order"));
  if (is_packed (main, "data.pkl", error))
    return FALSE;
  pickle = sf_pickle_read (main->data, main->size, error);
  r->storages = entries;
  r->prefix = g_strconcat (folder, "data/", NULL);
  return pickle != NULL && add_all (r, pickle, error);
}

/* Elements of the storages in the order of @keys, from @at on; the pickle tells what they are. */
static gboolean
find_storages (const SfPickle *pickle, const SfPickleValue *keys, const guint8 *at, gsize left, GHashTable *storages, GError **error)
{
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  for (guint i = 0; i < pickle->values->len; i++)
    {
      const SfPickleValue *value = g_ptr_array_index (pickle->values, i);
      Storage storage;

      if (!is_storage (value))
        continue;
      if (!parse_storage (value, &storage, error))
        return FALSE;
      g_hash_table_insert (known, (gpointer) storage.key, g_memdup2 (&storage, sizeof storage));
    }
  for (guint i = 0; i < sf_pickle_n (keys); i++)
    {
      const SfPickleValue *key = sf_pickle_item (keys, i, SF_PICKLE_TEXT);
      const Storage *storage = key != NULL ? g_hash_table_lookup (known, key->text) : NULL;
      SfZipEntry entry = { at + 8, storage != NULL ? storage->size : 0 };

      if (storage == NULL || left < 8 || sf_bytes_number (at, 8) != storage->n || storage->size > left - 8)
        return sf_bad_file (error, _ ("is cut off or damaged: the memory of a tensor is not all there"));
      g_hash_table_insert (storages, g_strdup (key->text), g_memdup2 (&entry, sizeof entry));
      at += 8 + storage->size;
      left -= 8 + storage->size;
    }
  return TRUE;
}

static gboolean
is_little_endian (const SfPickleValue *machine)
{
  for (guint i = 0; i + 1 < sf_pickle_n (machine); i += 2)
    {
      const SfPickleValue *key = sf_pickle_item (machine, i, SF_PICKLE_TEXT);
      const SfPickleValue *value = sf_pickle_item (machine, i + 1, SF_PICKLE_INTEGER);

      if (key != NULL && value != NULL && g_str_equal (key->text, "little_endian"))
        return value->integer != 0;
    }
  return TRUE;
}

/* The parts before the elements. */
enum
{
  MAGIC,
  VERSION,
  MACHINE,
  CONTENT,
  KEYS,
  N_PARTS
};

static gboolean
read_parts (SfPickle **parts, const guint8 *data, gsize size, gsize *used, GError **error)
{
  for (int i = 0; i < N_PARTS; i++)
    {
      parts[i] = sf_pickle_read (data + *used, size - *used, error);
      if (parts[i] == NULL)
        return FALSE;
      *used += parts[i]->size;
    }
  return is_little_endian (parts[MACHINE]->root) || sf_bad_file (error, _ ("was written by a machine of the other byte order"));
}

static gboolean
read_row (Reader *r, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GHashTable) storages = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  SfPickle *parts[N_PARTS] = { NULL };
  gsize used = 0;
  gboolean ok;

  r->storages = storages;
  r->prefix = g_strdup ("");
  ok = read_parts (parts, data, size, &used, error) &&
       find_storages (parts[CONTENT], parts[KEYS]->root, data + used, size - used, storages, error) &&
       add_all (r, parts[CONTENT], error);
  for (int i = 0; i < N_PARTS && parts[i] != NULL; i++)
    sf_pickle_free (parts[i]);
  return ok;
}

static const guint8 zip_magic[] = { 'P', 'K', 3, 4 };
/* The magic number, 0x1950a86a20f9469cfc6c, in a pickle: after its protocol, and after the size of a frame since protocol 4. */
static const guint8 row_magic[] = { 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.' };

static gboolean
is_row (const guint8 *head, gsize n)
{
  for (gsize at = 2; at <= 11; at += 9)
    if (n >= at + sizeof row_magic && head[0] == 0x80 && memcmp (head + at, row_magic, sizeof row_magic) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
probe (const guint8 *head, gsize n, gsize file_size)
{
  return is_row (head, n) || (n >= sizeof zip_magic && memcmp (head, zip_magic, sizeof zip_magic) == 0);
}

static gboolean
read_file (SfWeights *self, const guint8 *data, gsize size, const SfProgress *progress, GError **error)
{
  Reader r = { .weights = self, .progress = progress };
  gboolean ok = (is_row (data, size) ? read_row : read_archive) (&r, data, size, error);

  g_free (r.prefix);
  return ok;
}

const SfFormat sf_format_torch = {
  .name = "torch",
  .label = N_ ("PyTorch"),
  .suffixes = (const char *const[]) { ".pt", ".pth", ".bin", ".ckpt", NULL },
  .probe = probe,
  .read = read_file,
};
