/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole jobs on small pictures: what every setting does, and what depends on what. */
#include "job.h"

#include <math.h>

#include "base/sf-parallel.h"
#include "diffusion/sf-sampler.h"
#include "diffusion/sf-schedule.h"
#include "picture.h"

/*** Strength ***/

/* A statistical claim: the mean of two seeds, on a picture with structure of several sizes (of one size, all is forgotten
 * at half the strength). */
static void
test_strength (void)
{
  static const double strengths[] = { 0.2, 0.5, 0.9 };
  const int side = 112;
  const SfRect box = { 28, 28, 56, 56 };
  g_autoptr (SfTensor) fine = picture_texture (side, side, 1.2, 8), coarse = picture_texture (side, side, 9, 9);
  g_autofree float *rgba = NULL;
  g_autoptr (SfSettings) s = sf_settings_new ();
  double last = 0;

  for (gsize i = 0; i < sf_tensor_size (fine); i++)
    fine->data[i] = 0.4f * fine->data[i] + 0.9f * coarse->data[i];
  rgba = picture_to_rgba (fine);
  for (gsize i = 0; i < G_N_ELEMENTS (strengths); i++)
    {
      double rms = 0;

      s->strength = strengths[i];
      for (int seed = 0; seed < 2; seed++)
        {
          g_autoptr (SfResult) r = job_make (SF_TASK_REGENERATE, s, rgba, side, side, &box, seed);
          g_autofree float *after = job_blend (r, rgba, side, side);

          job_assert_finite (r);
          rms += picture_rms (after, rgba, side * side * 4) / 2;
        }
      g_test_message ("strength %g: rms %.4f", strengths[i], rms);
      g_assert_cmpfloat (rms, >, last * 1.02);
      last = rms;
    }
}

static void
test_strength_zero (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = NULL;
  g_autofree float *after = NULL;

  s->strength = 0;
  rgba[(30 * SIDE + 30) * 4] = 1.75f;
  rgba[(31 * SIDE + 30) * 4 + 3] = 0.25f;
  r = job_make (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole, 1);
  after = job_blend (r, rgba, SIDE, SIDE);
  g_assert_cmpmem (after, SIDE * SIDE * 4 * sizeof (float), rgba, SIDE * SIDE * 4 * sizeof (float));
  for (int y = 0; y < r->rect.height; y++) /* the result itself too */
    g_assert_cmpmem (r->rgba->data + (gsize) y * r->rect.width * 4, r->rect.width * 16,
                     rgba + ((gsize) (y + r->rect.y) * SIDE + r->rect.x) * 4, r->rect.width * 16);
}

/*** Gradients ***/

/* Mean over the 8 x 8 px around a place, all colours. */
static double
local_mean (const float *rgba, int width, int y0, int x0)
{
  double sum = 0;

  for (int y = y0 - 4; y < y0 + 4; y++)
    for (int x = x0 - 4; x < x0 + 4; x++)
      for (int c = 0; c < 3; c++)
        sum += rgba[((gsize) y * width + x) * 4 + c] / (3 * 64);
  return sum;
}

/* A backdrop with some grain, brightest in the hole: what is copied from around is too dark there. */
static void
test_gradient (void)
{
  const int side = 112;
  const SfRect box = { 32, 32, 48, 48 };
  g_autoptr (SfTensor) picture = picture_texture (side, side, 0.7, 3);
  g_autofree float *rgba = NULL, *after = NULL;
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = NULL;
  double square = 0;

  for (int i = 0; i < side * side; i++)
    for (int c = 0; c < 3; c++)
      {
        double y = (i / side - 56) / 56.0, x = (i % side - 56) / 56.0;

        picture->data[i * 3 + c] = (float) (0.05 * picture->data[i * 3 + c] + 0.6 - 0.6 * (y * y + x * x) + 0.1 * x);
      }
  rgba = picture_to_rgba (picture);
  r = job_make (SF_TASK_FILL, s, rgba, side, side, &box, 1);
  after = job_blend (r, rgba, side, side);
  for (int y = 36; y <= 76; y += 8)
    for (int x = 36; x <= 76; x += 8)
      square += pow (local_mean (after, side, y, x) - local_mean (rgba, side, y, x), 2) / 36;
  g_test_message ("low-pass error %.2f/255", 255 * sqrt (square));
  g_assert_cmpfloat (sqrt (square), <, 1.2 / 255);
}

