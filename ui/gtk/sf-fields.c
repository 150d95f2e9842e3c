/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-fields.h"

#include <glib/gi18n-lib.h>
#include <libgimp/gimpui.h>

#define FADED 0.6 /* opacity of what is only said, not set */

static PangoAttrList *
faded (double scale)
{
  PangoAttrList *attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_foreground_alpha_new ((guint16) (FADED * 65535)));
  pango_attr_list_insert (attributes, pango_attr_scale_new (scale));
  return attributes;
}

GtkWidget *
sf_note_new (const char *text)
{
  GtkWidget *label = gtk_label_new (text);
  PangoAttrList *attributes = faded (0.9);

  gtk_label_set_attributes (GTK_LABEL (label), attributes);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  pango_attr_list_unref (attributes);
  return label;
}

char *
sf_plain_label (const char *label)
{
  GString *plain = g_string_new (NULL);

  for (const char *c = label; *c != '\0'; c++)
    if (*c != '_')
      g_string_append_c (plain, *c);
    else if (c[1] == '_')
      g_string_append_c (plain, *c++);
  /* East Asian labels have it as "模型(_M)". */
  if (plain->len > 3 && g_str_has_suffix (plain->str, ")") && plain->str[plain->len - 3] == '(')
    g_string_truncate (plain, plain->len - 3);
  return g_string_free (plain, FALSE);
}

/*** Choices ***/

enum
{
  COLUMN_NAME,
  COLUMN_LABEL,
  COLUMN_MARKUP,
  COLUMN_DESCRIPTION,
  N_COLUMNS,
};

static void
choice_set_markup (GtkTreeStore *store, GtkTreeIter *iter, const char *label, const char *meaning)
{
  g_autofree char *markup = meaning ? g_markup_printf_escaped ("%s <span foreground=\"#888888\">(%s)</span>", label, meaning)
                                    : g_markup_escape_text (label, -1);

  gtk_tree_store_set (store, iter, COLUMN_MARKUP, markup, -1);
}

/* The row of a group below @parent, which is made if need be; a group's row has no name and cannot be chosen. */
static void
choice_group (GtkTreeStore *store, GtkTreeIter *parent, const char *label, GtkTreeIter *group)
{
  GtkTreeModel *model = GTK_TREE_MODEL (store);

  for (gboolean more = gtk_tree_model_iter_children (model, group, parent); more; more = gtk_tree_model_iter_next (model, group))
    {
      g_autofree char *name = NULL, *other = NULL;

      gtk_tree_model_get (model, group, COLUMN_NAME, &name, COLUMN_LABEL, &other, -1);
      if (name == NULL && g_strcmp0 (other, label) == 0)
        return;
    }
  gtk_tree_store_insert_with_values (store, group, parent, -1, COLUMN_LABEL, label, -1);
  choice_set_markup (store, group, label, NULL);
}

/* What has no group comes first; the groups are submenus of the last entry. */
static void
choice_add (GtkTreeStore *store, const SfChoice *choice)
{
  const char *label = g_dgettext (GETTEXT_PACKAGE, choice->label);
  GtkTreeIter iter, more, group;

  if (choice->group != NULL)
    {
      choice_group (store, NULL, _ ("More"), &more);
      choice_group (store, &more, g_dgettext (GETTEXT_PACKAGE, choice->group), &group);
    }
  gtk_tree_store_insert_with_values (store, &iter, choice->group != NULL ? &group : NULL, -1, COLUMN_NAME, choice->name, COLUMN_LABEL, label,
                                     COLUMN_DESCRIPTION, g_dgettext (GETTEXT_PACKAGE, choice->description), -1);
  choice_set_markup (store, &iter, label, NULL);
}

static void
choice_fill (GtkTreeStore *store, const SfChoice *choices, int n)
{
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < n; i++)
      if ((choices[i].group != NULL) == pass)
        choice_add (store, &choices[i]);
}

typedef struct
{
  const char *name;
  GtkTreeIter iter;
  gboolean found;
} Search;

