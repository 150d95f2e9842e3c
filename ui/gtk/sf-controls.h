/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The column of controls of one task, made from the rows of the settings. */
#pragma once

#include <gtk/gtk.h>

#include "sfumato.h"

#define SF_TYPE_CONTROLS (sf_controls_get_type ())
G_DECLARE_FINAL_TYPE (SfControls, sf_controls, SF, CONTROLS, GtkBox)

GtkWidget *sf_controls_new (GObject *config, SfTask task);

/**
 * sf_controls_update:
 * @settings: what is set now
 * @picture: (nullable): what width and height on automatic mean
 *
 * Says what automatic values mean and hides what the model has no use for.
 */
void sf_controls_update (SfControls *self, const SfSettings *settings, const SfRect *picture);
/* (nullable): what a candidate takes; %NULL = not known. */
void sf_controls_set_estimate (SfControls *self, const SfEstimate *estimate);
/* (nullable): the sf_seed_new() widget. */
GtkWidget *sf_controls_get_seed (SfControls *self);
