/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-controls.h"

#include <glib/gi18n-lib.h>

#include "sf-class-field.h"
#include "sf-fields.h"
#include "sf-model-chooser.h"
#include "sf-seed.h"

struct _SfControls
{
  GtkBox parent;
  GObject *config;
  SfTask task;
  GtkWidget *grid, *advanced;  /* GtkGrid */
  GtkWidget *evaluations, *cost; /* GtkLabel: what a candidate takes */
  GtkWidget *seed;
  GtkWidget *class;            /* (nullable) GtkEntry */
  GHashTable *fields, *labels; /* by name */
};

G_DEFINE_TYPE (SfControls, sf_controls, GTK_TYPE_BOX)

/* From the top; what a task does not have is left out. */
static const char *const main_rows[] = {
  "model",
  "noise-process",
  "class",
  "prompt",
  "negative-prompt",
  "strength",
  "width",
  "height",
  "tileable",
  "left",
  "right",
  "top",
  "bottom",
  "steps",
  "sampler",
  "schedule",
  "seed",
  "candidates",
  "output",
  NULL,
};
static const char *const advanced_rows[] = {
  "eta",
  "guidance",
  "classifier",
  "classifier-scale",
  "feather",
  "context",
  "match-color",
  "respect-selection",
  "sample-merged",
  "fast",
  NULL,
};

static void
add_row (SfControls *self, GtkGrid *grid, int *y, const SfParam *param)
{
  GtkWidget *field, *label, *target;

  if (g_str_equal (param->name, "model"))
    {
      field = sf_model_chooser_new (self->config, param);
      target = sf_model_chooser_get_combo (field);
    }
  else if (g_str_equal (param->name, "class"))
    field = target = self->class = sf_class_field_new (self->config, param);
  else if (g_str_equal (param->name, "seed"))
    {
      field = self->seed = sf_seed_new (self->config, param);
      target = sf_seed_get_entry (field);
    }
  else
    field = target = sf_field_new (self->config, param);
  gtk_widget_set_hexpand (field, TRUE);
  g_hash_table_insert (self->fields, (gpointer) param->name, field);
  if (param->type == SF_PARAM_BOOLEAN)
    gtk_grid_attach (grid, field, 0, *y, 2, 1);
  else
    {
      label = gtk_label_new_with_mnemonic (g_dgettext (GETTEXT_PACKAGE, param->label));
      gtk_label_set_xalign (GTK_LABEL (label), 0);
      gtk_label_set_mnemonic_widget (GTK_LABEL (label), target);
      gtk_widget_set_tooltip_text (label, g_dgettext (GETTEXT_PACKAGE, param->description));
      if (field != target)
        {
          gtk_widget_set_valign (label, GTK_ALIGN_START);
          gtk_widget_set_margin_top (label, 6);
        }
      gtk_grid_attach (grid, label, 0, *y, 1, 1);
      gtk_grid_attach (grid, field, 1, *y, 1, 1);
      g_hash_table_insert (self->labels, (gpointer) param->name, label);
    }
  *y += 1;
  if (g_str_equal (param->name, "steps"))
    {
      self->evaluations = sf_note_new (NULL);
      self->cost = sf_note_new (NULL);
      gtk_grid_attach (grid, self->evaluations, 1, *y, 1, 1);
      gtk_grid_attach (grid, self->cost, 1, *y + 1, 1, 1);
      *y += 2;
    }
}

static void
add_rows (SfControls *self, GtkWidget *grid, const char *const *names)
{
  int y = 0;

  gtk_grid_set_column_spacing (GTK_GRID (grid), 8);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  for (; *names != NULL; names++)
    {
      const SfParam *param = sf_settings_find (*names);

      if (param != NULL && (param->tasks & (1u << self->task)) && g_object_class_find_property (G_OBJECT_GET_CLASS (self->config), param->name) != NULL)
        add_row (self, GTK_GRID (grid), &y, param);
    }
}

static void
show_row (SfControls *self, const char *name, gboolean show)
{
  GtkWidget *field = g_hash_table_lookup (self->fields, name), *label = g_hash_table_lookup (self->labels, name);

  if (field != NULL)
    gtk_widget_set_visible (field, show);
  if (label != NULL)
    gtk_widget_set_visible (label, show);
}

static void
say_automatic (SfControls *self, const char *name, const char *meaning)
{
  GtkWidget *field = g_hash_table_lookup (self->fields, name);

  if (field != NULL)
    sf_field_set_automatic (field, meaning);
}

static void
say_automatic_number (SfControls *self, const char *name, int meaning)
{
  g_autofree char *text = meaning > 0 ? g_strdup_printf ("%d", meaning) : NULL;

  say_automatic (self, name, text);
}

