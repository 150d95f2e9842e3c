/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-seed.h"

#include <glib/gi18n-lib.h>

#include "sf-fields.h"

#define MAX_DRAWN (G_MAXINT32 - 16) /* candidate i uses seed + i */

typedef struct
{
  GObject *config;
  const char *property;
  GtkWidget *spin, *draw, *random;
  gboolean busy;
} SfSeed;

static SfSeed *
get_seed (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), "sf-seed");
}

static void
set_shown (SfSeed *self, int value)
{
  gboolean busy = self->busy;

  self->busy = TRUE;
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->spin), value);
  self->busy = busy;
}

static void
from_config (GtkWidget *widget)
{
  SfSeed *self = get_seed (widget);
  int seed;

  if (self->busy)
    return;
  g_object_get (self->config, self->property, &seed, NULL);
  self->busy = TRUE;
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->random), seed < 0);
  if (seed >= 0)
    set_shown (self, seed);
  gtk_widget_set_sensitive (self->spin, seed >= 0);
  gtk_widget_set_sensitive (self->draw, seed >= 0);
  self->busy = FALSE;
}

static void
to_config (SfSeed *self)
{
  gboolean random = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->random));

  if (self->busy)
    return;
  g_object_set (self->config, self->property,
                random ? -1 : gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->spin)), NULL);
}

static void
on_draw (SfSeed *self)
{
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->spin), g_random_int_range (0, MAX_DRAWN));
}

GtkWidget *
sf_seed_new (GObject *config, const SfParam *param)
{
  GtkWidget *grid = gtk_grid_new ();
  SfSeed *self = g_new0 (SfSeed, 1);
  g_autofree char *name = sf_plain_label (g_dgettext (GETTEXT_PACKAGE, param->label));
  g_autofree char *each_time = sf_plain_label (_ ("Random _each time"));
  g_autofree char *signal = g_strdup_printf ("notify::%s", param->name);

  self->config = config;
  self->property = param->name;
  self->spin = gtk_spin_button_new_with_range (0, param->max, 1);
  self->draw = gtk_button_new_with_mnemonic (_ ("_New seed"));
  self->random = gtk_check_button_new_with_mnemonic (_ ("Random _each time"));
  gtk_entry_set_activates_default (GTK_ENTRY (self->spin), TRUE);
  gtk_entry_set_width_chars (GTK_ENTRY (self->spin), 10);
  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (self->spin), TRUE);
  gtk_widget_set_hexpand (self->spin, TRUE);
  atk_object_set_name (gtk_widget_get_accessible (self->spin), name);
  atk_object_set_name (gtk_widget_get_accessible (self->draw), _ ("New seed"));
  atk_object_set_name (gtk_widget_get_accessible (self->random), each_time);
  gtk_widget_set_tooltip_text (self->spin, g_dgettext (GETTEXT_PACKAGE, param->description));
  gtk_widget_set_tooltip_text (self->draw, _ ("Draws another seed, for another result"));
  gtk_widget_set_tooltip_text (self->random, _ ("Each run draws a seed of its own; off, the same seed repeats the result"));
  gtk_grid_set_column_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 2);
  gtk_grid_attach (GTK_GRID (grid), self->spin, 0, 0, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), self->draw, 1, 0, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), self->random, 0, 1, 2, 1);
  g_object_set_data_full (G_OBJECT (grid), "sf-seed", self, g_free);

  set_shown (self, g_random_int_range (0, MAX_DRAWN));
  from_config (grid);
  g_signal_connect_swapped (self->spin, "value-changed", G_CALLBACK (to_config), self);
  g_signal_connect_swapped (self->random, "toggled", G_CALLBACK (to_config), self);
  g_signal_connect_swapped (self->draw, "clicked", G_CALLBACK (on_draw), self);
  g_signal_connect_object (config, signal, G_CALLBACK (from_config), grid, G_CONNECT_SWAPPED);
  return grid;
}

void
sf_seed_set_used (GtkWidget *seed, int used)
{
  set_shown (get_seed (seed), used);
}

int
sf_seed_get_shown (GtkWidget *seed)
{
  return gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (get_seed (seed)->spin));
}

GtkWidget *
sf_seed_get_entry (GtkWidget *seed)
{
  return get_seed (seed)->spin;
}
