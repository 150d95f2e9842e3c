/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress of jobs, and stopping them. */
#include "job.h"

#include "base/sf-rng.h"

typedef struct
{
  double last;
  int reports, previews;
} Seen;

static void
see (double fraction, gpointer data)
{
  Seen *seen = data;

  g_assert_true (fraction >= seen->last - 1e-9 && fraction <= 1);
  seen->last = fraction;
  seen->reports++;
}

static void
see_preview (const SfTensor *image, int candidate, int level, int n_levels, gpointer data)
{
  Seen *seen = data;

  g_assert_true (level >= 0 && level < n_levels);
  g_assert_cmpint (image->c, ==, 3);
  for (gsize i = 0; i < sf_tensor_size (image); i++)
    g_assert_true (image->data[i] >= 0 && image->data[i] <= 1);
  seen->previews++;
}

static void
test_progress (void)
{
  static const SfTask tasks[] = { SF_TASK_REGENERATE, SF_TASK_FILL, SF_TASK_GENERATE };
  g_autofree float *rgba = job_texture (SIDE, SIDE);

  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autoptr (SfSettings) s = sf_settings_new ();
      g_autoptr (SfJob) job = job_open (tasks[i], s, rgba, SIDE, SIDE, &job_hole);
      Seen seen = { 0 };
      SfProgress progress = { .func = see, .data = &seen, .hi = 1 };
      g_autoptr (SfResult) r = sf_job_run (job, 1, 0, NULL, see_preview, &seen, &progress, NULL);

      g_assert_nonnull (r);
      g_assert_cmpfloat (seen.last, ==, 1);
      g_assert_cmpint (seen.previews, >, 0);
      g_assert_cmpint (seen.reports, >, 10);
      g_assert_cmpint (sf_job_estimate (job, NULL).evaluations, >, 0);
    }
}

typedef struct
{
  GCancellable *cancellable;
  gulong after; /* microseconds */
} Later;

static gpointer
cancel_later (gpointer data)
{
  Later *later = data;

  g_usleep (later->after);
  g_cancellable_cancel (later->cancellable);
  return NULL;
}

/* 50 stops at random moments of a run; leaks are for the sanitizer to see. */
static void
test_cancel (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  gint64 begin = g_get_monotonic_time (), whole;
  g_autoptr (SfResult) reference = NULL, after = NULL;
  g_autoptr (SfJob) job = NULL;
  int stopped = 0;

  s->steps = 2;
  reference = job_make (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole, 1);
  job = job_open (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole);
  whole = g_get_monotonic_time () - begin;
  for (int i = 0; i < 50; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      SfProgress progress = { .cancellable = cancellable, .hi = 1 };
      guint32 words[4];
      Later later = { cancellable, 0 };
      GThread *thread;
      g_autoptr (SfResult) r = NULL;
      g_autoptr (GError) error = NULL;

      sf_rng_words ((SfRng) { 3, 1 }, i, words);
      later.after = (gulong) (words[0] / 4294967296.0 * whole);
      thread = g_thread_new ("cancel", cancel_later, &later);
      r = sf_job_run (job, 1, 0, NULL, NULL, NULL, &progress, &error);
      g_thread_join (thread);
      if (r != NULL)
        continue;
      stopped++;
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  g_assert_cmpint (stopped, >, 10);
  /* nothing that was stopped left a trace: a fresh job and this one agree */
  g_assert_true (sf_job_set_pixels (job, job_cut (rgba, SIDE, sf_job_get_crop (job)), job_cover (job, &job_hole), NULL, NULL));
  after = job_candidate (job, 1, 0);
  job_assert_same (reference, after);
}

/* Pixels that were refused on the way leave no trace either. */
static void
test_pixels_stopped (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = sf_job_new (SF_TASK_FILL, s, SIDE, SIDE, &job_hole, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (SfResult) reference = job_make (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole, 1), after = NULL;
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };

  g_cancellable_cancel (cancellable);
  g_assert_false (sf_job_set_pixels (job, job_cut (rgba, SIDE, sf_job_get_crop (job)), job_cover (job, &job_hole), &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (sf_job_set_pixels (job, job_cut (rgba, SIDE, sf_job_get_crop (job)), job_cover (job, &job_hole), NULL, NULL));
  after = job_candidate (job, 1, 0);
  job_assert_same (reference, after);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job/progress", test_progress);
  g_test_add_func ("/job/cancel", test_cancel);
  g_test_add_func ("/job/pixels-stopped", test_pixels_stopped);
  return g_test_run ();
}
