/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "arch/sf-options.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "base/sf-error.h"

void
sf_options_fail (SfOptions *self, const char *format, ...)
{
  va_list arguments;

  if (self->error != NULL)
    return;
  va_start (arguments, format);
  self->error = g_error_new_valist (SF_ERROR, SF_ERROR_MODEL, format, arguments);
  va_end (arguments);
}

gboolean
sf_options_check (SfOptions *self, SfBinder *binder)
{
  if (self->error == NULL)
    return TRUE;
  sf_binder_fail (binder, "%s", self->error->message);
  g_clear_error (&self->error);
  return FALSE;
}

/* (nullable) */
static JsonNode *
member (const SfOptions *self, const char *name)
{
  JsonNode *node = self->object != NULL ? json_object_get_member (self->object, name) : NULL;

  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

gboolean
sf_options_has (const SfOptions *self, const char *name)
{
  return member (self, name) != NULL;
}

gboolean
sf_options_is_null (const SfOptions *self, const char *name)
{
  return self->object != NULL && json_object_has_member (self->object, name) && !sf_options_has (self, name);
}

static void
fail_value (SfOptions *self, const char *name, JsonNode *node, const char *expected)
{
  g_autofree char *text = json_to_string (node, FALSE);

  sf_options_fail (self, _ ("option “%s” of the network is %s; it must be %s"), name, text, expected);
}

static double
number_of (SfOptions *self, const char *name, JsonNode *node, double min, double max)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
  double value = type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node) : NAN;

  if (!(value >= min && value <= max))
    {
      g_autofree char *expected = g_strdup_printf (_ ("a number from %g to %g"), min, max);

      fail_value (self, name, node, expected);
      return min;
    }
  return value;
}

double
sf_options_number (SfOptions *self, const char *name, double fallback, double min, double max)
{
  JsonNode *node = member (self, name);

  return node != NULL ? number_of (self, name, node, min, max) : fallback;
}

int
sf_options_int (SfOptions *self, const char *name, int fallback, int min, int max)
{
  double value = sf_options_number (self, name, fallback, min, max);

  if (value != trunc (value))
    fail_value (self, name, member (self, name), _ ("a whole number"));
  return (int) value;
}

gboolean
sf_options_flag (SfOptions *self, const char *name, gboolean fallback)
{
  JsonNode *node = member (self, name);

  if (node == NULL)
    return fallback;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    {
      fail_value (self, name, node, _ ("true or false"));
      return fallback;
    }
  return json_node_get_boolean (node);
}

static int
choice_of (SfOptions *self, const char *name, JsonNode *node, const SfOptionChoice *choices)
{
  gboolean is_text = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
  g_autoptr (GString) expected = g_string_new (NULL);

  for (const SfOptionChoice *row = choices; row->name != NULL; row++)
    {
      if (is_text && g_str_equal (row->name, json_node_get_string (node)))
        return row->value;
      g_string_append_printf (expected, "%s“%s”", row == choices ? "" : row[1].name != NULL ? ", "
                                                                                            : _ (" or "),
                              row->name);
    }
  fail_value (self, name, node, expected->str);
  return choices->value;
}

int
sf_options_choice (SfOptions *self, const char *name, int fallback, const SfOptionChoice *choices)
{
  JsonNode *node = member (self, name);

  return node != NULL ? choice_of (self, name, node, choices) : fallback;
}

/* (nullable) */
static JsonArray *
list (SfOptions *self, const char *name)
{
  JsonNode *node = member (self, name);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (array != NULL && json_array_get_length (array) <= SF_OPTIONS_MAX_LIST)
    return array;
  if (node != NULL)
    {
      g_autofree char *expected = g_strdup_printf (_ ("a list of at most %d elements"), SF_OPTIONS_MAX_LIST);

      fail_value (self, name, node, expected);
    }
  else
    sf_options_fail (self, _ ("option “%s” of the network is missing"), name);
  return NULL;
}

int
sf_options_numbers (SfOptions *self, const char *name, double min, double max, double out[SF_OPTIONS_MAX_LIST])
{
  JsonArray *array = list (self, name);
  int n = array != NULL ? (int) json_array_get_length (array) : 0;

  for (int i = 0; i < n; i++)
    out[i] = number_of (self, name, json_array_get_element (array, i), min, max);
  return n;
}

int
sf_options_choices (SfOptions *self, const char *name, const SfOptionChoice *choices, int out[SF_OPTIONS_MAX_LIST])
{
  JsonArray *array = list (self, name);
  int n = array != NULL ? (int) json_array_get_length (array) : 0;

  for (int i = 0; i < n; i++)
    out[i] = choice_of (self, name, json_array_get_element (array, i), choices);
  return n;
}
