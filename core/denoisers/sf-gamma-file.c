/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers are written by hand: json-glib's generator prints 0.6 as 0.59999999999999998. */
#include "denoisers/sf-gamma-file.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <math.h>

#include "base/sf-error.h"

#define CLOSE 1e-6 /* alpha_bar may come from betas in single precision */

static void
append_list (GString *json, const char *name, const double *values, int n)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (json, "  \"%s\": [", name);
  for (int i = 0; i < n; i++)
    g_string_append_printf (json, "%s%s", i > 0 ? ", " : "", g_ascii_dtostr (buffer, sizeof buffer, values[i]));
  g_string_append (json, "],\n");
}

gboolean
sf_gamma_save (const double *gamma, const SfNoiseProcess *process, const char *origin, const char *path, GError **error)
{
  g_autoptr (GString) json = g_string_new ("{\n");
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), origin);
  g_autofree char *quoted = json_to_string (node, FALSE);

  g_return_val_if_fail (process->kind == NULL, FALSE);

  append_list (json, "gamma", gamma, process->n);
  append_list (json, "alpha_bar", process->alpha_bar, process->n);
  g_string_append_printf (json, "  \"origin\": %s\n}\n", quoted);
  return g_file_set_contents (path, json->str, (gssize) json->len, error);
}

/* (transfer full) (nullable): the member @name, a list of @n numbers that are not negative. */
static double *
read_list (JsonObject *object, const char *name, int n, const char *path, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  int length = array != NULL ? (int) json_array_get_length (array) : 0;
  g_autofree double *values = g_new (double, n);

  if (length != n)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("“%s”: “%s” must be a list of %d numbers, one for each timestep, but has %d"),
                   path, name, n, length);
      return NULL;
    }
  for (int i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      GType type = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_value_type (element) : G_TYPE_INVALID;

      values[i] = type == G_TYPE_DOUBLE || type == G_TYPE_INT64 ? json_node_get_double (element) : -1;
      if (!(values[i] >= 0 && isfinite (values[i])))
        {
          g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("“%s”: number %d of “%s” must be 0 or more"), path, i, name);
          return NULL;
        }
    }
  return g_steal_pointer (&values);
}

double *
sf_gamma_load (const SfNoiseProcess *process, const char *path, char **origin, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autofree char *text = NULL;
  g_autofree double *gamma = NULL;
  g_autofree double *alpha_bar = NULL;
  JsonNode *root;
  JsonObject *object;
  gsize length;

  g_return_val_if_fail (process->kind == NULL, NULL);

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  if (!json_parser_load_from_data (parser, text, (gssize) length, NULL) || (root = json_parser_get_root (parser)) == NULL ||
      !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("“%s” is damaged: it is no JSON object"), path);
      return NULL;
    }
  object = json_node_get_object (root);
  if ((gamma = read_list (object, "gamma", process->n, path, error)) == NULL ||
      (alpha_bar = read_list (object, "alpha_bar", process->n, path, error)) == NULL)
    return NULL;
  for (int t = 0; t < process->n; t++)
    if (fabs (alpha_bar[t] - process->alpha_bar[t]) > CLOSE)
      {
        g_set_error (error, SF_ERROR, SF_ERROR_MODEL,
                     _ ("“%s” is for another noise process: at timestep %d there is %g of the image left, not %g"), path, t, alpha_bar[t],
                     process->alpha_bar[t]);
        return NULL;
      }
  if (origin != NULL)
    *origin = g_strdup (json_object_get_string_member_with_default (object, "origin", ""));
  return g_steal_pointer (&gamma);
}
