/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The seed: a number, a new one by a button, or another one for each run.  Bound to an int property where -1 means
 * "draw one each time". */
#pragma once

#include <gtk/gtk.h>

#include "sfumato.h"

GtkWidget *sf_seed_new (GObject *config, const SfParam *param);
/* Shows the seed of a run, so that leaving "random" repeats it. */
void sf_seed_set_used (GtkWidget *seed, int used);
/* The number that is shown. */
int sf_seed_get_shown (GtkWidget *seed);
/* The spin button, for a label's mnemonic. */
GtkWidget *sf_seed_get_entry (GtkWidget *seed);
