/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* memfd_create */
#include "sf-codec.h"

#include "sf-config.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sf-terminal.h"

#define MAX_TEXT 4096

/* Of one codec at a time.  @failure is not NULL between begin and end. */
static const char *failure;
static int saved_stderr = -1, caught = -1;

/* Complaints about files that are in order nevertheless. */
static gboolean
is_blemish (const char *line)
{
  static const char *const blemishes[] = {
    "libpng warning",   /* profiles that are "known incorrect", and the like */
    "extraneous bytes", /* libjpeg: padding between segments */
    "babl",             /* a profile that is no matrix: pixels are taken as sRGB */
  };

  if (*line == '\0')
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (blemishes); i++)
    if (strstr (line, blemishes[i]) != NULL)
      return TRUE;
  return FALSE;
}

/* GEGL reports libpng's errors with a prefix and no line end, then libpng prints them once more. */
static const char *
clean (char *line)
{
  char *twice = strstr (line, "libpng error: ");

  if (twice != NULL && twice != line)
    *twice = '\0';
  return g_str_has_prefix (line, "LIBPNG ERROR: ") ? line + strlen ("LIBPNG ERROR: ") : line;
}

/* (nullable): the first line that matters of what was caught.  Gives standard error back. */
static char *
release_stderr (void)
{
  char text[MAX_TEXT + 1];
  ssize_t n;
  char *reason = NULL;

  fflush (stderr);
  dup2 (saved_stderr, STDERR_FILENO);
  close (saved_stderr);
  n = pread (caught, text, MAX_TEXT, 0);
  close (caught);
  text[MAX (n, 0)] = '\0';
  for (char *line = strtok (text, "\n"); line != NULL && reason == NULL; line = strtok (NULL, "\n"))
    if (!is_blemish (g_strstrip (line)))
      reason = g_utf8_make_valid (clean (line), -1);
  return reason;
}

/* The codec called exit(). */
static void
on_exit_inside (void)
{
  g_autofree char *reason = NULL;

  if (failure == NULL)
    return;
  reason = release_stderr ();
  sf_terminal_error ("%s: %s", failure, reason != NULL ? reason : _ ("the file is damaged"));
}

void
sf_codec_begin (const char *text)
{
  fflush (stderr);
  caught = memfd_create ("stderr", MFD_CLOEXEC);
  saved_stderr = dup (STDERR_FILENO);
  dup2 (caught, STDERR_FILENO);
  failure = text;
}

gboolean
sf_codec_end (GError **error)
{
  g_autofree char *reason = release_stderr ();

  if (reason != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", failure, reason);
  failure = NULL;
  return reason == NULL;
}

/* GLib ends the program when an allocation of a library fails; then this is the last thing that runs. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  const char *message = "";

  for (gsize i = 0; i < n; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      message = fields[i].value;
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL))
    {
      /* The last is GEGL's, when there is no memory for its operations. */
      gboolean memory = strstr (message, "alloc") != NULL || strstr (message, "creating thread") != NULL ||
                        strstr (message, "previously loaded plugin") != NULL;

      if (failure != NULL)
        dup2 (saved_stderr, STDERR_FILENO);
      fprintf (stderr, "sfumato: %s%s%s\n", failure != NULL ? failure : "", failure != NULL ? ": " : "",
               memory ? _ ("Not enough memory. Work on a smaller picture or close other programs.") : message);
      _exit (EXIT_FAILURE);
    }
  if (level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL))
    fprintf (stderr, "%s\n", message);
  return G_LOG_WRITER_HANDLED;
}

void
sf_codec_install (void)
{
  g_log_set_writer_func (write_log, NULL, NULL);
  atexit (on_exit_inside);
}
