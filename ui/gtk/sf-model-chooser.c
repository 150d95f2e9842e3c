/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-model-chooser.h"

#include <glib/gi18n-lib.h>

#include "sf-fields.h"

typedef struct
{
  GObject *config;
  const char *property;
  GtkWidget *combo, *facts;
} Chooser;

/*** What there is ***/

/* Engines that need no model, complete models of the catalogue, and @current if it is none of these: a path. */
static GArray *
list_choices (const SfCatalogue *catalogue, const char *current)
{
  GArray *choices = g_array_new (FALSE, FALSE, sizeof (SfChoice));
  gboolean found = current == NULL || *current == '\0';
  int n;
  const SfEngineInfo *const *engines = sf_engines (&n);

  for (int i = 0; i < n; i++)
    if (!engines[i]->takes_class)
      {
        SfChoice choice = { engines[i]->name, engines[i]->label, engines[i]->description };

        found = found || g_str_equal (current, choice.name);
        g_array_append_val (choices, choice);
      }
  for (guint i = 0; i < catalogue->entries->len; i++)
    {
      const SfCatalogueEntry *entry = catalogue->entries->pdata[i];
      SfChoice choice = { entry->id, sf_catalogue_entry_get_label (entry), entry->path != NULL ? entry->path : "" };

      if (entry->path == NULL || entry->fault != NULL || (entry->missing != NULL && entry->missing[0] != NULL) ||
          (entry->manifest != NULL && entry->manifest->kind == SF_MODEL_CLASSIFIER))
        continue;
      found = found || g_str_equal (current, choice.name);
      g_array_append_val (choices, choice);
    }
  if (!found)
    {
      SfChoice choice = { current, current, "" };

      g_array_append_val (choices, choice);
    }
  return choices;
}

/* The rows of the combo box; what is chosen may be none of them yet. */
static void
fill (Chooser *chooser)
{
  g_autoptr (SfCatalogue) catalogue = sf_catalogue_new ();
  g_autofree char *current = NULL;
  g_autoptr (GArray) choices = NULL;

  g_object_get (chooser->config, chooser->property, &current, NULL);
  choices = list_choices (catalogue, current);
  sf_choice_set (chooser->combo, chooser->config, (const SfChoice *) choices->data, (int) choices->len);
}

/*** Facts ***/

/* (transfer full): "256 × 256 pixels, 114 million parameters, 1000 classes; ImageNet; MIT" */
static char *
describe (const SfModel *model)
{
  GString *text = g_string_new (NULL);

  if (model->width > 0)
    g_string_append_printf (text, _ ("%d × %d pixels, "), model->width, model->height);
  g_string_append_printf (text, _ ("%.3g million parameters"), model->parameters / 1e6);
  if (model->n_classes > 0)
    g_string_append_printf (text, g_dngettext (GETTEXT_PACKAGE, ", %d class", ", %d classes", model->n_classes), model->n_classes);
  if (model->manifest != NULL && model->manifest->trained_on != NULL)
    g_string_append_printf (text, "; %s", model->manifest->trained_on);
  if (model->manifest != NULL && model->manifest->license != NULL)
    g_string_append_printf (text, "; %s", model->manifest->license);
  if (model->kind == SF_MODEL_UPSAMPLER)
    g_string_append_printf (text, _ ("; made to regenerate pictures that were enlarged %d times and lack detail"), model->factor);
  if (!sf_model_tells_noise (model))
    g_string_append (text, _ ("; it does not say what noise it was trained with, so the likely one was chosen"));
  return g_string_free (text, FALSE);
}

/* A model that does not tell its noise gets the likely one, and all others go back to their own. */
static void
preselect_noise (GObject *config, const SfModel *model)
{
  g_autofree char *now = NULL;
  const char *want = model != NULL && !sf_model_tells_noise (model) ? sf_model_get_likely_process (model)->name : "auto";

  g_object_get (config, "noise-process", &now, NULL);
  if (g_str_equal (want, "auto") ? g_strcmp0 (now, "auto") != 0 : g_strcmp0 (now, "auto") == 0)
    g_object_set (config, "noise-process", want, NULL);
}

/* What was chosen for another model and would be refused by this one; its row is hidden, so that nobody could take it back. */
static void
forget_classes (GObject *config, const SfEngineInfo *engine, const SfModel *model)
{
  g_autofree char *classifier = NULL;
  int class;

  g_object_get (config, "classifier", &classifier, "class", &class, NULL);
  if (engine != NULL && classifier != NULL && *classifier != '\0')
    g_object_set (config, "classifier", "", NULL);
  if (class >= 0 && (engine != NULL || (model != NULL && model->n_classes == 0 && (classifier == NULL || *classifier == '\0'))))
    g_object_set (config, "class", -1, NULL);
}

