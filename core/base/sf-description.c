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

/*** Members ***/

void
sf_description_refuse (SfDescription *self, const char *name, const char *what)
{
  if (self->error == NULL)
    g_set_error (&self->error, SF_ERROR, SF_ERROR_MODEL, "%s: “%s” %s", self->file, name, what);
}

gboolean
sf_description_end (SfDescription *self, GError **error)
{
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

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

static gboolean
is_number (JsonNode *node)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

double
sf_description_number (SfDescription *self, const char *name, double min, double max, double fallback)
{
  JsonNode *node = member (self, name);
  double value;

  if (node == NULL)
    return fallback;
  if (!is_number (node) || !((value = json_node_get_double (node)) >= min && value <= max))
    {
      g_autofree char *what = g_strdup_printf (_ ("must be a number from %g to %g"), min, max);

      sf_description_refuse (self, name, what);
      return fallback;
    }
  return value;
}

int
sf_description_int (SfDescription *self, const char *name, int min, int max, int fallback)
{
  double value = sf_description_number (self, name, min, max, fallback);

  if (value == floor (value))
    return (int) value;
  sf_description_refuse (self, name, _ ("must be a whole number"));
  return fallback;
}

gboolean
sf_description_flag (SfDescription *self, const char *name, gboolean fallback)
{
  JsonNode *node = member (self, name);

  if (node == NULL)
    return fallback;
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    return json_node_get_boolean (node);
  sf_description_refuse (self, name, _ ("must be true or false"));
  return fallback;
}

static gboolean
is_text (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
}

const char *
sf_description_text (SfDescription *self, const char *name, const char *fallback)
{
  JsonNode *node = member (self, name);

  if (node == NULL)
    return fallback;
  if (is_text (node))
    return json_node_get_string (node);
  sf_description_refuse (self, name, _ ("must be text"));
  return fallback;
}

JsonObject *
sf_description_object (SfDescription *self, const char *name)
{
  JsonNode *node = member (self, name);

  if (node == NULL || JSON_NODE_HOLDS_OBJECT (node))
    return node != NULL ? json_node_get_object (node) : NULL;
  sf_description_refuse (self, name, _ ("must be an object"));
  return NULL;
}

double *
sf_description_numbers (SfDescription *self, const char *name, int *n)
{
  JsonNode *node = member (self, name);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  int length = array != NULL ? (int) json_array_get_length (array) : 0;
  g_autofree double *values = g_new (double, length + 1);

  if (node == NULL)
    return NULL;
  for (int i = 0; i < length; i++)
    if (is_number (json_array_get_element (array, i)))
      values[i] = json_array_get_double_element (array, i);
    else
      length = 0;
  if (length == 0)
    {
      sf_description_refuse (self, name, _ ("must be a list of numbers"));
      return NULL;
    }
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
  if (is_text (node))
    g_strv_builder_add (texts, json_node_get_string (node));
  else if (array == NULL)
    sf_description_refuse (self, name, _ ("must be a list of texts"));
  for (guint i = 0; i < length; i++)
    if (is_text (json_array_get_element (array, i)))
      g_strv_builder_add (texts, json_array_get_string_element (array, i));
    else
      sf_description_refuse (self, name, _ ("must be a list of texts"));
  return self->error == NULL ? g_strv_builder_end (texts) : NULL;
}
