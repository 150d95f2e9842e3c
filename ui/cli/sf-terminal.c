/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-terminal.h"

#include <glib/gi18n.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define ERASE_LINE "\r\033[K"

static gboolean quiet;
static gboolean drawn; /* a progress line is there */

static gboolean
is_silent (void)
{
  static int is_terminal = -1;

  if (is_terminal < 0)
    is_terminal = isatty (STDERR_FILENO);
  return quiet || !is_terminal;
}

static void
print_line (const char *prefix, const char *format, va_list arguments)
{
  g_autofree char *text = g_strdup_vprintf (format, arguments);

  /* An error is one line, whatever a library put into its message. */
  g_strdelimit (text, "\n\r", ' ');
  fprintf (stderr, "%s%s%s\n", drawn ? ERASE_LINE : "", prefix, text);
  drawn = FALSE;
}

void
sf_terminal_error (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  print_line ("sfumato: ", format, arguments);
  va_end (arguments);
}

void
sf_terminal_set_quiet (gboolean new_quiet)
{
  quiet = new_quiet;
}

void
sf_terminal_note (const char *format, ...)
{
  va_list arguments;

  if (is_silent ())
    return;
  va_start (arguments, format);
  print_line ("", format, arguments);
  va_end (arguments);
}

void
sf_terminal_progress (const char *what, double fraction, double left)
{
  if (is_silent () || (fraction < 0 && !drawn))
    return;
  fputs (ERASE_LINE, stderr);
  drawn = fraction >= 0;
  if (drawn && left >= 0)
    {
      /* Translators: “Filling  42 %, 3 s left” */
      fprintf (stderr, _ ("%s %3.0f %%, %.0f s left"), what, 100 * fraction, ceil (left));
    }
  else if (drawn)
    fprintf (stderr, "%s %3.0f %%", what, 100 * fraction);
  fflush (stderr);
}