static void
on_model (GObject *config, GParamSpec *pspec, GtkWidget *self)
{
  Chooser *chooser = g_object_get_data (G_OBJECT (self), "sf-chooser");
  g_autofree char *name = NULL, *text = NULL;
  g_autoptr (SfModel) model = NULL;
  const SfEngineInfo *engine;

  g_object_get (config, chooser->property, &name, NULL);
  engine = sf_engine_find_model (name);
  if (engine == NULL && name != NULL && *name != '\0')
    model = sf_model_get (name, NULL, TRUE, NULL, NULL); /* the dialog says what is wrong with it */
  preselect_noise (config, model);
  forget_classes (config, engine, model);
  if (model != NULL)
    text = describe (model);
  gtk_label_set_text (GTK_LABEL (chooser->facts), text != NULL ? text : "");
  gtk_widget_set_visible (chooser->facts, text != NULL);
  if (gtk_combo_box_get_active (GTK_COMBO_BOX (chooser->combo)) < 0)
    fill (chooser);
}

/*** Files ***/

static void
choose (GtkWidget *button, GtkFileChooserAction action, const char *title)
{
  GtkWidget *self = gtk_widget_get_ancestor (button, GTK_TYPE_BOX), *window = gtk_widget_get_toplevel (button);
  Chooser *chooser;
  g_autoptr (GtkFileChooserNative) native = gtk_file_chooser_native_new (title, GTK_WINDOW (window), action, _ ("_Open"), _ ("_Cancel"));

  while (g_object_get_data (G_OBJECT (self), "sf-chooser") == NULL)
    self = gtk_widget_get_ancestor (gtk_widget_get_parent (self), GTK_TYPE_BOX);
  chooser = g_object_get_data (G_OBJECT (self), "sf-chooser");
  if (gtk_native_dialog_run (GTK_NATIVE_DIALOG (native)) == GTK_RESPONSE_ACCEPT)
    {
      g_autofree char *path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (native));

      if (path != NULL)
        g_object_set (chooser->config, chooser->property, path, NULL);
    }
}

static void
on_file (GtkWidget *button)
{
  choose (button, GTK_FILE_CHOOSER_ACTION_OPEN, _ ("Choose a Checkpoint"));
}

static void
on_folder (GtkWidget *button)
{
  choose (button, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _ ("Choose the Folder of a Model"));
}

static GtkWidget *
button_new (const char *icon, const char *tooltip, GCallback clicked)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon, GTK_ICON_SIZE_BUTTON);

  gtk_widget_set_tooltip_text (button, tooltip);
  atk_object_set_name (gtk_widget_get_accessible (button), tooltip);
  g_signal_connect (button, "clicked", clicked, NULL);
  return button;
}

/*** The widget ***/

GtkWidget *
sf_model_chooser_new (GObject *config, const SfParam *param)
{
  GtkWidget *self = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2), *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 4);
  Chooser *chooser = g_new0 (Chooser, 1);
  g_autofree char *notify = g_strconcat ("notify::", param->name, NULL);

  *chooser = (Chooser) { .config = config, .property = param->name, .combo = sf_choice_new (config, param->name, NULL, 0), .facts = sf_note_new (NULL) };
  g_object_set_data_full (G_OBJECT (self), "sf-chooser", chooser, g_free);
  gtk_label_set_line_wrap (GTK_LABEL (chooser->facts), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (chooser->facts), 40);
  gtk_box_pack_start (GTK_BOX (row), chooser->combo, TRUE, TRUE, 0);
  gtk_box_pack_end (GTK_BOX (row), button_new ("folder-open-symbolic", _ ("Open the folder of a model"), G_CALLBACK (on_folder)), FALSE, FALSE, 0);
  gtk_box_pack_end (GTK_BOX (row), button_new ("document-open-symbolic", _ ("Open a checkpoint"), G_CALLBACK (on_file)), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self), row, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self), chooser->facts, FALSE, FALSE, 0);
  gtk_widget_set_no_show_all (chooser->facts, TRUE);
  gtk_widget_set_tooltip_text (chooser->combo, g_dgettext (GETTEXT_PACKAGE, param->description));
  atk_object_set_name (gtk_widget_get_accessible (chooser->combo), _ ("Model"));
  on_model (config, NULL, self);
  g_signal_connect_object (config, notify, G_CALLBACK (on_model), self, 0);
  return self;
}

GtkWidget *
sf_model_chooser_get_combo (GtkWidget *self)
{
  return ((Chooser *) g_object_get_data (G_OBJECT (self), "sf-chooser"))->combo;
}
