/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-tell.h"

#include "sf-config.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <gio/gio.h>

#include "sf-metadata.h"
#include "sf-models.h"
#include "sf-options.h"

static void
print_engine (const SfEngineInfo *info)
{
  g_print ("%s: %s\n%s\n", info->name, _ (info->label), _ (info->description));
  g_print (_ ("Ready to use. Recommended: %d steps, sampler %s, schedule %s.\n"), info->steps, info->sampler, info->schedule);
  g_print ("%s\n", info->takes_prompt ? _ ("Reads a prompt.") : _ ("Does not read a prompt."));
}

/* Whether a shell takes it for what it is. */
static gboolean
is_plain (const char *text)
{
  return text[strspn (text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_.,/:=+@%")] == '\0';
}

/* The command that makes the picture once more. */
static void
print_repeat (const SfSettings *settings, SfTask task)
{
  int n;
  const SfParam *params = sf_settings_params (&n);
  const SfEngineInfo *engine = sf_settings_engine (settings);
  const char *files = task != SF_TASK_GENERATE ? "IN OUT" : engine != NULL && !engine->needs_picture ? "OUT"
                                                                                                     : "OUT --example=IN";
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "sfumato %s %s", sf_task_name (task), files);
  if (task == SF_TASK_FILL || task == SF_TASK_REGENERATE)
    g_string_append (line, " --mask=MASK");
  for (const SfParam *p = params; p < params + n; p++)
    if (sf_options_offers (task, p))
      {
        g_autoptr (SfSettings) defaults = sf_settings_new ();
        g_autofree char *text = sf_settings_get (settings, p), *usual = sf_settings_get (defaults, p);
        g_autofree char *quoted = g_shell_quote (text);

        if (g_str_equal (text, usual))
          continue;
        g_string_append_printf (line, " --%s=%s", p->name, is_plain (text) ? text : quoted);
      }
  g_print ("%s\n", line->str);
  g_string_free (line, TRUE);
}

static gboolean
print_settings (const char *name, const char *json, GError **error)
{
  SfTask task;
  int candidate, n;
  g_autoptr (SfSettings) settings = sf_settings_from_json (json, &task, &candidate, error);
  const SfParam *params = sf_settings_params (&n);

  if (settings == NULL)
    {
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  g_print ("%-18s %s\n%-18s %d\n", "task", sf_task_name (task), "candidate", candidate + 1);
  for (const SfParam *p = params; p < params + n; p++)
    if (sf_options_offers (task, p))
      {
        g_autofree char *text = sf_settings_get (settings, p);

        g_print ("%-18s %s\n", p->name, text);
      }
  print_repeat (settings, task);
  return TRUE;
}

static gboolean
print_file (const char *path, gboolean as_json, GError **error)
{
  g_autoptr (SfSource) source = sf_source_open (path, error);
  g_autofree char *json = source != NULL ? sf_metadata_read (source) : NULL;

  if (source == NULL)
    return FALSE;
  if (json == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   _ ("%s: has no settings of Sfumato in it; it was not made here, or a program dropped them"), source->name);
      return FALSE;
    }
  if (!as_json)
    return print_settings (source->name, json, error);
  g_print ("%s\n", json);
  return TRUE;
}

gboolean
sf_info (char **arguments, GError **error)
{
  gboolean json = FALSE;
  GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print JSON"), NULL }, { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new ("info MODEL|PICTURE");
  g_auto (GStrv) words = g_strdupv (arguments);
  const SfEngineInfo *engine;

  g_option_context_set_summary (context, _ ("Tell what a model is, or with what settings a picture was made"));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse_strv (context, &words, error))
    return FALSE;
  if (g_strv_length (words) != 2)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("name one model or picture: sfumato info MODEL|PICTURE"));
      return FALSE;
    }
  engine = sf_engine_find_model (words[1]);
  if (engine != NULL)
    print_engine (engine);
  else if (sf_models_know (words[1]))
    return sf_models_info (words[1], json, error);
  else if (!g_str_equal (words[1], "-") && !g_file_test (words[1], G_FILE_TEST_EXISTS))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: is neither a model (see sfumato list models) nor a file"), words[1]);
      return FALSE;
    }
  else
    return print_file (words[1], json, error);
  return TRUE;
}