static gboolean
is_named (GtkTreeModel *model, GtkTreePath *path, GtkTreeIter *iter, gpointer data)
{
  Search *search = data;
  g_autofree char *name = NULL;

  gtk_tree_model_get (model, iter, COLUMN_NAME, &name, -1);
  if (name == NULL || g_strcmp0 (name, search->name) != 0)
    return FALSE;
  search->iter = *iter;
  return search->found = TRUE;
}

/* The tooltip tells what the present choice does, too. */
static void
choice_explain (GtkComboBox *combo)
{
  const char *general = g_object_get_data (G_OBJECT (combo), "sf-tooltip");
  g_autofree char *label = NULL, *description = NULL, *text = NULL;
  GtkTreeIter iter;

  if (general == NULL || !gtk_combo_box_get_active_iter (combo, &iter))
    return;
  gtk_tree_model_get (gtk_combo_box_get_model (combo), &iter, COLUMN_LABEL, &label, COLUMN_DESCRIPTION, &description, -1);
  /* Translators: a choice and what it does, in a tooltip: "Euler: The plain step; …" */
  text = g_strdup_printf (_ ("%s\n\n%s: %s"), general, label, description);
  gtk_widget_set_tooltip_text (GTK_WIDGET (combo), text);
}

/* "active-id" looks at the outermost rows only, so the two directions are connected by hand. */
static void
choice_from_config (GObject *config, GParamSpec *pspec, GtkComboBox *combo)
{
  g_autofree char *name = NULL;
  Search search = { 0 };

  g_object_get (config, pspec->name, &name, NULL);
  search.name = name;
  gtk_tree_model_foreach (gtk_combo_box_get_model (combo), is_named, &search);
  gtk_combo_box_set_active_iter (combo, search.found ? &search.iter : NULL);
}

static void
choice_to_config (GtkComboBox *combo, GObject *config)
{
  g_autofree char *name = NULL, *now = NULL;
  const char *property = g_object_get_data (G_OBJECT (combo), "sf-property");
  GtkTreeIter iter;

  if (!gtk_combo_box_get_active_iter (combo, &iter))
    return;
  choice_explain (combo);
  gtk_tree_model_get (gtk_combo_box_get_model (combo), &iter, COLUMN_NAME, &name, -1);
  g_object_get (config, property, &now, NULL);
  if (name != NULL && g_strcmp0 (name, now) != 0)
    g_object_set (config, property, name, NULL);
}

/* The entry that opens a submenu stands in it once more; there it is only a heading. */
static void
choice_render (GtkCellLayout *layout, GtkCellRenderer *renderer, GtkTreeModel *model, GtkTreeIter *iter, gpointer data)
{
  g_object_set (renderer, "sensitive", !gtk_tree_model_iter_has_child (model, iter), NULL);
}

