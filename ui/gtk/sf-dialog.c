/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Assembly: which widget is where.
 *
 *   preview                     controls
 *   caption, compare, more      (scrolled, so that Advanced does not enlarge the window)
 *   candidates                  load, save
 *   progress, stop
 *   help                reset   cancel   fill   keep
 *
 * Everything has its place from the beginning; nothing is shown or hidden by a run.
 */
#include "sf-dialog.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "sf-fields.h"
#include "sf-mnemonics.h"
#include "sf-session.h"

/* Of the window: fits a screen of 1366x768. */
#define MIN_WIDTH 1040
#define MIN_HEIGHT 680

static const char *const run_labels[SF_N_TASKS] = {
  N_ ("Re_generate"),
  N_ ("_Fill"),
  N_ ("E_xpand"),
  N_ ("_Generate"),
};

static void
set_name (GtkWidget *widget, const char *name, const char *tooltip)
{
  atk_object_set_name (gtk_widget_get_accessible (widget), name);
  gtk_widget_set_tooltip_text (widget, tooltip);
}

/* The preview with the messages above it, not in its way. */
static GtkWidget *
make_preview (SfSession *s)
{
  GtkWidget *overlay = gtk_overlay_new (), *frame = gtk_frame_new (NULL);

  s->preview = SF_PREVIEW (sf_preview_new ());
  gtk_widget_set_size_request (GTK_WIDGET (s->preview), 420, 260);
  set_name (GTK_WIDGET (s->preview), _ ("Preview"), NULL);
  gtk_container_add (GTK_CONTAINER (frame), GTK_WIDGET (s->preview));
  gtk_frame_set_shadow_type (GTK_FRAME (frame), GTK_SHADOW_IN);
  gtk_container_add (GTK_CONTAINER (overlay), frame);

  s->message_bar = gtk_info_bar_new ();
  s->message = gtk_label_new (NULL);
  gtk_info_bar_set_message_type (GTK_INFO_BAR (s->message_bar), GTK_MESSAGE_WARNING);
  gtk_label_set_line_wrap (GTK_LABEL (s->message), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (s->message), 60);
  gtk_label_set_xalign (GTK_LABEL (s->message), 0);
  gtk_label_set_selectable (GTK_LABEL (s->message), TRUE);
  gtk_container_add (GTK_CONTAINER (gtk_info_bar_get_content_area (GTK_INFO_BAR (s->message_bar))), s->message);
  gtk_widget_show (s->message);
  gtk_widget_set_no_show_all (s->message_bar, TRUE);
  gtk_widget_set_valign (s->message_bar, GTK_ALIGN_START);
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), s->message_bar);
  return overlay;
}

static GtkWidget *
make_caption_row (SfSession *s)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  s->caption = sf_note_new (NULL);
  gtk_label_set_line_wrap (GTK_LABEL (s->caption), TRUE);
  gtk_label_set_lines (GTK_LABEL (s->caption), 2);
  gtk_label_set_ellipsize (GTK_LABEL (s->caption), PANGO_ELLIPSIZE_END);
  s->compare = gtk_toggle_button_new_with_mnemonic (_ ("Co_mpare"));
  set_name (s->compare, _ ("Compare"),
            _ ("Shows the picture as it was. Holding the mouse button on the picture, or the space bar, does the same"));
  s->more = gtk_button_new_with_mnemonic (_ ("More li_ke this"));
  set_name (s->more, _ ("More like this"), _ ("Makes new results that start from the one you see"));
  gtk_box_pack_start (GTK_BOX (row), s->caption, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), s->compare, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), s->more, FALSE, FALSE, 0);
  return row;
}

static GtkWidget *
make_controls (SfSession *s)
{
  GtkWidget *scrolled = gtk_scrolled_window_new (NULL, NULL);

  s->controls = SF_CONTROLS (sf_controls_new (s->config, s->task));
  gtk_widget_set_margin_end (GTK_WIDGET (s->controls), 12); /* room for the scroll bar */
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_container_add (GTK_CONTAINER (scrolled), GTK_WIDGET (s->controls));
  return scrolled;
}

static void
set_own_width (GtkWidget *button, gpointer box)
{
  gtk_button_box_set_child_non_homogeneous (box, button, TRUE);
}

/* GIMP's buttons to load and save settings go below the settings, which leaves their row to the preview. */
static void
move_settings_buttons (GtkDialog *dialog, GtkWidget *column)
{
  GList *children = gtk_container_get_children (GTK_CONTAINER (gtk_dialog_get_content_area (dialog)));

  for (GList *l = children; l != NULL; l = l->next)
    if (GTK_IS_BUTTON_BOX (l->data))
      {
        GtkWidget *buttons = g_object_ref (l->data);

        gtk_container_remove (GTK_CONTAINER (gtk_widget_get_parent (buttons)), buttons);
        gtk_box_pack_start (GTK_BOX (column), buttons, FALSE, FALSE, 0);
        gtk_button_box_set_layout (GTK_BUTTON_BOX (buttons), GTK_BUTTONBOX_START);
        gtk_container_foreach (GTK_CONTAINER (buttons), set_own_width, buttons);
        g_object_unref (buttons);
        break;
      }
  g_list_free (children);
}