void
sf_controls_update (SfControls *self, const SfSettings *settings, const SfRect *picture)
{
  g_autoptr (SfSettings) automatic = sf_settings_copy (settings);
  const SfEngineInfo *engine = sf_settings_engine (settings);
  gboolean network = engine != NULL && engine->takes_class;
  g_autoptr (SfModel) model = network ? sf_model_get (settings->model, NULL, TRUE, NULL, NULL) : NULL;
  g_autoptr (SfModel) classifier = network && *settings->classifier != '\0' ? sf_model_get (settings->classifier, NULL, TRUE, NULL, NULL) : NULL;
  SfModel *classes = classifier != NULL ? classifier : model; /* that are to choose from */
  const SfSampler *sampler, *used = sf_sampler_find (sf_settings_sampler (settings));
  const SfSchedule *schedule;
  GtkWidget *eta = g_hash_table_lookup (self->fields, "eta");

  automatic->steps = 0;
  g_free (automatic->sampler);
  automatic->sampler = g_strdup ("auto");
  g_free (automatic->schedule);
  automatic->schedule = g_strdup ("auto");
  sampler = sf_sampler_find (sf_settings_sampler (automatic));
  schedule = sf_schedule_find (sf_settings_schedule (automatic));

  say_automatic_number (self, "steps", sf_settings_steps (automatic));
  say_automatic (self, "sampler", sampler ? g_dgettext (GETTEXT_PACKAGE, sampler->label) : NULL);
  say_automatic (self, "schedule", schedule ? g_dgettext (GETTEXT_PACKAGE, schedule->label) : NULL);
  say_automatic_number (self, "width", picture ? picture->width : 0);
  say_automatic_number (self, "height", picture ? picture->height : 0);

  show_row (self, "prompt", engine != NULL && engine->takes_prompt);
  show_row (self, "negative-prompt", engine != NULL && engine->takes_prompt);
  show_row (self, "guidance", model != NULL && model->drops_class);
  show_row (self, "noise-process", model != NULL && (!sf_model_tells_noise (model) || !g_str_equal (settings->noise_process, "auto")));
  show_row (self, "class", classes != NULL && classes->n_classes > 0);
  show_row (self, "classifier", network);
  show_row (self, "classifier-scale", network && *settings->classifier != '\0');
  show_row (self, "fast", network);
  if (self->class != NULL)
    sf_class_field_set_model (self->class, classes);
  if (self->cost != NULL)
    gtk_widget_set_visible (self->cost, network);
  if (eta != NULL)
    gtk_widget_set_sensitive (eta, used == NULL || used->uses_eta);
}

/* (transfer full): "40 s", "5 min", "2 h". */
static char *
describe_seconds (double seconds)
{
  if (seconds < 90)
    return g_strdup_printf (_ ("%.0f s"), MAX (seconds, 1));
  if (seconds < 90 * 60)
    return g_strdup_printf (_ ("%.0f min"), seconds / 60);
  return g_strdup_printf (_ ("%.0f h"), seconds / 3600);
}

void
sf_controls_set_estimate (SfControls *self, const SfEstimate *estimate)
{
  g_autofree char *evaluations = NULL, *seconds = NULL, *memory = NULL, *cost = NULL;

  if (self->evaluations == NULL)
    return;
  if (estimate != NULL && estimate->evaluations > 0)
    evaluations = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d evaluation per candidate", "%d evaluations per candidate", estimate->evaluations),
                                   estimate->evaluations);
  if (evaluations != NULL && estimate->seconds > 0)
    {
      seconds = describe_seconds (estimate->seconds);
      memory = g_format_size (estimate->memory);
      /* Translators: "about 2 min, 700 MB of memory" */
      cost = g_strdup_printf (_ ("about %s, %s of memory"), seconds, memory);
    }
  gtk_label_set_text (GTK_LABEL (self->evaluations), evaluations != NULL ? evaluations : "–");
  gtk_label_set_text (GTK_LABEL (self->cost), cost != NULL ? cost : "–");
}

GtkWidget *
sf_controls_get_seed (SfControls *self)
{
  return self->seed;
}

static void
sf_controls_finalize (GObject *object)
{
  SfControls *self = SF_CONTROLS (object);

  g_hash_table_unref (self->fields);
  g_hash_table_unref (self->labels);
  G_OBJECT_CLASS (sf_controls_parent_class)->finalize (object);
}

static void
sf_controls_class_init (SfControlsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sf_controls_finalize;
}

static void
sf_controls_init (SfControls *self)
{
  self->fields = g_hash_table_new (g_str_hash, g_str_equal);
  self->labels = g_hash_table_new (g_str_hash, g_str_equal);
}

static void
on_grown (GtkAdjustment *adjustment)
{
  g_signal_handlers_disconnect_by_func (adjustment, on_grown, NULL);
  gtk_adjustment_set_value (adjustment, gtk_adjustment_get_upper (adjustment));
}

/* Scrolls to what was unfolded: in a low window only the first row would be seen. */
static void
on_expanded (GtkExpander *expander)
{
  GtkWidget *scrolled = gtk_widget_get_ancestor (GTK_WIDGET (expander), GTK_TYPE_SCROLLED_WINDOW);
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled));

  if (gtk_expander_get_expanded (expander))
    g_signal_connect (adjustment, "changed", G_CALLBACK (on_grown), NULL);
  else
    g_signal_handlers_disconnect_by_func (adjustment, on_grown, NULL);
}

GtkWidget *
sf_controls_new (GObject *config, SfTask task)
{
  SfControls *self = g_object_new (SF_TYPE_CONTROLS, "orientation", GTK_ORIENTATION_VERTICAL, "spacing", 10, NULL);
  GtkWidget *expander = gtk_expander_new_with_mnemonic (_ ("Ad_vanced"));

  self->config = config;
  self->task = task;
  self->grid = gtk_grid_new ();
  self->advanced = gtk_grid_new ();
  add_rows (self, self->grid, main_rows);
  add_rows (self, self->advanced, advanced_rows);
  gtk_widget_set_margin_start (self->advanced, 12);
  gtk_widget_set_margin_top (self->advanced, 6);
  gtk_container_add (GTK_CONTAINER (expander), self->advanced);
  atk_object_set_name (gtk_widget_get_accessible (expander), _ ("Advanced"));
  g_signal_connect (expander, "notify::expanded", G_CALLBACK (on_expanded), NULL);
  gtk_box_pack_start (GTK_BOX (self), self->grid, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self), expander, FALSE, FALSE, 0);
  gtk_widget_show_all (GTK_WIDGET (self));
  return GTK_WIDGET (self);
}