GtkWidget *
sf_choice_new (GObject *config, const char *property, const SfChoice *choices, int n)
{
  GtkTreeStore *store = gtk_tree_store_new (N_COLUMNS, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
  GtkWidget *combo = gtk_combo_box_new_with_model (GTK_TREE_MODEL (store));
  GtkCellRenderer *renderer = gtk_cell_renderer_text_new ();
  g_autofree char *notify = g_strconcat ("notify::", property, NULL);

  choice_fill (store, choices, n);
  g_object_unref (store);
  g_object_set (renderer, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
  gtk_cell_layout_pack_start (GTK_CELL_LAYOUT (combo), renderer, TRUE);
  gtk_cell_layout_set_attributes (GTK_CELL_LAYOUT (combo), renderer, "markup", COLUMN_MARKUP, NULL);
  gtk_cell_layout_set_cell_data_func (GTK_CELL_LAYOUT (combo), renderer, choice_render, NULL, NULL);
  g_object_set_data_full (G_OBJECT (combo), "sf-property", g_strdup (property), g_free);
  choice_from_config (config, g_object_class_find_property (G_OBJECT_GET_CLASS (config), property), GTK_COMBO_BOX (combo));
  g_signal_connect_object (config, notify, G_CALLBACK (choice_from_config), combo, 0);
  g_signal_connect_object (combo, "changed", G_CALLBACK (choice_to_config), config, 0);
  return combo;
}

void
sf_choice_set (GtkWidget *combo, GObject *config, const SfChoice *choices, int n)
{
  GtkTreeStore *store = GTK_TREE_STORE (gtk_combo_box_get_model (GTK_COMBO_BOX (combo)));
  const char *property = g_object_get_data (G_OBJECT (combo), "sf-property");

  gtk_tree_store_clear (store);
  choice_fill (store, choices, n);
  choice_from_config (config, g_object_class_find_property (G_OBJECT_GET_CLASS (config), property), GTK_COMBO_BOX (combo));
}

static void
choice_set_automatic (GtkComboBox *combo, const char *meaning)
{
  GtkTreeModel *model = gtk_combo_box_get_model (combo);
  GtkTreeIter iter;

  for (gboolean more = gtk_tree_model_get_iter_first (model, &iter); more; more = gtk_tree_model_iter_next (model, &iter))
    {
      g_autofree char *name = NULL;
      g_autofree char *label = NULL;

      gtk_tree_model_get (model, &iter, COLUMN_NAME, &name, COLUMN_LABEL, &label, -1);
      if (g_strcmp0 (name, "auto") == 0)
        choice_set_markup (GTK_TREE_STORE (model), &iter, label, meaning);
    }
}

/*** Numbers ***/

/* Spin buttons whose lowest value means "choose for me" say so instead of showing the number. */
static gboolean
is_automatic (GtkSpinButton *spin)
{
  return gtk_adjustment_get_value (gtk_spin_button_get_adjustment (spin)) <= gtk_adjustment_get_lower (gtk_spin_button_get_adjustment (spin));
}

static gboolean
on_output (GtkSpinButton *spin)
{
  const char *meaning = g_object_get_data (G_OBJECT (spin), "sf-meaning");
  g_autofree char *text = NULL;
  PangoAttrList *attributes = NULL;

  if (is_automatic (spin))
    {
      text = meaning ? g_strdup_printf (_ ("auto (%s)"), meaning) : g_strdup (_ ("auto"));
      attributes = faded (1);
    }
  gtk_entry_set_attributes (GTK_ENTRY (spin), attributes);
  g_clear_pointer (&attributes, pango_attr_list_unref);
  if (text == NULL)
    return FALSE;
  if (g_strcmp0 (text, gtk_entry_get_text (GTK_ENTRY (spin))) != 0)
    gtk_entry_set_text (GTK_ENTRY (spin), text);
  return TRUE;
}

/* What is no number is automatic. */
static int
on_input (GtkSpinButton *spin, double *value)
{
  const char *text = gtk_entry_get_text (GTK_ENTRY (spin));

  while (g_ascii_isspace (*text))
    text++;
  if (g_ascii_isdigit (*text) || *text == '.' || *text == ',' || *text == '+')
    return FALSE;
  *value = gtk_adjustment_get_lower (gtk_spin_button_get_adjustment (spin));
  return TRUE;
}

static gboolean
has_automatic (const SfParam *param)
{
  static const char *const names[] = { "steps", "feather", "context", "width", "height", NULL };

  return g_strv_contains (names, param->name);
}

static GtkWidget *
number_new (GObject *config, const SfParam *param)
{
  double step = param->max > 4000 ? 16 : 1;
  GtkAdjustment *adjustment = gtk_adjustment_new (param->fallback, param->min, param->max, step, 10 * step, 0);
  GtkWidget *spin = gtk_spin_button_new (adjustment, 1, 0);

  gtk_entry_set_activates_default (GTK_ENTRY (spin), TRUE);
  gtk_entry_set_width_chars (GTK_ENTRY (spin), 9);
  gtk_entry_set_max_width_chars (GTK_ENTRY (spin), 9);
  if (has_automatic (param))
    {
      g_signal_connect (spin, "output", G_CALLBACK (on_output), NULL);
      g_signal_connect (spin, "input", G_CALLBACK (on_input), NULL);
    }
  else
    gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), TRUE);
  g_object_bind_property (config, param->name, adjustment, "value", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  return spin;
}

static gboolean
on_percent_output (GtkSpinButton *spin)
{
  g_autofree char *text = g_strdup_printf (_ ("%.0f %%"), gtk_adjustment_get_value (gtk_spin_button_get_adjustment (spin)));

  if (g_strcmp0 (text, gtk_entry_get_text (GTK_ENTRY (spin))) != 0)
    gtk_entry_set_text (GTK_ENTRY (spin), text);
  return TRUE;
}

static int
on_percent_input (GtkSpinButton *spin, double *value)
{
  char *end;

  *value = g_strtod (gtk_entry_get_text (GTK_ENTRY (spin)), &end);
  return end == gtk_entry_get_text (GTK_ENTRY (spin)) ? GTK_INPUT_ERROR : TRUE;
}

/* Shares of one are shown in per cent. */
static GtkWidget *
slider_new (GObject *config, const SfParam *param)
{
  GtkWidget *scale = gimp_prop_spin_scale_new (config, param->name, param->max / 100, param->max / 10, param->max > 1 ? 1 : 0);

  if (param->max == 1)
    {
      gimp_prop_widget_set_factor (scale, 100, 1, 10, 0);
      gtk_spin_button_set_digits (GTK_SPIN_BUTTON (scale), 0);
      gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (scale), FALSE);
      g_signal_connect (scale, "output", G_CALLBACK (on_percent_output), NULL);
      g_signal_connect (scale, "input", G_CALLBACK (on_percent_input), NULL);
      gtk_spin_button_update (GTK_SPIN_BUTTON (scale));
    }
  gimp_spin_scale_set_label (GIMP_SPIN_SCALE (scale), NULL);
  gtk_entry_set_activates_default (GTK_ENTRY (scale), TRUE);
  return scale;
}

