/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens in the dialog: the state behind the widgets, and the steps from one to the next.
 *
 *   open -> refresh <-> (settings change) ; run -> frames … results -> finished ; keep ; stop
 *
 * Every try has a job of its own, made from the settings of that moment; a job that only shows (the forward process,
 * the number of evaluations) is made again when settings change.
 */
#pragma once

#include "sf-candidates.h"
#include "sf-controls.h"
#include "sf-dialog.h"
#include "sf-meter.h"
#include "sf-preview.h"
#include "sf-runner.h"

#define SF_RESPONSE_KEEP 100

typedef struct
{
  SfTask task;
  GObject *config;
  const SfDialogHost *host;
  SfRunner *runner;

  /* Made by sf-dialog.c. */
  GtkDialog *dialog;
  SfPreview *preview;
  SfControls *controls;
  SfCandidates *candidates;
  SfMeter *meter;
  GtkWidget *caption;                /* GtkLabel: what is shown */
  GtkWidget *message_bar, *message;  /* GtkInfoBar, its GtkLabel */
  GtkWidget *compare, *more;         /* GtkToggleButton, GtkButton */

  /*< private >*/
  enum
  {
    SF_SHOW_ORIGINAL,
    SF_SHOW_NOISED, /* the forward process */
    SF_SHOW_LIVE,
    SF_SHOW_RESULT,
  } shown;
  SfRect view, frame;   /* of the preview */
  double scale;
  guint refresh_timer;
  gboolean stale;       /* settings have changed since the last run */
  gboolean kept;        /* something was */
  int n_wanted;         /* candidates of the run */
  gint64 run_start;
} SfSession;

/* Fills the widgets for the first time. */
void sf_session_open (SfSession *self);
/* @like: (nullable): more like this */
void sf_session_run (SfSession *self, SfResult *like);
void sf_session_stop (SfSession *self);
/* Returns: %TRUE if there is nothing more to do here */
gboolean sf_session_keep (SfSession *self);
/* Ends what is still going on. */
void sf_session_close (SfSession *self);
