/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-tell.h"

#include "sf-config.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "sfumato.h"

/* Registries have rows of different types; their first members are the same three texts. */
typedef struct
{
  const char *name, *label, *description;
} Row;

#define DEFINE_FAMILY(family, function, item_type)                                    \
  static GArray *family (void)                                                        \
  {                                                                                   \
    int n;                                                                            \
    const item_type *const *items = function (&n);                                    \
    GArray *rows = g_array_new (FALSE, FALSE, sizeof (Row));                          \
                                                                                      \
    for (int i = 0; i < n; i++)                                                       \
      {                                                                               \
        Row row = { items[i]->name, _ (items[i]->label), _ (items[i]->description) }; \
        g_array_append_val (rows, row);                                               \
      }                                                                               \
    return rows;                                                                      \
  }

DEFINE_FAMILY (list_samplers, sf_samplers, SfSampler)
DEFINE_FAMILY (list_schedules, sf_schedules, SfSchedule)
DEFINE_FAMILY (list_engines, sf_engines, SfEngineInfo)

static const struct
{
  const char *name;
  GArray *(*list) (void);
} families[] = {
  { "samplers", list_samplers },
  { "schedules", list_schedules },
  { "models", list_engines }, /* every engine there is brings its own model: it needs no weights */
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
      const Row *row = &g_array_index (rows, Row, i);

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "name");
      json_builder_add_string_value (builder, row->name);
      json_builder_set_member_name (builder, "label");
      json_builder_add_string_value (builder, row->label);
      json_builder_set_member_name (builder, "description");
      json_builder_add_string_value (builder, row->description);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}

static void
print_lines (GArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const Row *row = &g_array_index (rows, Row, i);

      g_print ("%-16s %s: %s\n", row->name, row->label, row->description);
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
