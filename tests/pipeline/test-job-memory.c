/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs that there is too little memory for. */
#include "job.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sf-parallel.h"

/* 0: made; 1: refused for want of memory; 2: anything else. */
static int
run_with (gsize room, const float *rgba, int side, const SfSettings *settings, SfTask task)
{
  const SfRect box = { side / 4, side / 4, side / 2, side / 2 };
  g_autoptr (GError) error = NULL;
  SfJob *job = sf_job_new (task, settings, side, side, &box, &error);
  float *pixels = job_cut (rgba, side, sf_job_get_crop (job)), *coverage = job_cover (job, &box);
  SfResult *r = NULL;

  if (!job_limit_memory (room))
    return 2;
  if (sf_job_set_pixels (job, pixels, coverage, NULL, &error))
    r = sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error);
  if (r != NULL)
    return 0;
  return g_error_matches (error, SF_ERROR, SF_ERROR_MEMORY) ? 1 : 2;
}

/* A child with less and less address space: it works or says that there is not enough, but never crashes. */
static void
test_memory (void)
{
  const int side = 200;
  g_autofree float *rgba = job_texture (side, side);
  g_autoptr (SfSettings) s = sf_settings_new ();
  int refused = 0;

#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("the sanitizer needs the address space itself");
  return;
#endif
  s->steps = 1;
  {
    g_autofree float *small = job_texture (SIDE, SIDE);
    g_autoptr (SfResult) warm = job_make (SF_TASK_FILL, s, small, SIDE, SIDE, &job_hole, 1); /* OpenBLAS takes its buffers once */

    g_assert_nonnull (warm);
  }
  for (int quarter = 0; quarter <= 64; quarter += 1 + quarter / 3) /* of a mebibyte */
    for (int task = SF_TASK_REGENERATE; task <= SF_TASK_GENERATE; task += SF_TASK_GENERATE)
      {
        int status;
        pid_t child = fork ();

        g_assert_cmpint (child, >=, 0);
        if (child == 0)
          {
            sf_parallel_set_threads (1);
            _exit (run_with ((gsize) quarter << 18, rgba, side, s, task));
          }
        g_assert_cmpint (waitpid (child, &status, 0), ==, child);
        if (!WIFEXITED (status) || WEXITSTATUS (status) > 1)
          g_error ("with %d / 4 MiB: status %x", quarter, status);
        refused += WEXITSTATUS (status) == 1;
      }
  g_assert_cmpint (refused, >, 6);
}

/* Sizes that no machine has memory for. */
static void
test_too_large (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autofree float *rgba = job_texture (32, 32);
  g_autoptr (SfJob) job = NULL;
  g_autoptr (GError) error = NULL;
  struct rlimit old;

#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("the sanitizer needs the address space itself");
  return;
#endif
  s->width = s->height = 16384;
  job = job_open (SF_TASK_GENERATE, s, rgba, 32, 32, NULL);
  getrlimit (RLIMIT_AS, &old);
  g_assert_true (job_limit_memory (64 << 20));
  g_assert_null (sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error));
  setrlimit (RLIMIT_AS, &old);
  g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
}

int
main (int argc, char **argv)
{
  job_one_heap ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job/memory", test_memory);
  g_test_add_func ("/job/too-large", test_too_large);
  return g_test_run ();
}
