/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-tell.h"

#include "sf-config.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <unistd.h>

#include "sf-models.h"

/* The values of a setting, without "auto". */
static GArray *
list_choices (const char *setting)
{
  int n;
  const SfChoice *choices = sf_settings_find (setting)->choices (&n);
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (SfChoice));

  g_array_append_vals (rows, choices + 1, n - 1);
  return rows;
}

static GArray *
list_samplers (void)
{
  return list_choices ("sampler");
}

static GArray *
list_schedules (void)
{
  return list_choices ("schedule");
}

static GArray *
list_engines (void)
{
  int n;
  const SfEngineInfo *const *engines = sf_engines (&n);
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (SfChoice));

  for (int i = 0; i < n; i++)
    {
      SfChoice row = { engines[i]->name, engines[i]->label, engines[i]->description, NULL };

      g_array_append_val (rows, row);
    }
  return rows;
}

static const struct
{
  const char *name;
  GArray *(*list) (void);
} families[] = {
  { "samplers", list_samplers },
  { "schedules", list_schedules },
  { "engines", list_engines },
};

static void
print_json (GArray *rows)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_array (builder);
  for (guint i = 0; i < rows->len; i++)
    {
      const SfChoice *row = &g_array_index (rows, SfChoice, i);

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "name");
      json_builder_add_string_value (builder, row->name);
      json_builder_set_member_name (builder, "label");
      json_builder_add_string_value (builder, _ (row->label));
      json_builder_set_member_name (builder, "description");
      json_builder_add_string_value (builder, _ (row->description));
      if (row->group != NULL)
        {
          json_builder_set_member_name (builder, "group");
          json_builder_add_string_value (builder, _ (row->group));
        }
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}

/* One line each; a person sees the groups under headings. */
static void
print_lines (GArray *rows)
{
  gboolean headings = isatty (STDOUT_FILENO);
  const char *group = NULL;

  for (guint i = 0; i < rows->len; i++)
    {
      const SfChoice *row = &g_array_index (rows, SfChoice, i);

      if (headings && row->group != NULL && g_strcmp0 (row->group, group) != 0)
        g_print ("\n%s\n", _ (row->group));
      group = row->group;
      g_print ("%-20s %s: %s\n", row->name, _ (row->label), _ (row->description));
    }
}

gboolean
sf_list (char **arguments, GError **error)
{
  gboolean json = FALSE;
  GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print JSON"), NULL }, { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new ("list samplers|schedules|models|engines");
  g_auto (GStrv) words = g_strdupv (arguments);

  g_option_context_set_summary (context, _ ("Tell what there is to choose from"));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse_strv (context, &words, error))
    return FALSE;
  if (g_strv_length (words) == 2 && g_str_equal (words[1], "models"))
    {
      sf_models_list (json);
      return TRUE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (g_strv_length (words) == 2 && g_str_equal (words[1], families[i].name))
      {
        g_autoptr (GArray) rows = families[i].list ();

        (json ? print_json : print_lines) (rows);
        return TRUE;
      }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("say which: sfumato list samplers|schedules|models|engines"));
  return FALSE;
}