static GtkWidget *
make_content (SfSession *s)
{
  GtkWidget *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 8);
  GtkWidget *columns = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *left = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6), *right = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  s->candidates = SF_CANDIDATES (sf_candidates_new ());
  s->meter = SF_METER (sf_meter_new (s->runner));
  gtk_box_pack_start (GTK_BOX (left), make_preview (s), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (left), make_caption_row (s), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (left), GTK_WIDGET (s->candidates), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (columns), left, TRUE, TRUE, 0);
  gtk_widget_set_hexpand (right, FALSE); /* all the room is for the preview, whatever the captions say */
  gtk_box_pack_start (GTK_BOX (right), make_controls (s), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (columns), right, FALSE, FALSE, 0);
  move_settings_buttons (s->dialog, right);
  gtk_box_pack_start (GTK_BOX (content), columns, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (content), GTK_WIDGET (s->meter), FALSE, FALSE, 0);
  return content;
}

/* The menu label without its dots and its letter, which GIMP leaves in East Asian titles. */
static char *
make_title (GimpProcedure *procedure)
{
  static const char *const dots[] = { "...", "…" };
  g_autofree char *label = g_strdup (gimp_procedure_get_menu_label (procedure));

  for (gsize i = 0; i < G_N_ELEMENTS (dots); i++)
    if (g_str_has_suffix (label, dots[i]))
      label[strlen (label) - strlen (dots[i])] = '\0';
  return sf_plain_label (g_strchomp (label));
}

/* Most of the screen, for a large preview, where that is more than what the controls need. */
static void
set_size (GtkWindow *window)
{
  GdkDisplay *display = gtk_widget_get_display (GTK_WIDGET (window));
  GdkMonitor *monitor = gdk_display_get_primary_monitor (display);
  GdkRectangle area = { 0 };

  if (monitor == NULL)
    monitor = gdk_display_get_monitor (display, 0);
  if (monitor != NULL)
    gdk_monitor_get_workarea (monitor, &area);
  gtk_window_set_default_size (window, MAX (area.width * 3 / 4, MIN_WIDTH), MAX (area.height * 4 / 5, MIN_HEIGHT));
}

static void
make_dialog (SfSession *s, GimpProcedure *procedure)
{
  g_autofree char *title = make_title (procedure);
  GtkWidget *dialog = gimp_procedure_dialog_new (procedure, GIMP_PROCEDURE_CONFIG (s->config), title);
  GtkWidget *content, *ok;

  s->dialog = GTK_DIALOG (dialog);
  content = make_content (s);
  gimp_procedure_dialog_set_ok_label (GIMP_PROCEDURE_DIALOG (dialog), _ (run_labels[s->task]));
  gtk_widget_set_tooltip_text (gimp_dialog_add_button (GIMP_DIALOG (dialog), _ ("_Keep"), SF_RESPONSE_KEEP),
                               _ ("Puts the results that are ticked, or the one you see, into the image"));
  ok = gtk_dialog_get_widget_for_response (s->dialog, GTK_RESPONSE_OK);
  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (s->dialog)), content, TRUE, TRUE, 0);
  gtk_widget_show_all (content);
  sf_mnemonics_assign (dialog, gtk_widget_get_parent (ok));
  set_size (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (ok);
}

/* Expand with nothing to add shows nothing: a quarter in all directions is something to start from. */
static void
suggest_sides (GObject *config, const SfDialogHost *host)
{
  int left, right, top, bottom, by = MAX (MIN (host->width, host->height) / 8, 16);

  g_object_get (config, "left", &left, "right", &right, "top", &top, "bottom", &bottom, NULL);
  if (left == 0 && right == 0 && top == 0 && bottom == 0)
    g_object_set (config, "left", by, "right", by, "top", by, "bottom", by, NULL);
}

static void
on_response (GtkDialog *dialog, int response, int *last)
{
  *last = response;
}

gboolean
sf_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, SfTask task, const SfDialogHost *host)
{
  SfSession s = { .task = task, .config = G_OBJECT (config), .host = host };
  int response = GTK_RESPONSE_NONE;

  gimp_ui_init ("sfumato");
  if (task == SF_TASK_EXPAND)
    suggest_sides (s.config, host);
  s.runner = sf_runner_new ();
  make_dialog (&s, procedure);
  g_signal_connect (s.dialog, "response", G_CALLBACK (on_response), &response);
  sf_session_open (&s);

  /* Cancel, Escape and closing the window stop a run first. */
  while (TRUE)
    {
      if (gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (s.dialog)))
        sf_session_run (&s, NULL);
      else if (response == SF_RESPONSE_KEEP)
        {
          if (sf_session_keep (&s))
            break;
        }
      else if (sf_runner_is_running (s.runner))
        sf_session_stop (&s);
      else
        break;
    }
  sf_session_close (&s);
  gtk_widget_destroy (GTK_WIDGET (s.dialog));
  return s.kept;
}
