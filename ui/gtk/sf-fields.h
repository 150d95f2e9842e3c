/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single controls, made from the rows of the settings and bound to the config's property of the same name. */
#pragma once

#include <gtk/gtk.h>

#include "sfumato.h"

/* The control for @param: a combo box, spin button, slider, check button or entry, with its tooltip. */
GtkWidget *sf_field_new (GObject *config, const SfParam *param);

/* A combo box over a string property. */
GtkWidget *sf_choice_new (GObject *config, const char *property, const SfChoice *choices, int n);

/* Other choices for a sf_choice_new(). */
void sf_choice_set (GtkWidget *combo, GObject *config, const SfChoice *choices, int n);

/**
 * sf_field_set_automatic:
 * @meaning: (nullable): what the automatic value means now, shown in grey after it
 *
 * For numbers and choices that have an automatic value.
 */
void sf_field_set_automatic (GtkWidget *field, const char *meaning);

/* Small and grey. */
GtkWidget *sf_note_new (const char *text);

/* @label without its mnemonic; g_free() it. */
char *sf_plain_label (const char *label);
