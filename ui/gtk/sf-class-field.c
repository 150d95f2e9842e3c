/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-class-field.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "sf-fields.h"

typedef struct
{
  GObject *config;
  const char *property;
  SfModel *model; /* (nullable) */
  GtkListStore *names;
} Field;

static void
field_free (gpointer data)
{
  Field *self = data;

  sf_model_unref (self->model);
  g_object_unref (self->names);
  g_free (self);
}

static Field *
field_of (GtkWidget *entry)
{
  return g_object_get_data (G_OBJECT (entry), "sf-class");
}

/* (transfer full): "7 · cock", or the number alone. */
static char *
describe (const Field *self, int class)
{
  if (self->model == NULL || self->model->classes == NULL || class >= self->model->n_classes)
    return g_strdup_printf ("%d", class);
  return g_strdup_printf ("%d · %s", class, self->model->classes[class]);
}

/* The class that @text means: its number first, or the whole of its name; -1 = none. */
static int
parse (const Field *self, const char *text)
{
  while (g_ascii_isspace (*text))
    text++;
  if (g_ascii_isdigit (*text))
    return (int) MIN (g_ascii_strtoull (text, NULL, 10), G_MAXINT32);
  for (int i = 0; *text != '\0' && self->model != NULL && self->model->classes != NULL && i < self->model->n_classes; i++)
    if (g_ascii_strcasecmp (self->model->classes[i], text) == 0)
      return i;
  return -1;
}

static void
from_config (GObject *config, GParamSpec *pspec, GtkWidget *entry)
{
  Field *self = field_of (entry);
  g_autofree char *text = NULL;
  int class;

  g_object_get (config, self->property, &class, NULL);
  if (class == parse (self, gtk_entry_get_text (GTK_ENTRY (entry))))
    return;
  text = class >= 0 ? describe (self, class) : g_strdup ("");
  gtk_entry_set_text (GTK_ENTRY (entry), text);
}

static void
on_changed (GtkWidget *entry)
{
  Field *self = field_of (entry);
  int class = parse (self, gtk_entry_get_text (GTK_ENTRY (entry))), now;

  g_object_get (self->config, self->property, &now, NULL);
  if (class != now)
    g_object_set (self->config, self->property, class, NULL);
}

/* Any part of the name will do. */
static gboolean
matches (GtkEntryCompletion *completion, const char *key, GtkTreeIter *iter, gpointer data)
{
  g_autofree char *text = NULL, *folded = NULL, *wanted = g_utf8_casefold (key, -1);

  gtk_tree_model_get (gtk_entry_completion_get_model (completion), iter, 0, &text, -1);
  folded = text != NULL ? g_utf8_casefold (text, -1) : NULL;
  return folded != NULL && strstr (folded, wanted) != NULL;
}

void
sf_class_field_set_model (GtkWidget *entry, SfModel *model)
{
  Field *self = field_of (entry);
  g_autofree char *shown = NULL;
  int class;

  if (self->model == model)
    return;
  sf_model_unref (self->model);
  self->model = model != NULL ? sf_model_ref (model) : NULL;
  gtk_list_store_clear (self->names);
  for (int i = 0; model != NULL && model->classes != NULL && i < model->n_classes; i++)
    {
      g_autofree char *text = describe (self, i);

      gtk_list_store_insert_with_values (self->names, NULL, -1, 0, text, -1);
    }
  g_object_get (self->config, self->property, &class, NULL);
  shown = class >= 0 ? describe (self, class) : g_strdup ("");
  gtk_entry_set_text (GTK_ENTRY (entry), shown);
}

GtkWidget *
sf_class_field_new (GObject *config, const SfParam *param)
{
  GtkWidget *entry = gtk_entry_new ();
  GtkEntryCompletion *completion = gtk_entry_completion_new ();
  g_autofree char *notify = g_strconcat ("notify::", param->name, NULL), *name = sf_plain_label (g_dgettext (GETTEXT_PACKAGE, param->label));
  Field *self = g_new0 (Field, 1);

  *self = (Field) { .config = config, .property = param->name, .names = gtk_list_store_new (1, G_TYPE_STRING) };
  g_object_set_data_full (G_OBJECT (entry), "sf-class", self, field_free);
  gtk_entry_completion_set_model (completion, GTK_TREE_MODEL (self->names));
  gtk_entry_completion_set_text_column (completion, 0);
  gtk_entry_completion_set_match_func (completion, matches, NULL, NULL);
  gtk_entry_set_completion (GTK_ENTRY (entry), completion);
  g_object_unref (completion);
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), _ ("Any; or begin to type a name"));
  gtk_widget_set_tooltip_text (entry, g_dgettext (GETTEXT_PACKAGE, param->description));
  atk_object_set_name (gtk_widget_get_accessible (entry), name);
  from_config (config, NULL, entry);
  g_signal_connect_object (config, notify, G_CALLBACK (from_config), entry, 0);
  g_signal_connect (entry, "changed", G_CALLBACK (on_changed), NULL);
  return entry;
}
