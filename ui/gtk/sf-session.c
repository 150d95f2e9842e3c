/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-session.h"

#include <glib/gi18n-lib.h>

#include "sf-seed.h"
#include "sf-view.h"

#define REFRESH_DELAY 200 /* ms after the last change */

/*** Messages ***/

static void
show_error (SfSession *self, const GError *error)
{
  gtk_label_set_text (GTK_LABEL (self->message), error ? error->message : "");
  gtk_widget_set_visible (self->message_bar, error != NULL);
}

/* What the preview shows, in words. */
static void
update_caption (SfSession *self)
{
  static const char *const originals[SF_N_TASKS] = {
    N_ ("What is inside the outline will be made anew."),
    N_ ("What is inside the outline will be replaced by its surroundings."),
    N_ ("The border outside of the outline will be added."),
    N_ ("A new picture, made from what this one looks like."),
  };
  SfResult *result = sf_candidates_get_selected (self->candidates);
  g_autofree char *text = NULL;

  if (self->shown == SF_SHOW_RESULT && result != NULL)
    text = g_strdup_printf (_ ("Seed %d. Hold the mouse button on the picture to compare."), sf_result_get_seed (result));
  else if (self->shown == SF_SHOW_NOISED)
    text = g_strdup (_ ("What the model is given at this strength: what you still see will be kept."));
  else if (self->shown == SF_SHOW_LIVE)
    text = g_strdup (_ ("Work in progress …"));
  else if (sf_runner_has_job (self->runner))
    text = g_strdup (_ (originals[self->task]));
  gtk_label_set_text (GTK_LABEL (self->caption), text ? text : "");
  atk_object_set_description (gtk_widget_get_accessible (GTK_WIDGET (self->preview)), text ? text : "");
}

/* Which buttons can be pressed, and which one Enter presses. */
static void
update_buttons (SfSession *self)
{
  gboolean running = sf_runner_is_running (self->runner);
  gboolean ready = sf_runner_has_job (self->runner) && !running;
  gboolean results = sf_candidates_get_selected (self->candidates) != NULL;
  gboolean keep = results && !running;
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self->dialog));
  gboolean on_button = focus == NULL || focus == sf_meter_get_stop_button (self->meter) || gtk_dialog_get_response_for_widget (self->dialog, focus) != GTK_RESPONSE_NONE;
  int next = keep && !self->stale && !sf_candidates_get_kept (self->candidates) ? SF_RESPONSE_KEEP : GTK_RESPONSE_OK;

  gtk_dialog_set_response_sensitive (self->dialog, GTK_RESPONSE_OK, ready);
  gtk_dialog_set_response_sensitive (self->dialog, SF_RESPONSE_KEEP, keep);
  gtk_widget_set_sensitive (self->more, results && ready);
  gtk_widget_set_sensitive (self->compare, self->shown != SF_SHOW_ORIGINAL || results);
  gtk_dialog_set_default_response (self->dialog, next);
  /* The focus goes along, so that Enter and Space mean the same, unless it is in a control. */
  if (on_button)
    gtk_widget_grab_focus (running ? sf_meter_get_stop_button (self->meter) : gtk_dialog_get_widget_for_response (self->dialog, next));
}

/*** The preview ***/

static void
show_noised (SfSession *self)
{
  g_autoptr (SfSettings) settings = sf_settings_from_config (self->config);
  GtkWidget *seed = sf_controls_get_seed (self->controls);

  self->shown = SF_SHOW_NOISED;
  sf_runner_show_noised (self->runner, settings->strength, seed ? sf_seed_get_shown (seed) : 0);
  update_caption (self);
}

/* Composes the preview anew from what is to be shown. */
static void
show_again (SfSession *self)
{
  SfResult *result = sf_candidates_get_selected (self->candidates);

  if (self->shown == SF_SHOW_RESULT && result != NULL)
    sf_preview_show_result (self->preview, result);
  else if (self->shown == SF_SHOW_NOISED && sf_runner_has_job (self->runner))
    show_noised (self);
  else
    sf_preview_show_original (self->preview);
  update_caption (self);
}

/* The picture as it is before the job, in its coordinates.  Keeping may have changed its size. */
static SfRect
get_picture (SfSession *self, const SfJob *job, const SfSettings *settings)
{
  SfRect picture = { 0, 0, self->host->width, self->host->height };

  if (job != NULL && self->task != SF_TASK_GENERATE)
    picture = sf_job_get_canvas (job);
  if (job != NULL && self->task == SF_TASK_EXPAND)
    {
      picture.x += settings->left;
      picture.y += settings->top;
      picture.width -= settings->left + settings->right;
      picture.height -= settings->top + settings->bottom;
    }
  return picture;
}

