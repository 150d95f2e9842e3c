/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The time is counted down four times a second between the estimates; SfEta sees to it that it never grows. */
#include "sf-meter.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define TICK 250 /* ms */

struct _SfMeter
{
  GtkBox parent;
  SfRunner *runner;
  GtkWidget *text, *bar, *stop;
  SfEta eta;
  double shown; /* seconds, < 0 = none */
  guint timer;
  char *work;
};

static guint stop_signal;

G_DEFINE_TYPE (SfMeter, sf_meter, GTK_TYPE_BOX)

static char *
format_time (double seconds)
{
  int s = (int) ceil (seconds);

  if (s < 60)
    return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d s left", "%d s left", s), s);
  if (s < 3600)
    return g_strdup_printf (_ ("%d min %02d s left"), s / 60, s % 60);
  return g_strdup_printf (_ ("%d h %02d min left"), s / 3600, s / 60 % 60);
}

static void
show (SfMeter *self)
{
  g_autofree char *left = self->shown >= 0 ? format_time (MAX (self->shown, 1)) : NULL;
  g_autofree char *text = NULL;

  if (left != NULL && self->work != NULL)
    text = g_strdup_printf (_ ("%s · %s"), self->work, left);
  gtk_label_set_text (GTK_LABEL (self->text), text ? text : left     ? left
                                                        : self->work ? self->work
                                                                     : _ ("Working…"));
}

static gboolean
tick (gpointer data)
{
  SfMeter *self = data;
  double fraction = sf_runner_get_fraction (self->runner);
  double left = sf_eta_update (&self->eta, fraction, g_get_monotonic_time ());

  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), fraction);
  if (left >= 0)
    self->shown = self->shown < 0 ? left : MIN (self->shown, left);
  show (self);
  return G_SOURCE_CONTINUE;
}

static void
stop_timer (SfMeter *self)
{
  if (self->timer != 0)
    g_source_remove (self->timer);
  self->timer = 0;
}

void
sf_meter_start (SfMeter *self)
{
  stop_timer (self);
  self->eta = (SfEta) { 0 };
  self->shown = -1;
  g_clear_pointer (&self->work, g_free);
  gtk_widget_set_sensitive (self->stop, TRUE);
  tick (self);
  self->timer = g_timeout_add (TICK, tick, self);
}

void
sf_meter_set_work (SfMeter *self, const char *work)
{
  g_free (self->work);
  self->work = g_strdup (work);
  show (self);
}

void
sf_meter_set_stopping (SfMeter *self)
{
  stop_timer (self);
  gtk_widget_set_sensitive (self->stop, FALSE);
  gtk_label_set_text (GTK_LABEL (self->text), _ ("Stopping…"));
}

void
sf_meter_end (SfMeter *self, const char *outcome)
{
  stop_timer (self);
  gtk_widget_set_sensitive (self->stop, FALSE);
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), 0);
  gtk_label_set_text (GTK_LABEL (self->text), outcome);
}

GtkWidget *
sf_meter_get_stop_button (SfMeter *self)
{
  return self->stop;
}

static void
on_stop (SfMeter *self)
{
  g_signal_emit (self, stop_signal, 0);
}

static void
sf_meter_finalize (GObject *object)
{
  SfMeter *self = SF_METER (object);

  stop_timer (self);
  g_clear_object (&self->runner);
  g_free (self->work);
  G_OBJECT_CLASS (sf_meter_parent_class)->finalize (object);
}

static void
sf_meter_class_init (SfMeterClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sf_meter_finalize;
  stop_signal = g_signal_new ("stop", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
sf_meter_init (SfMeter *self)
{
  GtkWidget *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);

  gtk_box_set_spacing (GTK_BOX (self), 8);
  self->text = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->text), 0);
  gtk_label_set_ellipsize (GTK_LABEL (self->text), PANGO_ELLIPSIZE_END);
  self->bar = gtk_progress_bar_new ();
  atk_object_set_name (gtk_widget_get_accessible (self->bar), _ ("Progress"));
  self->stop = gtk_button_new_with_mnemonic (_ ("Sto_p"));
  gtk_widget_set_sensitive (self->stop, FALSE);
  gtk_widget_set_tooltip_text (self->stop, _ ("Stops the run; results that are finished stay (Escape)"));
  atk_object_set_name (gtk_widget_get_accessible (self->stop), _ ("Stop"));
  g_signal_connect_swapped (self->stop, "clicked", G_CALLBACK (on_stop), self);
  gtk_widget_set_valign (column, GTK_ALIGN_CENTER);
  gtk_box_pack_start (GTK_BOX (column), self->text, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (column), self->bar, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self), column, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (self), self->stop, FALSE, FALSE, 0);
}

GtkWidget *
sf_meter_new (SfRunner *runner)
{
  SfMeter *self = g_object_new (SF_TYPE_METER, NULL);

  self->runner = g_object_ref (runner);
  return GTK_WIDGET (self);
}
