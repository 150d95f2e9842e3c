/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-worker.h"

#include <glib/gi18n.h>
#include <libgimp/gimp.h>

#define POLL 100 /* milliseconds */

typedef struct
{
  SfJob *job;
  int seed, n_candidates;
  GPtrArray *results;
  GError *error;
  GMainLoop *loop;

  GMutex lock;
  double fraction; /* under the lock */

  const char *text;
  SfEta eta;
} Worker;

static void
set_fraction (double fraction, gpointer data)
{
  Worker *self = data;

  g_mutex_lock (&self->lock);
  self->fraction = fraction;
  g_mutex_unlock (&self->lock);
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static gpointer
work (gpointer data)
{
  Worker *self = data;
  SfProgress progress = { .func = set_fraction, .data = self, .lo = 0, .hi = 1 };

  self->results = sf_job_run_all (self->job, self->seed, self->n_candidates, NULL, NULL, &progress, &self->error);
  g_idle_add (quit, self->loop);
  return NULL;
}

static gboolean
show_progress (gpointer data)
{
  Worker *self = data;
  g_autofree char *text = NULL;
  double fraction, left;

  g_mutex_lock (&self->lock);
  fraction = self->fraction;
  g_mutex_unlock (&self->lock);

  left = sf_eta_update (&self->eta, fraction, g_get_monotonic_time ());
  text = left >= 1 ? g_strdup_printf (_ ("%s (%.0f s left)"), self->text, left) : g_strdup (self->text);
  gimp_progress_set_text (text);
  gimp_progress_update (fraction);
  return G_SOURCE_CONTINUE;
}

GPtrArray *
sf_worker_run (SfJob *job, int seed, int n_candidates, const char *text, GError **error)
{
  Worker self = { .job = job, .seed = seed, .n_candidates = n_candidates, .text = text };
  GThread *thread;
  guint timer;

  self.loop = g_main_loop_new (NULL, FALSE);
  g_mutex_init (&self.lock);

  gimp_progress_init (text);
  timer = g_timeout_add (POLL, show_progress, &self);
  thread = g_thread_new ("sfumato-worker", work, &self);
  g_main_loop_run (self.loop);
  g_thread_join (thread);
  g_source_remove (timer);
  gimp_progress_end ();

  g_mutex_clear (&self.lock);
  g_main_loop_unref (self.loop);
  if (self.error != NULL)
    g_propagate_error (error, self.error);
  return self.results;
}
