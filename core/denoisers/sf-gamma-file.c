/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers are written by hand: json-glib's generator prints 0.6 as 0.59999999999999998. */
#include "denoisers/sf-gamma-file.h"

#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-description.h"
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
read_list (SfDescription *json, const char *name, int n)
{
  int length = 0;
  g_autofree double *values = sf_description_numbers (json, name, 0, G_MAXDOUBLE, &length);
  g_autofree char *what = NULL;

  if (length == n)
    return g_steal_pointer (&values);
  what = g_strdup_printf (_ ("must be a list of %d numbers, one for each timestep, but has %d"), n, length);
  sf_description_refuse (json, name, what);
  return NULL;
}

double *
sf_gamma_load (const SfNoiseProcess *process, const char *path, char **origin, GError **error)
{
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *text = NULL;
  g_autofree double *gamma = NULL, *alpha_bar = NULL;
  SfDescription json = { .file = path };
  gsize length;

  g_return_val_if_fail (process->kind == NULL, NULL);

  if (!g_file_get_contents (path, &text, &length, error) || (object = json.object = sf_description_parse (text, (gssize) length, path, error)) == NULL)
    return NULL;
  gamma = read_list (&json, "gamma", process->n);
  alpha_bar = read_list (&json, "alpha_bar", process->n);
  if (!sf_description_end (&json, error))
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
    *origin = g_strdup (sf_description_text (&json, "origin", ""));
  g_clear_error (&json.error);
  return g_steal_pointer (&gamma);
}
