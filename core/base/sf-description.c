/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-description.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "base/sf-error.h"

/* Descriptions are small; more is refused before it is parsed. */
#define MAX_SIZE (4 << 20)
/* The parser calls itself for each level. */
#define MAX_DEPTH 64
/* Characters of a value in messages. */
#define MAX_SHOWN 80

static gboolean
is_too_deep (const char *text, gsize length)
{
  gboolean quoted = FALSE;
  int depth = 0;

  for (gsize i = 0; i < length; i++)
    if (quoted && text[i] == '\\')
      i++;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && (text[i] == '[' || text[i] == '{') && ++depth > MAX_DEPTH)
      return TRUE;
    else if (!quoted && (text[i] == ']' || text[i] == '}'))
      depth--;
  return FALSE;
}

JsonObject *
sf_description_parse (const char *text, gssize length, const char *file, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) reason = NULL;
  gsize n = length >= 0 ? (gsize) length : strlen (text);
  JsonNode *root;

  if (n > MAX_SIZE || is_too_deep (text, n) || !g_utf8_validate (text, (gssize) n, NULL))
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: this is no description of a model; it must be a JSON file of a few kilobytes"), file);
  else if (!json_parser_load_from_data (parser, text, (gssize) n, &reason))
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: is no JSON: %s"), file, reason->message);
  else if ((root = json_parser_get_root (parser)) == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: must hold one JSON object"), file);
  else
    return json_object_ref (json_node_get_object (root));
  return NULL;
}

JsonObject *
sf_description_load (const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) reason = NULL;
  g_autofree char *shown = g_filename_display_name (path);
  const char *text;

  if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR)) /* a pipe would be waited for */
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: is no file"), shown);
  else if ((file = g_mapped_file_new (path, FALSE, &reason)) == NULL)
    g_set_error_literal (error, SF_ERROR, SF_ERROR_MODEL, reason->message);
  else
    {
      text = g_mapped_file_get_contents (file);
      return sf_description_parse (text != NULL ? text : "", (gssize) g_mapped_file_get_length (file), shown, error);
    }
  return NULL;
}

/*** Errors ***/

void
sf_description_fail (SfDescription *self, const char *format, ...)
{
  va_list arguments;

  if (self->error != NULL)
    return;
  va_start (arguments, format);
  self->error = g_error_new_valist (SF_ERROR, SF_ERROR_MODEL, format, arguments);
  va_end (arguments);
}

void
sf_description_refuse (SfDescription *self, const char *name, const char *what)
{
  if (self->file != NULL)
    sf_description_fail (self, "%s: “%s” %s", self->file, name, what);
  else
    sf_description_fail (self, _ ("option “%s” of the network %s"), name, what);
}

static void
refuse_value (SfDescription *self, const char *name, JsonNode *node, const char *expected)
{
  g_autofree char *text = json_to_string (node, FALSE), *shown = g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), MAX_SHOWN));
  g_autofree char *what = g_strdup_printf (_ ("is %s; it must be %s"), shown, expected);

  sf_description_refuse (self, name, what);
}

