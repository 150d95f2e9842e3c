/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog of all four procedures.  It shows, asks and previews; pixels come from and go to the host's functions.
 */
#pragma once

#include <libgimp/gimpui.h>

#include "sfumato.h"

/* What the plug-in does for the dialog, on the main thread. */
typedef struct
{
  /* Reads the picture and returns a job with its pixels set (transfer full), or %NULL with an error. */
  SfJob *(*prepare) (const SfSettings *settings, gpointer data, GError **error);
  /**
   * (nullable) The picture as it is now, for the preview.
   * @rect: in the job's coordinates times @scale, as gegl_buffer_get() has it; what is outside of the picture is zero
   * @scale: <= 1; smaller for pictures that are larger than any preview needs
   * @rgba: (out) (transfer full): R'G'B'A float, g_free() it
   * @coverage: (out) (transfer full): the selection, 0...1; %NULL = everything
   */
  gboolean (*read) (const SfSettings *settings, const SfRect *rect, double scale, float **rgba, float **coverage,
                    gpointer data, GError **error);
  /* Writes the SfResults that the user keeps, as one undo step. */
  gboolean (*keep) (GPtrArray *results, const SfSettings *settings, gpointer data, GError **error);
  int width, height; /* of the picture in pixels, 0 = there is none yet */
  gpointer data;
} SfDialogHost;

/**
 * sf_dialog_run:
 * @config: the procedure's settings; what the user chose is stored there
 *
 * Stays open for any number of tries; Expand, which changes the canvas, until something is kept.  Nothing is written
 * but by @host's keep().
 *
 * Returns: %TRUE if anything was kept
 */
gboolean sf_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, SfTask task, const SfDialogHost *host);

/* The settings in a procedure's config (properties named as the rows of sf_settings_params()). */
SfSettings *sf_settings_from_config (GObject *config);
