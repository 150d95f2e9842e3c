/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings as one flat JSON object, as it is stored with a result:
 *
 *   {"sfumato": "0.1.0", "task": "fill", "candidate": 0, "model": "patch", "steps": 12, … "seed": 7, …}
 *
 * Numbers are written by hand: json-glib's generator prints 0.6 as 0.59999999999999998.
 */
#include "pipeline/sf-settings.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>

/* A settings file is flat and small; more is refused before it is parsed. */
#define MAX_LENGTH (1 << 20)

static void
append_member (GString *json, const char *name, const char *text, gboolean quote)
{
  g_string_append_printf (json, "%s\"%s\": ", json->len > 1 ? ", " : "", name);
  if (quote)
    {
      g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), text);
      g_autofree char *quoted = json_to_string (node, FALSE);

      g_string_append (json, quoted);
    }
  else
    g_string_append (json, text);
}

/* "auto" may mean something else in a later version, so what it means now is stored. */
static SfSettings *
resolve (const SfSettings *self, int seed)
{
  SfSettings *resolved = sf_settings_copy (self);

  resolved->seed = seed;
  resolved->steps = sf_settings_steps (self);
  g_free (resolved->sampler);
  resolved->sampler = g_strdup (sf_settings_sampler (self));
  g_free (resolved->schedule);
  resolved->schedule = g_strdup (sf_settings_schedule (self));
  return resolved;
}

char *
sf_settings_to_json (const SfSettings *self, SfTask task, int seed, int candidate)
{
  g_autoptr (SfSettings) resolved = resolve (self, seed);
  g_autofree char *number = g_strdup_printf ("%d", candidate);
  GString *json = g_string_new ("{");
  int n;
  const SfParam *params = sf_settings_params (&n);

  append_member (json, "sfumato", SF_VERSION, TRUE);
  append_member (json, "task", sf_task_name (task), TRUE);
  append_member (json, "candidate", number, FALSE);
  for (const SfParam *p = params; p < params + n; p++)
    if (p->tasks & (1u << task))
      {
        g_autofree char *text = sf_settings_get (resolved, p);

        append_member (json, p->name, text, p->type == SF_PARAM_STRING || p->type == SF_PARAM_CHOICE);
      }
  g_string_append_c (json, '}');
  return g_string_free (json, FALSE);
}

/* (nullable): a JSON string, number or boolean as sf_settings_set() takes it. */
static char *
node_to_text (JsonNode *node)
{
  GValue value = G_VALUE_INIT;
  char *text = NULL;

  if (!JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  json_node_get_value (node, &value);
  if (G_VALUE_HOLDS_STRING (&value))
    text = g_value_dup_string (&value);
  else if (G_VALUE_HOLDS_BOOLEAN (&value))
    text = g_strdup (g_value_get_boolean (&value) ? "true" : "false");
  else if (G_VALUE_HOLDS_INT64 (&value))
    text = g_strdup_printf ("%" G_GINT64_FORMAT, g_value_get_int64 (&value));
  else if (G_VALUE_HOLDS_DOUBLE (&value))
    {
      char buffer[G_ASCII_DTOSTR_BUF_SIZE];

      text = g_strdup (g_ascii_dtostr (buffer, sizeof buffer, g_value_get_double (&value)));
    }
  g_value_unset (&value);
  return text;
}

static gboolean
read_task (JsonObject *object, SfTask *task, GError **error)
{
  JsonNode *node = json_object_get_member (object, "task");
  g_autofree char *name = node != NULL ? node_to_text (node) : NULL;

  for (int i = 0; i < SF_N_TASKS; i++)
    if (g_strcmp0 (name, sf_task_name (i)) == 0)
      {
        *task = i;
        return TRUE;
      }
  g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Stored settings name no task that is known here (“%s”)."),
               name != NULL ? name : "");
  return FALSE;
}

static gboolean
read_candidate (JsonObject *object, int *candidate, GError **error)
{
  JsonNode *node = json_object_get_member (object, "candidate");
  g_autofree char *text = node != NULL ? node_to_text (node) : g_strdup ("0");
  gint64 value;

  if (text == NULL || !g_ascii_string_to_signed (text, 10, 0, sf_settings_find ("candidates")->max - 1, &value, NULL))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Stored settings have a “%s” that cannot be read."), "candidate");
      return FALSE;
    }
  *candidate = (int) value;
  return TRUE;
}

SfSettings *
sf_settings_from_json (const char *json, SfTask *task, int *candidate, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (SfSettings) self = sf_settings_new ();
  SfTask stored_task;
  int stored_candidate, n;
  const SfParam *params = sf_settings_params (&n);
  JsonNode *root;
  JsonObject *object;

  if (strlen (json) > MAX_LENGTH || !json_parser_load_from_data (parser, json, -1, NULL) ||
      (root = json_parser_get_root (parser)) == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Stored settings are damaged: they are no JSON object."));
      return NULL;
    }
  object = json_node_get_object (root);
  if (!read_task (object, &stored_task, error) || !read_candidate (object, &stored_candidate, error))
    return NULL;
  for (const SfParam *p = params; p < params + n; p++)
    {
      JsonNode *node = json_object_get_member (object, p->name);
      g_autofree char *text = node != NULL ? node_to_text (node) : NULL;

      if (node != NULL && text == NULL)
        {
          g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Stored settings have a “%s” that cannot be read."), p->name);
          return NULL;
        }
      if (text != NULL && !sf_settings_set (self, p, text, error))
        return NULL;
    }
  if (task != NULL)
    *task = stored_task;
  if (candidate != NULL)
    *candidate = stored_candidate;
  return g_steal_pointer (&self);
}