/* Reads what is around @job's frame, unless it is there already. */
static void
update_picture (SfSession *self, const SfJob *job, const SfSettings *settings, gboolean force)
{
  SfRect picture = get_picture (self, job, settings), frame, view;
  double scale;
  gboolean moved;

  sf_view_choose (job, self->task, &picture, &frame, &view, &scale);
  moved = !sf_view_equal (&frame, &self->frame);
  if (!force && !moved && sf_view_equal (&view, &self->view) && scale == self->scale)
    return;
  self->frame = frame;
  self->view = view;
  self->scale = scale;
  sf_view_load (self->preview, self->task, self->host, settings, &picture, &frame, &view, scale, moved);
  show_again (self);
}

/*** Settings ***/

/* A job for the present settings, for the runner; says what is wrong if there is none. */
static gboolean
prepare (SfSession *self, const SfSettings *settings, gboolean force)
{
  g_autoptr (GError) error = NULL;
  SfJob *job = NULL;

  if (sf_settings_validate (settings, self->task, &error))
    job = self->host->prepare (settings, self->host->data, &error);
  show_error (self, error);
  sf_runner_set_job (self->runner, job);
  if (job != NULL || self->view.width == 0)
    update_picture (self, job, settings, force);
  update_caption (self);
  return job != NULL;
}

static void
refresh (SfSession *self, gboolean force)
{
  g_autoptr (SfSettings) settings = sf_settings_from_config (self->config);
  SfRect picture = { 0, 0, self->host->width, self->host->height };

  g_clear_handle_id (&self->refresh_timer, g_source_remove);
  sf_controls_set_estimate (self->controls, NULL);
  if (prepare (self, settings, force))
    {
      sf_runner_count (self->runner);
      if (self->shown == SF_SHOW_NOISED) /* its noise depends on the steps and the schedule too */
        show_noised (self);
    }
  sf_controls_update (self->controls, settings, picture.width > 0 ? &picture : NULL);
  update_buttons (self);
}

static gboolean
on_refresh_timer (gpointer data)
{
  SfSession *self = data;

  self->refresh_timer = 0;
  if (!sf_runner_is_running (self->runner)) /* else when it is finished */
    refresh (self, FALSE);
  return G_SOURCE_REMOVE;
}

static void
on_setting (SfSession *self, GParamSpec *property)
{
  gboolean running = sf_runner_is_running (self->runner);

  if (sf_settings_find (property->name) == NULL || g_str_equal (property->name, "output"))
    return;
  self->stale = TRUE;
  if (!running && sf_runner_has_job (self->runner) && self->task == SF_TASK_REGENERATE && (g_str_equal (property->name, "strength") || (g_str_equal (property->name, "seed") && self->shown == SF_SHOW_NOISED)))
    show_noised (self);
  if (!running)
    update_buttons (self);
  g_clear_handle_id (&self->refresh_timer, g_source_remove);
  self->refresh_timer = g_timeout_add (REFRESH_DELAY, on_refresh_timer, self);
}

/*** Runs ***/

void
sf_session_run (SfSession *self, SfResult *like)
{
  g_autoptr (SfSettings) settings = sf_settings_from_config (self->config);
  GtkWidget *seed_field = sf_controls_get_seed (self->controls);
  int seed = sf_settings_pick_seed (settings);

  if (sf_runner_is_running (self->runner))
    return;
  g_clear_handle_id (&self->refresh_timer, g_source_remove);
  if (!prepare (self, settings, FALSE))
    {
      update_buttons (self);
      return;
    }
  /* The same seed would only make the same changes again. */
  if (like != NULL && settings->seed >= 0)
    seed = (int) (((gint64) like->seed + like->candidate + 1) % (G_MAXINT32 - SF_CANDIDATES_MAX));
  if (seed_field != NULL && settings->seed < 0)
    sf_seed_set_used (seed_field, seed);
  self->stale = FALSE;
  self->n_wanted = settings->candidates;
  self->run_start = g_get_monotonic_time ();
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->compare), FALSE);
  sf_candidates_begin_run (self->candidates, self->task == SF_TASK_EXPAND ? &self->frame : NULL);
  sf_runner_run (self->runner, seed, settings->candidates, like);
  sf_meter_start (self->meter);
  update_buttons (self);
}

void
sf_session_stop (SfSession *self)
{
  if (!sf_runner_is_running (self->runner))
    return;
  sf_runner_stop (self->runner);
  sf_meter_set_stopping (self->meter);
}

static void
on_frame (SfSession *self, SfTensor *image, int candidate, int level, int n_levels)
{
  g_autofree char *text = NULL;

  if (!sf_runner_is_running (self->runner))
    return;
  if (self->n_wanted > 1)
    text = g_strdup_printf (_ ("Candidate %d of %d, level %d of %d"), candidate + 1, self->n_wanted, level + 1, n_levels);
  else
    text = g_strdup_printf (_ ("Level %d of %d"), level + 1, n_levels);
  sf_meter_set_work (self->meter, text);
  self->shown = SF_SHOW_LIVE;
  sf_preview_show_frame (self->preview, image);
  update_caption (self);
}

static void
on_counted (SfSession *self, const SfEstimate *estimate)
{
  sf_controls_set_estimate (self->controls, estimate);
}

