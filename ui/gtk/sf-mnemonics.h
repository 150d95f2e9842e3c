/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Underlined letters that do not clash, in any language. */
#pragma once

#include <gtk/gtk.h>

/**
 * sf_mnemonics_assign:
 * @first: what keeps its letters: the dialog's own buttons
 *
 * Gives each label below @toplevel that has a mnemonic one of its own: the one that it asks for if that is free, else
 * another letter of it, else none; a Chinese label can have any letter.
 */
void sf_mnemonics_assign (GtkWidget *toplevel, GtkWidget *first);
