/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The index of a checkpoint in several files, of the Hugging Face libraries:
 *
 *   {"metadata": {"total_size": 1234}, "weight_map": {"conv_in.weight": "model-00001-of-00002.safetensors", …}}
 *
 * The files lie in the folder of the index.  They are read in the order in which they are first named; each array must be in the
 * file that the index says.
 */
#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "weights/sf-json.h"
#include "weights/sf-weights.h"

#define MOST_BYTES 100000000
#define MOST_PARTS 1024

/* JSON text: "{", then a key or the end; a header of safetensors with that length would go on with zeros. */
static gboolean
probe (const guint8 *head, gsize n, gsize file_size)
{
  SfJson json;

  sf_json_init (&json, head, n);
  return memchr (head, '\0', n) == NULL && sf_json_more (&json, 0, '{') && json.at < json.end && *json.at == '"';
}

static gboolean
read_part (SfWeights *self, GHashTable *parts, const char *name, const SfProgress *progress, GError **error)
{
  if (g_hash_table_size (parts) == MOST_PARTS)
    return sf_bad_file (error, _ ("names more than %d files"), MOST_PARTS);
  g_hash_table_add (parts, g_strdup (name));
  return !sf_progress_stopped (progress, error) && sf_weights_add_part (self, name, progress, error);
}

static gboolean
read_map (SfWeights *self, SfJson *json, const SfProgress *progress, GError **error)
{
  g_autoptr (GHashTable) parts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (int i = 0; sf_json_more (json, i, '{'); i++)
    {
      g_autofree char *name = sf_json_key (json);
      g_autofree char *part = sf_json_string (json);

      if (json->failed)
        break;
      if (!g_hash_table_contains (parts, part) && !read_part (self, parts, part, progress, error))
        return FALSE;
      if (sf_weights_get (self, name) == NULL)
        return sf_bad_file (error, _ ("array “%s” is not in its file “%s”"), name, part);
    }
  return TRUE;
}

static gboolean
read_index (SfWeights *self, const guint8 *data, gsize size, const SfProgress *progress, GError **error)
{
  gboolean found = FALSE;
  SfJson json;

  if (size > MOST_BYTES)
    return sf_bad_file (error, _ ("is too large for an index"));
  sf_json_init (&json, data, size);
  for (int i = 0; sf_json_more (&json, i, '{'); i++)
    {
      g_autofree char *key = sf_json_key (&json);

      if (!g_str_equal (key, "weight_map"))
        sf_json_skip (&json);
      else if (found)
        sf_json_fail (&json);
      else if (!read_map (self, &json, progress, error))
        return FALSE;
      else
        found = TRUE;
    }
  if (!sf_json_end (&json, error))
    return FALSE;
  return found || sf_bad_file (error, _ ("is not the index of a checkpoint: it has no “weight_map”"));
}

const SfFormat sf_format_index = {
  .name = "index",
  .label = N_ ("index of a checkpoint in parts"),
  .suffixes = (const char *const[]) { ".index.json", NULL },
  .probe = probe,
  .read = read_index,
};