static GtkWidget *
entry_new (GObject *config, const SfParam *param)
{
  GtkWidget *entry = gimp_prop_entry_new (config, param->name, -1);

  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  return entry;
}

/*** Public ***/

void
sf_field_set_automatic (GtkWidget *field, const char *meaning)
{
  if (GTK_IS_COMBO_BOX (field))
    choice_set_automatic (GTK_COMBO_BOX (field), meaning);
  else if (GTK_IS_SPIN_BUTTON (field))
    {
      g_object_set_data_full (G_OBJECT (field), "sf-meaning", g_strdup (meaning), g_free);
      if (is_automatic (GTK_SPIN_BUTTON (field)) && !gtk_widget_has_focus (field))
        on_output (GTK_SPIN_BUTTON (field));
    }
}

static GtkWidget *
make (GObject *config, const SfParam *param)
{
  int n;

  switch (param->type)
    {
    case SF_PARAM_CHOICE:
      {
        const SfChoice *choices = param->choices (&n);

        return sf_choice_new (config, param->name, choices, n);
      }
    case SF_PARAM_BOOLEAN:
      return gimp_prop_check_button_new (config, param->name, g_dgettext (GETTEXT_PACKAGE, param->label));
    case SF_PARAM_STRING:
      return entry_new (config, param);
    case SF_PARAM_DOUBLE:
      return has_automatic (param) ? number_new (config, param) : slider_new (config, param);
    case SF_PARAM_INT:
    default:
      return number_new (config, param);
    }
}

GtkWidget *
sf_field_new (GObject *config, const SfParam *param)
{
  GtkWidget *field = make (config, param);
  g_autofree char *name = sf_plain_label (g_dgettext (GETTEXT_PACKAGE, param->label));

  gtk_widget_set_tooltip_text (field, g_dgettext (GETTEXT_PACKAGE, param->description));
  if (GTK_IS_COMBO_BOX (field))
    {
      g_object_set_data (G_OBJECT (field), "sf-tooltip", (gpointer) g_dgettext (GETTEXT_PACKAGE, param->description));
      choice_explain (GTK_COMBO_BOX (field));
    }
  atk_object_set_name (gtk_widget_get_accessible (field), name);
  return field;
}
