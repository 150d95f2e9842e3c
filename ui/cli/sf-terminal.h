/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said to a person, all of it on standard error: errors always, progress and notes only on a terminal. */
#pragma once

#include <glib.h>

/* "sfumato: …" on a line of its own. */
void sf_terminal_error (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Nothing but errors from now on. */
void sf_terminal_set_quiet (gboolean quiet);
/* A line that stays; only on a terminal. */
void sf_terminal_note (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* The line that is written over: @left seconds, < 0 = not known yet.  @fraction < 0 removes it. */
void sf_terminal_progress (const char *what, double fraction, double left);
