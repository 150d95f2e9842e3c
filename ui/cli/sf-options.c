/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-options.h"

#include "sf-config.h"

#include <glib/gi18n.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sf-format.h"

typedef struct
{
  const char *usage, *summary;
  int n_files;       /* IN and OUT, or OUT */
  gboolean has_mask; /* takes --mask */
  const char *needs_mask; /* (nullable): what to say when there is none */
} Command;

static const Command commands[SF_N_TASKS] = {
  [SF_TASK_REGENERATE] = { N_ ("IN OUT [--mask=MASK]"), N_ ("Make an area anew, keeping as much of it as --strength leaves"), 2, TRUE, NULL },
  [SF_TASK_FILL] = { N_ ("IN OUT --mask=MASK"), N_ ("Replace an area by a continuation of its surroundings"), 2, TRUE,
                     N_ ("--mask is missing: a picture of the same size as IN that is white where to fill") },
  [SF_TASK_EXPAND] = { N_ ("IN OUT --left=N …"), N_ ("Enlarge the canvas and fill the new border"), 2, FALSE, NULL },
  [SF_TASK_GENERATE] = { N_ ("OUT [--example=IN]"), N_ ("Make a new picture of any size, from an example or by a model that needs none"), 1, FALSE, NULL },
};

const char *
sf_options_summary (SfTask task)
{
  return _ (commands[task].summary);
}

const char *
sf_options_usage (SfTask task)
{
  return _ (commands[task].usage);
}

gboolean
sf_options_offers (SfTask task, const SfParam *param)
{
  return (param->tasks & (1u << task)) != 0 && !g_str_equal (param->name, "sample-merged") &&
         !g_str_equal (param->name, "output");
}

/*** Help ***/

static const char *
value_name (const SfParam *param)
{
  switch (param->type)
    {
    case SF_PARAM_BOOLEAN:
      return _ ("yes|no");
    case SF_PARAM_INT:
      return "N";
    case SF_PARAM_DOUBLE:
      return "X";
    case SF_PARAM_STRING:
      return _ ("TEXT");
    case SF_PARAM_CHOICE:
    default:
      return _ ("NAME");
    }
}

static void
append_range (GString *text, const SfParam *param)
{
  char lo[G_ASCII_DTOSTR_BUF_SIZE], hi[G_ASCII_DTOSTR_BUF_SIZE], value[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (lo, sizeof lo, "%.10g", param->min);
  g_ascii_formatd (hi, sizeof hi, "%.10g", param->max);
  g_ascii_formatd (value, sizeof value, "%.10g", param->fallback);
  /* Translators: of an option on the command line: “0 … 1, default 0.6” */
  g_string_append_printf (text, _ ("%s … %s, default %s"), lo, hi, value);
}

static void
append_choices (GString *text, const SfParam *param)
{
  int n;
  const SfChoice *choices = param->choices (&n);

  for (int i = 0; i < n; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", choices[i].name);
  g_string_append (text, "; ");
  g_string_append_printf (text, _ ("default %s"), param->text);
}

/* "What it does (0 … 1, default 0.6)" */
static char *
describe (const SfParam *param)
{
  g_autoptr (GString) value = g_string_new (NULL);

  if (param->type == SF_PARAM_CHOICE)
    append_choices (value, param);
  else if (param->type == SF_PARAM_BOOLEAN)
    g_string_append_printf (value, _ ("default %s"), param->fallback != 0 ? _ ("yes") : _ ("no"));
  else if (param->type != SF_PARAM_STRING)
    append_range (value, param);
  else if (*param->text != '\0')
    g_string_append_printf (value, _ ("default %s"), param->text);
  return value->len > 0 ? g_strdup_printf ("%s (%s)", _ (param->description), value->str) : g_strdup (_ (param->description));
}

static char *
describe_files (SfTask task)
{
  g_autofree char *extensions = sf_format_list_extensions ();
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, _ ("OUT is one of %s, by its extension; “-” is standard input or output (written in the format of IN, else PNG)."), extensions);
  g_string_append_c (text, '\n');
  g_string_append (text, _ ("With several candidates the best goes to OUT, the next best to OUT-2 and so on (out.png, out-2.png, …)."));
  g_string_append_c (text, '\n');
  g_string_append (text, _ ("The settings are stored in OUT, and “sfumato info OUT” shows them; OpenEXR and PPM have no place for them."));
  g_string_append_c (text, '\n');
  g_string_append (text, _ ("JPEG and WebP are encoded anew as a whole; in the other formats pixels outside of the area stay as they are, bit for bit."));
  return g_string_free (text, FALSE);
}

/*** Options ***/

/* A row's option: "--strength" with its value.  Text is parsed by the core, in the C locale. */
static gboolean
set_option (const char *name, const char *value, gpointer data, GError **error)
{
  SfOptions *self = data;
  gboolean negated = g_str_has_prefix (name, "--no-");
  const SfParam *param = sf_settings_find (name + (negated ? strlen ("--no-") : strlen ("--")));

  g_return_val_if_fail (param != NULL, FALSE);
  return sf_settings_set (self->settings, param, negated ? "no" : value, error);
}

static void
add_row (GArray *entries, GPtrArray *texts, const SfParam *param)
{
  char *description = describe (param);
  GOptionEntry entry = { .long_name = param->name, .arg = G_OPTION_ARG_CALLBACK, .arg_data = set_option, .description = description, .arg_description = value_name (param) };

  g_ptr_array_add (texts, description);
  g_array_append_val (entries, entry);
  if (param->type == SF_PARAM_BOOLEAN && param->fallback != 0)
    {
      char *negated = g_strconcat ("no-", param->name, NULL);

      g_ptr_array_add (texts, negated);
      entry = (GOptionEntry) { .long_name = negated, .flags = G_OPTION_FLAG_NO_ARG | G_OPTION_FLAG_HIDDEN, .arg = G_OPTION_ARG_CALLBACK, .arg_data = set_option };
      g_array_append_val (entries, entry);
    }
}

/* @texts keeps what the entries point to. */
static GOptionGroup *
make_group (SfOptions *self, char ***files, GPtrArray *texts)
{
  const Command *command = &commands[self->task];
  GOptionGroup *group = g_option_group_new ("main", NULL, NULL, self, NULL);
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  GOptionEntry mask = { "mask", 'm', 0, G_OPTION_ARG_FILENAME, &self->mask,
                        N_ ("Picture of the same size as IN: white is made anew, black stays, gray is mixed"), N_ ("MASK") };
  GOptionEntry example = { "example", 'e', 0, G_OPTION_ARG_FILENAME, &self->in, N_ ("Picture to take the look from"), N_ ("IN") };
  GOptionEntry common[] = {
    { "force", 'f', 0, G_OPTION_ARG_NONE, &self->force, N_ ("Let OUT replace a file that is read from"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, N_ ("Show no progress"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, files, NULL, NULL },
  };
  int n;
  const SfParam *params = sf_settings_params (&n);

  if (command->has_mask)
    g_array_append_val (entries, mask);
  if (self->task == SF_TASK_GENERATE)
    g_array_append_val (entries, example);
  for (const SfParam *p = params; p < params + n; p++)
    if (sf_options_offers (self->task, p))
      add_row (entries, texts, p);
  g_array_append_vals (entries, common, G_N_ELEMENTS (common));
  g_option_group_set_translation_domain (group, GETTEXT_PACKAGE);
  g_option_group_add_entries (group, (const GOptionEntry *) entries->data);
  return group;
}

/*** What else a command line can have wrong ***/

static gboolean
fail (GError **error, const char *reason)
{
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, reason);
  return FALSE;
}

static gboolean
take_files (SfOptions *self, char **files, GError **error)
{
  const Command *command = &commands[self->task];
  int n = files != NULL ? (int) g_strv_length (files) : 0;

  if (n != command->n_files)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                   _ ("%d file names were given, %d are expected: sfumato %s %s"), n, command->n_files, sf_task_name (self->task),
                   _ (command->usage));
      return FALSE;
    }
  if (n == 2)
    self->in = g_strdup (files[0]);
  self->out = g_strdup (files[n - 1]);
  return TRUE;
}

