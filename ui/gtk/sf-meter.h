/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress of a run: what it does, how long it will take, and a button to stop it.  As large at rest as at work.
 *
 * Signal: stop ()
 */
#pragma once

#include <gtk/gtk.h>

#include "sf-runner.h"

#define SF_TYPE_METER (sf_meter_get_type ())
G_DECLARE_FINAL_TYPE (SfMeter, sf_meter, SF, METER, GtkBox)

GtkWidget *sf_meter_new (SfRunner *runner);

void sf_meter_start (SfMeter *self);
/* What is done now, "level 3 of 6". */
void sf_meter_set_work (SfMeter *self, const char *work);
/* The user asked to stop; it has not stopped yet. */
void sf_meter_set_stopping (SfMeter *self);
void sf_meter_end (SfMeter *self, const char *outcome);
GtkWidget *sf_meter_get_stop_button (SfMeter *self);