/*** Settings that must act ***/

static void
assert_acts (SfTask task, const SfSettings *a, const SfSettings *b, int seed_a, int seed_b)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfResult) r = job_make (task, a, rgba, SIDE, SIDE, &job_hole, seed_a);
  g_autoptr (SfResult) q = job_make (task, b, rgba, SIDE, SIDE, &job_hole, seed_b);

  g_assert_cmpfloat (job_distance (r, q), >, 1e-3); /* far beyond rounding */
}

static void
test_settings_act (void)
{
  static const SfTask tasks[] = { SF_TASK_FILL, SF_TASK_REGENERATE };

  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autoptr (SfSettings) s = sf_settings_new (), t = sf_settings_new ();

      assert_acts (tasks[i], s, t, 1, 2);
      t->steps = 5;
      assert_acts (tasks[i], s, t, 1, 1);
      t->steps = 0;
      t->eta = 0.3;
      assert_acts (tasks[i], s, t, 1, 1);
    }
}

/* In the variance-exploding form a DDIM step and an ancestral Euler step with the same eta are the same numbers. */
static gboolean
are_twins (const char *a, const char *b)
{
  return g_str_equal (a, "ddim") && g_str_equal (b, "euler-ancestral");
}

/* No two of the common members of the family give the same.  Of all the others test-sampler and test-schedule say so: here the finer
 * differences between precise samplers lead to the same patches.
 */
static void
check_family (const char *setting, SfTask task)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  const SfParam *param = sf_settings_find (setting);
  int n;
  const SfChoice *choices = param->choices (&n);
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_result_unref);

  for (int i = 1; i < n; i++) /* 0 is "auto" */
    {
      g_autoptr (SfSettings) s = sf_settings_new ();

      if (choices[i].group != NULL)
        continue;
      g_assert_true (sf_settings_set (s, param, choices[i].name, NULL));
      s->steps = 8; /* multistep methods need a few per level to differ */
      s->eta = 0.5; /* at 1 DDIM is DDPM, at 0 Euler */
      g_ptr_array_add (results, job_make (task, s, rgba, SIDE, SIDE, &job_hole, 1));
      for (guint j = 0; j + 1 < results->len; j++)
        if (job_distance (results->pdata[i - 1], results->pdata[j]) <= 1e-4 &&
            !are_twins (choices[i].name, choices[j + 1].name) &&
            !are_twins (choices[j + 1].name, choices[i].name))
          g_error ("%s and %s give the same", choices[i].name, choices[j + 1].name);
    }
}

static void
test_families_act (void)
{
  check_family ("sampler", SF_TASK_REGENERATE);
  check_family ("sampler", SF_TASK_FILL);
  check_family ("schedule", SF_TASK_REGENERATE);
  check_family ("schedule", SF_TASK_FILL);
}

/*** Determinism ***/

static void
test_repeatable (void)
{
  static const SfTask tasks[] = { SF_TASK_REGENERATE, SF_TASK_FILL, SF_TASK_EXPAND, SF_TASK_GENERATE };
  g_autofree float *rgba = job_texture (SIDE, SIDE);

  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autoptr (SfSettings) s = sf_settings_new ();
      g_autoptr (SfResult) first = NULL;

      s->right = 20;
      s->width = s->height = 80;
      for (int threads = 1; threads <= 4; threads *= 2)
        {
          g_autoptr (SfResult) r = NULL;

          sf_parallel_set_threads (threads);
          r = job_make (tasks[i], s, rgba, SIDE, SIDE, tasks[i] < SF_TASK_EXPAND ? &job_hole : NULL, 5);
          job_assert_finite (r);
          if (first == NULL)
            first = sf_result_ref (r);
          job_assert_same (first, r);
        }
      sf_parallel_set_threads (0);
    }
}

/* A second run of the same job, and the same candidate in another job after others. */
static void
test_run_again (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = job_open (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole);
  g_autoptr (SfResult) a = job_candidate (job, 3, 0), b = NULL, c = NULL;
  g_autoptr (SfJob) other = job_open (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole);

  b = job_candidate (other, 3, 0);
  job_assert_same (a, b);
  /* new pixels forget all that was */
  g_assert_true (sf_job_set_pixels (job, job_cut (rgba, SIDE, sf_job_get_crop (job)), job_cover (job, &job_hole), NULL, NULL));
  c = job_candidate (job, 3, 0);
  job_assert_same (a, c);
}

