/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-run.h"

#include "sf-config.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <unistd.h>

#include "sf-terminal.h"
#include "sf-work.h"

#define PROGRESS_INTERVAL 100 /* ms */
#define PATIENCE 2            /* seconds after an interrupt */

typedef struct
{
  SfWork work;
  GMainLoop *loop;
  SfEta eta;
} Run;

static const char *
doing (SfTask task)
{
  switch (task)
    {
    case SF_TASK_FILL:
      return _ ("Filling");
    case SF_TASK_EXPAND:
      return _ ("Expanding");
    case SF_TASK_GENERATE:
      return _ ("Generating");
    case SF_TASK_REGENERATE:
    case SF_N_TASKS:
    default:
      return _ ("Regenerating");
    }
}

static gboolean
on_tick (gpointer data)
{
  Run *run = data;
  double fraction = g_atomic_int_get (&run->work.permille) / 1000.0;

  if (fraction > 0)
    sf_terminal_progress (doing (run->work.options->task), fraction, sf_eta_update (&run->eta, fraction, g_get_monotonic_time ()));
  return G_SOURCE_CONTINUE;
}

/* A codec cannot be stopped.  As long as nothing has been written, the program can leave without waiting for it. */
static gboolean
on_patience_over (gpointer data)
{
  Run *run = data;

  if (g_atomic_int_compare_and_exchange (&run->work.stage, SF_STAGE_READING_OR_COMPUTING, SF_STAGE_LEFT))
    {
      sf_terminal_progress (NULL, -1, -1);
      _exit (SF_EXIT_INTERRUPTED);
    }
  return G_SOURCE_REMOVE;
}

static gboolean
on_interrupt (gpointer data)
{
  Run *run = data;

  if (!g_cancellable_is_cancelled (run->work.cancellable))
    g_timeout_add_seconds (PATIENCE, on_patience_over, run);
  g_cancellable_cancel (run->work.cancellable);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_done (gpointer data)
{
  Run *run = data;

  g_main_loop_quit (run->loop);
  return G_SOURCE_REMOVE;
}

static gpointer
thread_main (gpointer data)
{
  Run *run = data;
  GError *error = NULL;

  sf_work_do (&run->work, &error);
  g_idle_add (on_done, run);
  return error;
}

gboolean
sf_run (const SfOptions *options, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Run run = { .work = { .options = options, .cancellable = cancellable }, .loop = loop };
  GThread *thread;
  GError *failure;

  sf_terminal_set_quiet (options->quiet);
  g_unix_signal_add (SIGINT, on_interrupt, &run);
  g_unix_signal_add (SIGTERM, on_interrupt, &run);
  g_unix_signal_add (SIGHUP, on_interrupt, &run);
  thread = g_thread_try_new ("work", thread_main, &run, NULL);
  if (thread == NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MEMORY, _ ("Not enough memory to start. Close other programs."));
      return FALSE;
    }
  g_timeout_add (PROGRESS_INTERVAL, on_tick, &run);
  g_main_loop_run (loop);
  failure = g_thread_join (thread);
  sf_terminal_progress (NULL, -1, -1);
  if (failure != NULL)
    {
      g_propagate_error (error, failure);
      return FALSE;
    }
  return TRUE;
}