/* Standard output, or a device or pipe of another name. */
static gboolean
is_stream (const char *path)
{
  return g_str_equal (path, "-") || (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR) &&
                                     !g_file_test (path, G_FILE_TEST_IS_DIR));
}

static gboolean
check (const SfOptions *self, GError **error)
{
  const Command *command = &commands[self->task];

  if (command->needs_mask != NULL && self->mask == NULL)
    return fail (error, _ (command->needs_mask));
  if (!sf_settings_validate (self->settings, self->task, error))
    return FALSE;
  if (self->task == SF_TASK_GENERATE && self->in == NULL && sf_settings_engine (self->settings)->needs_picture)
    return fail (error, _ ("--example is missing: the picture to take the look from"));
  if (self->task == SF_TASK_GENERATE && self->in != NULL && !sf_settings_engine (self->settings)->needs_picture)
    return fail (error, _ ("the model makes pictures from nothing, so it has no use for --example; leave it out"));
  if (g_strcmp0 (self->in, "-") == 0 && g_strcmp0 (self->mask, "-") == 0)
    return fail (error, _ ("only one of IN and MASK can be standard input"));
  if (is_stream (self->out) && self->settings->candidates > 1)
    return fail (error, _ ("several candidates do not fit into standard output; name a file"));
  if (!is_stream (self->out) && sf_format_from_name (self->out) == NULL)
    {
      g_autofree char *extensions = sf_format_list_extensions (), *name = g_filename_display_name (self->out);

      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%s: the extension must be one of %s"), name, extensions);
      return FALSE;
    }
  return TRUE;
}

SfOptions *
sf_options_parse (SfTask task, char **arguments, GError **error)
{
  g_autoptr (SfOptions) self = g_new0 (SfOptions, 1);
  g_autofree char *parameters = g_strdup_printf ("%s %s", sf_task_name (task), _ (commands[task].usage));
  g_autofree char *footer = describe_files (task);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GOptionContext) context = g_option_context_new (parameters);
  g_auto (GStrv) files = NULL;
  g_auto (GStrv) words = NULL;

  self->task = task;
  self->settings = sf_settings_new ();
  g_option_context_set_summary (context, _ (commands[task].summary));
  g_option_context_set_description (context, footer);
  g_option_context_set_main_group (context, make_group (self, &files, texts));
  /* GOption takes the first word for the program's name. */
  words = g_new0 (char *, g_strv_length (arguments) + 2);
  words[0] = g_strdup ("sfumato");
  for (guint i = 0; arguments[i] != NULL; i++)
    words[i + 1] = g_strdup (arguments[i]);
  if (!g_option_context_parse_strv (context, &words, error) || !take_files (self, files, error) || !check (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
sf_options_free (SfOptions *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->settings, sf_settings_free);
  g_free (self->in);
  g_free (self->out);
  g_free (self->mask);
  g_free (self);
}