/*** Candidates ***/

static void
test_candidates (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = job_open (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole);
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_result_unref), ranked = NULL;

  for (int i = 0; i < 4; i++)
    {
      SfResult *r = job_candidate (job, 3, i);
      SfTask task;
      int candidate;
      g_autoptr (SfSettings) stored = sf_settings_from_json (r->json, &task, &candidate, NULL);

      g_ptr_array_add (results, r);
      g_assert_cmpint (r->candidate, ==, i);
      g_assert_cmpint (candidate, ==, i);
      g_assert_cmpint (task, ==, SF_TASK_FILL);
      g_assert_true (r->energy >= 0 && isfinite (r->energy));
      for (int j = 0; j < i; j++)
        /* the frame is a fifth of unchanged margin; a tenth of the texture's own deviation (0.15) is a visible difference */
        g_assert_cmpfloat (job_distance (r, results->pdata[j]), >, 0.015);
    }
  ranked = sf_results_rank (results);
  g_assert_cmpint (ranked->len, ==, 4);
  for (int i = 0; i < 4; i++)
    {
      g_assert_true (g_ptr_array_find (ranked, results->pdata[i], NULL));
      g_assert_cmpint (((SfResult *) results->pdata[i])->candidate, ==, i);
      if (i > 0)
        g_assert_cmpint (sf_result_compare (ranked->pdata[i - 1], ranked->pdata[i]), <, 0);
    }
}

/* What the hooks are told of a run. */
typedef struct
{
  int frames, results; /* of each there have been so many */
  int stop_after;      /* results; 0 = never */
  GCancellable *cancellable;
} Told;

static void
tell_frame (const SfTensor *image, int candidate, int level, int n_levels, gpointer data)
{
  Told *told = data;

  g_assert_cmpint (candidate, ==, told->results);
  g_assert_cmpint (level, <, n_levels);
  told->frames++;
}

static void
tell_result (SfResult *result, gpointer data)
{
  Told *told = data;

  g_assert_cmpint (result->candidate, ==, told->results);
  if (++told->results == told->stop_after)
    g_cancellable_cancel (told->cancellable);
}

static GPtrArray *
run_all (int stop_after, Told *told, GError **error)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = job_open (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  SfJobHooks hooks = { tell_frame, tell_result, told };

  *told = (Told) { .stop_after = stop_after, .cancellable = cancellable };
  return sf_job_run_all (job, 3, 3, NULL, &hooks, &progress, error);
}

/* The same as one by one, and each is told of when it is there; a stop gives nothing. */
static void
test_run_all (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = job_open (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole);
  Told told;
  g_autoptr (GPtrArray) all = run_all (0, &told, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (all->len, ==, 3);
  g_assert_cmpint (told.results, ==, 3);
  g_assert_cmpint (told.frames, >, 3);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (SfResult) r = job_candidate (job, 3, i);

      job_assert_same (r, all->pdata[i]);
    }
  g_assert_null (run_all (2, &told, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (told.results, ==, 2);
}

/* Around another result: nearer to it than a new candidate is. */
static void
test_like (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = job_open (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole);
  g_autoptr (SfResult) a = job_candidate (job, 3, 0), fresh = job_candidate (job, 3, 1), like = NULL;

  like = sf_job_run (job, 3, 2, a, NULL, NULL, NULL, NULL);
  g_assert_nonnull (like);
  g_assert_cmpfloat (job_distance (like, a), >, 1e-3);
  g_assert_cmpfloat (job_distance (like, a), <, job_distance (fresh, a));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job/strength", test_strength);
  g_test_add_func ("/job/strength-zero", test_strength_zero);
  g_test_add_func ("/job/gradient", test_gradient);
  g_test_add_func ("/job/settings-act", test_settings_act);
  g_test_add_func ("/job/families-act", test_families_act);
  g_test_add_func ("/job/repeatable", test_repeatable);
  g_test_add_func ("/job/run-again", test_run_again);
  g_test_add_func ("/job/candidates", test_candidates);
  g_test_add_func ("/job/run-all", test_run_all);
  g_test_add_func ("/job/like", test_like);
  return g_test_run ();
}
