/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The choice of a model: the engines that need none, the models in the catalogue's folders, and any file or folder; with a line of facts
 * about the one that is chosen.
 */
#pragma once

#include <gtk/gtk.h>

#include "sfumato.h"

/* Bound to a string property of @config, and to "noise-process", which gets the likely one where a model does not tell its own. */
GtkWidget *sf_model_chooser_new (GObject *config, const SfParam *param);
/* The combo box, for a label's mnemonic. */
GtkWidget *sf_model_chooser_get_combo (GtkWidget *self);