static void
on_noised (SfSession *self, SfTensor *image)
{
  if (self->shown == SF_SHOW_NOISED)
    sf_preview_show_frame (self->preview, image);
}

static void
on_result (SfSession *self, SfResult *result)
{
  sf_candidates_add (self->candidates, result, sf_preview_make_thumbnail (self->preview, result, SF_THUMBNAIL_SIZE));
}

static void
on_finished (SfSession *self, const GError *error)
{
  gboolean stopped = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  double seconds = (g_get_monotonic_time () - self->run_start) / 1e6;
  g_autofree char *outcome = g_strdup_printf (_ ("Done in %.1f s. Keep it, or try again."), seconds);

  sf_meter_end (self->meter, stopped ? _ ("Stopped") : error != NULL ? _ ("Failed")
                                                                     : outcome);
  self->shown = SF_SHOW_ORIGINAL;
  sf_candidates_end_run (self->candidates); /* selects the best, which shows it */
  if (self->shown == SF_SHOW_ORIGINAL)
    show_again (self);
  if (self->stale)
    refresh (self, FALSE);
  else if (stopped) /* maybe before the run had counted */
    sf_runner_count (self->runner);
  if (error != NULL && !stopped)
    show_error (self, error);
  update_buttons (self);
}

static void
on_selected (SfSession *self, SfResult *result)
{
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->compare), FALSE);
  self->shown = result ? SF_SHOW_RESULT : SF_SHOW_ORIGINAL;
  show_again (self);
  update_buttons (self);
}

/*** Keeping ***/

gboolean
sf_session_keep (SfSession *self)
{
  g_autoptr (GPtrArray) chosen = sf_candidates_get_chosen (self->candidates);
  g_autoptr (SfSettings) settings = sf_settings_from_config (self->config);
  g_autoptr (SfSettings) made_with = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (chosen->len == 0 || sf_runner_is_running (self->runner))
    return FALSE;
  /* The settings may have been changed since; where it goes is decided now. */
  made_with = sf_settings_from_json (((SfResult *) chosen->pdata[0])->json, NULL, NULL, NULL);
  if (made_with != NULL)
    {
      g_free (made_with->output);
      made_with->output = g_strdup (settings->output);
    }
  if (!self->host->keep (chosen, made_with ? made_with : settings, self->host->data, &error))
    {
      show_error (self, error);
      return FALSE;
    }
  self->kept = TRUE;
  text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d result is in the image now. Undo takes it back.",
                                       "%d results are in the image now. Undo takes them back.", chosen->len),
                          (int) chosen->len);
  sf_meter_end (self->meter, text);
  sf_candidates_set_kept (self->candidates);
  gtk_button_set_label (GTK_BUTTON (gtk_dialog_get_widget_for_response (self->dialog, GTK_RESPONSE_CANCEL)), _ ("_Close"));
  /* The canvas is another one now; the other results no longer fit. */
  if (self->task == SF_TASK_EXPAND)
    return TRUE;
  refresh (self, TRUE);
  return FALSE;
}

/*** Life ***/

static void
on_compare (SfSession *self)
{
  sf_preview_set_comparing (self->preview, gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->compare)));
}

static void
on_more (SfSession *self)
{
  sf_session_run (self, sf_candidates_get_selected (self->candidates));
}

void
sf_session_open (SfSession *self)
{
  g_signal_connect_swapped (self->config, "notify", G_CALLBACK (on_setting), self);
  g_signal_connect_swapped (self->runner, "frame", G_CALLBACK (on_frame), self);
  g_signal_connect_swapped (self->runner, "noised", G_CALLBACK (on_noised), self);
  g_signal_connect_swapped (self->runner, "counted", G_CALLBACK (on_counted), self);
  g_signal_connect_swapped (self->runner, "result", G_CALLBACK (on_result), self);
  g_signal_connect_swapped (self->runner, "finished", G_CALLBACK (on_finished), self);
  g_signal_connect_swapped (self->candidates, "selected", G_CALLBACK (on_selected), self);
  g_signal_connect_swapped (self->candidates, "marked", G_CALLBACK (update_buttons), self);
  g_signal_connect_swapped (self->meter, "stop", G_CALLBACK (sf_session_stop), self);
  g_signal_connect_swapped (self->compare, "toggled", G_CALLBACK (on_compare), self);
  g_signal_connect_swapped (self->more, "clicked", G_CALLBACK (on_more), self);
  if (self->task == SF_TASK_REGENERATE)
    self->shown = SF_SHOW_NOISED;
  refresh (self, TRUE);
}

void
sf_session_close (SfSession *self)
{
  g_clear_handle_id (&self->refresh_timer, g_source_remove);
  g_signal_handlers_disconnect_by_data (self->config, self);
  g_signal_handlers_disconnect_by_data (self->runner, self);
  g_signal_handlers_disconnect_by_data (self->candidates, self);
  g_clear_object (&self->runner);
}