gboolean
sf_description_end (SfDescription *self, GError **error)
{
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

/*** Values ***/

static gboolean
holds (JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

static double
number_of (SfDescription *self, const char *name, JsonNode *node, double min, double max, double fallback)
{
  double value = holds (node, G_TYPE_INT64) || holds (node, G_TYPE_DOUBLE) ? json_node_get_double (node) : NAN;
  g_autofree char *expected = NULL;

  if (value >= min && value <= max)
    return value;
  expected = g_strdup_printf (_ ("a number from %g to %g"), min, max);
  refuse_value (self, name, node, expected);
  return fallback;
}

/* (nullable) */
static const SfWord *
word_of (SfDescription *self, const char *name, JsonNode *node, const SfWord *words)
{
  g_autoptr (GString) expected = g_string_new (NULL);

  for (const SfWord *row = words; row->theirs != NULL; row++)
    {
      if (holds (node, G_TYPE_STRING) && g_str_equal (row->theirs, json_node_get_string (node)))
        return row;
      g_string_append_printf (expected, "%s“%s”", row == words ? "" : row[1].theirs != NULL ? ", "
                                                                                            : _ (" or "),
                              row->theirs);
    }
  refuse_value (self, name, node, expected->str);
  return NULL;
}

/*** Members ***/

const char *
sf_description_get_unknown (const SfDescription *self)
{
  JsonObjectIter iter;
  const char *name;

  json_object_iter_init (&iter, self->object);
  while (json_object_iter_next (&iter, &name, NULL))
    if (!g_hash_table_contains (self->asked, name))
      return name;
  return NULL;
}

/* (nullable): not for null. */
static JsonNode *
member (const SfDescription *self, const char *name)
{
  JsonNode *node = self->object != NULL && self->error == NULL ? json_object_get_member (self->object, name) : NULL;

  if (self->asked != NULL)
    g_hash_table_add (self->asked, g_strdup (name));
  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

gboolean
sf_description_has (const SfDescription *self, const char *name)
{
  return member (self, name) != NULL;
}

gboolean
sf_description_is_null (const SfDescription *self, const char *name)
{
  return self->object != NULL && json_object_has_member (self->object, name) && json_object_get_null_member (self->object, name);
}

double
sf_description_number (SfDescription *self, const char *name, double min, double max, double fallback)
{
  JsonNode *node = member (self, name);

  return node != NULL ? number_of (self, name, node, min, max, fallback) : fallback;
}

int
sf_description_int (SfDescription *self, const char *name, int min, int max, int fallback)
{
  double value = sf_description_number (self, name, min, max, fallback);

  if (value == floor (value))
    return (int) value;
  refuse_value (self, name, member (self, name), _ ("a whole number"));
  return fallback;
}

gboolean
sf_description_flag (SfDescription *self, const char *name, gboolean fallback)
{
  JsonNode *node = member (self, name);

  if (node == NULL)
    return fallback;
  if (holds (node, G_TYPE_BOOLEAN))
    return json_node_get_boolean (node);
  refuse_value (self, name, node, _ ("true or false"));
  return fallback;
}

const char *
sf_description_text (SfDescription *self, const char *name, const char *fallback)
{
  JsonNode *node = member (self, name);

  if (node == NULL)
    return fallback;
  if (holds (node, G_TYPE_STRING))
    return json_node_get_string (node);
  refuse_value (self, name, node, _ ("text"));
  return fallback;
}

const SfWord *
sf_description_word (SfDescription *self, const char *name, const SfWord *words, const char *fallback)
{
  JsonNode *node = member (self, name);

  if (node != NULL)
    return word_of (self, name, node, words);
  while (words->theirs != NULL && g_strcmp0 (words->theirs, fallback) != 0)
    words++;
  return words->theirs != NULL ? words : NULL;
}

int
sf_description_choice (SfDescription *self, const char *name, const SfWord *words, int fallback)
{
  const SfWord *word = sf_description_word (self, name, words, NULL);

  return word != NULL ? word->value : fallback;
}

JsonObject *
sf_description_object (SfDescription *self, const char *name)
{
  JsonNode *node = member (self, name);

  if (node == NULL || JSON_NODE_HOLDS_OBJECT (node))
    return node != NULL ? json_node_get_object (node) : NULL;
  refuse_value (self, name, node, _ ("an object"));
  return NULL;
}

/*** Lists ***/

double *
sf_description_numbers (SfDescription *self, const char *name, double min, double max, int *n)
{
  JsonNode *node = member (self, name);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  int length = array != NULL ? (int) json_array_get_length (array) : 0;
  g_autofree double *values = g_new (double, length + 1);

  if (node != NULL && length == 0)
    refuse_value (self, name, node, _ ("a list of numbers"));
  for (int i = 0; i < length; i++)
    values[i] = number_of (self, name, json_array_get_element (array, i), min, max, min);
  if (node == NULL || self->error != NULL)
    return NULL;
  *n = length;
  return g_steal_pointer (&values);
}

GStrv
sf_description_texts (SfDescription *self, const char *name)
{
  JsonNode *node = member (self, name);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint length = array != NULL ? json_array_get_length (array) : 0;
  g_autoptr (GStrvBuilder) texts = g_strv_builder_new ();

  if (node == NULL)
    return NULL;
  if (holds (node, G_TYPE_STRING))
    g_strv_builder_add (texts, json_node_get_string (node));
  else if (array == NULL)
    refuse_value (self, name, node, _ ("a list of texts"));
  for (guint i = 0; i < length; i++)
    if (holds (json_array_get_element (array, i), G_TYPE_STRING))
      g_strv_builder_add (texts, json_array_get_string_element (array, i));
    else
      refuse_value (self, name, node, _ ("a list of texts"));
  return self->error == NULL ? g_strv_builder_end (texts) : NULL;
}

/* (nullable): that must be there. */
static JsonArray *
short_list (SfDescription *self, const char *name)
{
  JsonNode *node = member (self, name);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (array != NULL && json_array_get_length (array) <= SF_DESCRIPTION_MAX_LIST)
    return array;
  if (node != NULL)
    {
      g_autofree char *expected = g_strdup_printf (_ ("a list of at most %d elements"), SF_DESCRIPTION_MAX_LIST);

      refuse_value (self, name, node, expected);
    }
  else
    sf_description_refuse (self, name, _ ("is missing"));
  return NULL;
}

int
sf_description_list (SfDescription *self, const char *name, double min, double max, double out[SF_DESCRIPTION_MAX_LIST])
{
  JsonArray *array = short_list (self, name);
  int n = array != NULL ? (int) json_array_get_length (array) : 0;

  for (int i = 0; i < n; i++)
    out[i] = number_of (self, name, json_array_get_element (array, i), min, max, min);
  return n;
}

int
sf_description_choices (SfDescription *self, const char *name, const SfWord *words, int out[SF_DESCRIPTION_MAX_LIST])
{
  JsonArray *array = short_list (self, name);
  int n = array != NULL ? (int) json_array_get_length (array) : 0;

  for (int i = 0; i < n; i++)
    {
      const SfWord *word = word_of (self, name, json_array_get_element (array, i), words);

      out[i] = word != NULL ? word->value : 0;
    }
  return n;
}

gboolean
sf_description_sides (SfDescription *self, const char *name, int most, int side[2])
{
  JsonNode *node = member (self, name);
  double value[SF_DESCRIPTION_MAX_LIST];
  int n = 1;

  if (node == NULL)
    return FALSE;
  if (JSON_NODE_HOLDS_ARRAY (node))
    n = sf_description_list (self, name, 1, most, value);
  else
    value[0] = sf_description_int (self, name, 1, most, 1);
  if (n < 1 || n > 2)
    refuse_value (self, name, node, _ ("one number or two"));
  if (self->error != NULL)
    return FALSE;
  side[0] = (int) value[0];
  side[1] = (int) value[n - 1];
  return TRUE;
}
