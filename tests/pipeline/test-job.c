/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole jobs on small pictures: what every setting does, what is refused, and what never changes. */
#include "pipeline/sf-job.h"

#include <malloc.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "diffusion/sf-sampler.h"
#include "picture.h"

#define SIDE 64
#define HOLE_AT 26
#define HOLE 14

static const SfRect hole = { HOLE_AT, HOLE_AT, HOLE, HOLE };

/*** Running a job on a whole picture ***/

/* Coverage of @rect in a picture, for the job's crop. */
static float *
cover (const SfJob *job, const SfRect *rect)
{
  SfRect crop = sf_job_get_crop (job);
  float *coverage = g_new0 (float, (gsize) crop.width *crop.height);

  for (int y = 0; y < crop.height; y++)
    for (int x = 0; x < crop.width; x++)
      coverage[(gsize) y * crop.width + x] = rect == NULL || (x + crop.x >= rect->x && y + crop.y >= rect->y &&
                                                              x + crop.x < rect->x + rect->width && y + crop.y < rect->y + rect->height);
  return coverage;
}

static float *
cut (const float *rgba, int width, SfRect rect)
{
  float *out = g_new (float, (gsize) rect.width *rect.height * 4);

  for (int y = 0; y < rect.height; y++)
    memcpy (out + (gsize) y * rect.width * 4, rgba + ((gsize) (y + rect.y) * width + rect.x) * 4, (gsize) rect.width * 4 * sizeof (float));
  return out;
}

static SfJob *
open_job (SfTask task, const SfSettings *settings, const float *rgba, int width, int height, const SfRect *selection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJob) job = sf_job_new (task, settings, width, height, selection, &error);
  gboolean ready;

  g_assert_no_error (error);
  ready = sf_job_set_pixels (job, cut (rgba, width, sf_job_get_crop (job)), selection != NULL ? cover (job, selection) : NULL, &error);
  g_assert_no_error (error);
  g_assert_true (ready);
  return g_steal_pointer (&job);
}

static SfResult *
run_job (SfJob *job, int seed, int candidate)
{
  g_autoptr (GError) error = NULL;
  SfResult *result = sf_job_run (job, seed, candidate, NULL, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
  return result;
}

/* One candidate. */
static SfResult *
make (SfTask task, const SfSettings *settings, const float *rgba, int width, int height, const SfRect *selection, int seed)
{
  g_autoptr (SfJob) job = open_job (task, settings, rgba, width, height, selection);

  return run_job (job, seed, 0);
}

/* @rgba with @result blended in; for tasks that keep the size. */
static float *
blend (const SfResult *result, const float *rgba, int width, int height)
{
  float *out = g_memdup2 (rgba, (gsize) width * height * 4 * sizeof (float));
  g_autofree float *part = cut (rgba, width, result->rect);

  sf_result_blend (result, part);
  for (int y = 0; y < result->rect.height; y++)
    memcpy (out + ((gsize) (y + result->rect.y) * width + result->rect.x) * 4, part + (gsize) y * result->rect.width * 4,
            (gsize) result->rect.width * 4 * sizeof (float));
  return out;
}

static float *
textured (int height, int width)
{
  g_autoptr (SfTensor) picture = picture_texture (height, width, 1.2, 8);

  return picture_to_rgba (picture);
}

static void
assert_same_result (const SfResult *a, const SfResult *b)
{
  gsize n = sf_tensor_size (a->rgba) * sizeof (float);

  g_assert_true (sf_tensor_same_shape (a->rgba, b->rgba));
  g_assert_cmpmem (a->rgba->data, n, b->rgba->data, n);
  g_assert_cmpmem (a->mask->data, n / 4, b->mask->data, n / 4);
  g_assert_cmpfloat (a->energy, ==, b->energy);
}

static double
distance (const SfResult *a, const SfResult *b)
{
  return picture_rms (a->rgba->data, b->rgba->data, sf_tensor_size (a->rgba));
}

static void
assert_finite (const SfResult *r)
{
  for (gsize i = 0; i < sf_tensor_size (r->rgba); i++)
    g_assert_true (isfinite (r->rgba->data[i]));
  for (gsize i = 0; i < sf_tensor_size (r->mask); i++)
    g_assert_true (r->mask->data[i] >= 0 && r->mask->data[i] <= 1);
}

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
          g_autoptr (SfResult) r = make (SF_TASK_REGENERATE, s, rgba, side, side, &box, seed);
          g_autofree float *after = blend (r, rgba, side, side);

          assert_finite (r);
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
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = NULL;
  g_autofree float *after = NULL;

  s->strength = 0;
  rgba[(30 * SIDE + 30) * 4] = 1.75f;
  rgba[(31 * SIDE + 30) * 4 + 3] = 0.25f;
  r = make (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &hole, 1);
  after = blend (r, rgba, SIDE, SIDE);
  g_assert_cmpmem (after, SIDE * SIDE * 4 * sizeof (float), rgba, SIDE * SIDE * 4 * sizeof (float));
  for (int y = 0; y < r->rect.height; y++) /* the result itself too */
    g_assert_cmpmem (r->rgba->data + (gsize) y * r->rect.width * 4, r->rect.width * 16,
                     rgba + ((gsize) (y + r->rect.y) * SIDE + r->rect.x) * 4, r->rect.width * 16);
}

/*** Settings that must act ***/

static void
assert_acts (SfTask task, const SfSettings *a, const SfSettings *b, int seed_a, int seed_b)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfResult) r = make (task, a, rgba, SIDE, SIDE, &hole, seed_a);
  g_autoptr (SfResult) q = make (task, b, rgba, SIDE, SIDE, &hole, seed_b);

  g_assert_cmpfloat (distance (r, q), >, 1e-3); /* far beyond rounding */
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

/* No two members of the family give the same. */
static void
check_family (const char *setting, SfTask task)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  const SfParam *param = sf_settings_find (setting);
  int n;
  const SfChoice *choices = param->choices (&n);
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_result_unref);

  for (int i = 1; i < n; i++) /* 0 is "auto" */
    {
      g_autoptr (SfSettings) s = sf_settings_new ();

      g_assert_true (sf_settings_set (s, param, choices[i].name, NULL));
      s->steps = 8; /* multistep methods need a few per level to differ */
      s->eta = 0.5; /* at 1 DDIM is DDPM, at 0 Euler */
      g_ptr_array_add (results, make (task, s, rgba, SIDE, SIDE, &hole, 1));
      for (guint j = 0; j + 1 < results->len; j++)
        if (distance (results->pdata[i - 1], results->pdata[j]) <= 1e-4 && !are_twins (choices[i].name, choices[j + 1].name) &&
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
  g_autofree float *rgba = textured (SIDE, SIDE);

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
          r = make (tasks[i], s, rgba, SIDE, SIDE, tasks[i] < SF_TASK_EXPAND ? &hole : NULL, 5);
          assert_finite (r);
          if (first == NULL)
            first = sf_result_ref (r);
          assert_same_result (first, r);
        }
      sf_parallel_set_threads (0);
    }
}

/* A second run of the same job, and the same candidate in another job after others. */
static void
test_run_again (void)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = open_job (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &hole);
  g_autoptr (SfResult) a = run_job (job, 3, 0), b = NULL, c = NULL;
  g_autoptr (SfJob) other = open_job (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &hole);

  b = run_job (other, 3, 0);
  assert_same_result (a, b);
  /* new pixels forget all that was */
  g_assert_true (sf_job_set_pixels (job, cut (rgba, SIDE, sf_job_get_crop (job)), cover (job, &hole), NULL));
  c = run_job (job, 3, 0);
  assert_same_result (a, c);
}

/*** Candidates ***/

static void
test_candidates (void)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = open_job (SF_TASK_FILL, s, rgba, SIDE, SIDE, &hole);
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_result_unref);

  for (int i = 0; i < 4; i++)
    {
      SfResult *r = run_job (job, 3, i);
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
        g_assert_cmpfloat (distance (r, results->pdata[j]), >, 0.015);
    }
  g_ptr_array_sort_values (results, (GCompareFunc) sf_result_compare);
  for (int i = 1; i < 4; i++)
    g_assert_true (((SfResult *) results->pdata[i])->energy >= ((SfResult *) results->pdata[i - 1])->energy);
}

/* Around another result: nearer to it than a new candidate is. */
static void
test_like (void)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = open_job (SF_TASK_FILL, s, rgba, SIDE, SIDE, &hole);
  g_autoptr (SfResult) a = run_job (job, 3, 0), fresh = run_job (job, 3, 1), like = NULL;

  like = sf_job_run (job, 3, 2, a, NULL, NULL, NULL, NULL);
  g_assert_nonnull (like);
  g_assert_cmpfloat (distance (like, a), >, 1e-3);
  g_assert_cmpfloat (distance (like, a), <, distance (fresh, a));
}

/*** What never changes ***/

static void
test_outside (void)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autofree float *now = g_memdup2 (rgba, SIDE * SIDE * 16);
  g_autoptr (SfSettings) s = sf_settings_new ();

  s->feather = 3;
  for (int i = 0; i < 5; i++) /* again and again */
    {
      g_autoptr (SfResult) r = make (SF_TASK_REGENERATE, s, now, SIDE, SIDE, &hole, i);
      float *next = blend (r, now, SIDE, SIDE);

      g_free (now);
      now = next;
    }
  for (int p = 0; p < SIDE * SIDE; p++)
    {
      int y = p / SIDE, x = p % SIDE;

      if (y < hole.y || x < hole.x || y >= hole.y + hole.height || x >= hole.x + hole.width)
        g_assert_cmpmem (now + p * 4, 16, rgba + p * 4, 16);
    }
}

/* Untouched where the mask is 0, mixed by half where it is half, alpha as it was. */
static void
test_blend (void)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autofree float *after = NULL, *coverage = NULL;
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = NULL;
  g_autoptr (SfResult) r = NULL;
  int center = 35 * SIDE + 35, halves = 0;

  s->feather = 0;
  s->context = SIDE; /* the crop is the picture */
  job = sf_job_new (SF_TASK_REGENERATE, s, SIDE, SIDE, &hole, NULL);
  for (int p = 0; p < SIDE * SIDE; p++)
    rgba[p * 4 + 3] = p % 3 == 0 ? 0.5f : 1;
  coverage = cover (job, &hole);
  for (int p = center; p < center + 5; p++)
    coverage[p] = 0.5f;
  g_assert_true (sf_job_set_pixels (job, cut (rgba, SIDE, sf_job_get_crop (job)), g_steal_pointer (&coverage), NULL));
  r = run_job (job, 1, 0);
  after = blend (r, rgba, SIDE, SIDE);
  for (int y = 0; y < r->rect.height; y++)
    for (int x = 0; x < r->rect.width; x++)
      {
        gsize i = (gsize) y * r->rect.width + x, p = (gsize) (y + r->rect.y) * SIDE + x + r->rect.x;
        float share = r->mask->data[i];

        g_assert_cmpfloat (after[p * 4 + 3], ==, rgba[p * 4 + 3]);
        halves += share == 0.5f;
        for (int c = 0; c < 3; c++)
          if (share == 0)
            g_assert_cmpfloat (after[p * 4 + c], ==, rgba[p * 4 + c]);
          else /* rounded once or twice */
            g_assert_true (fabsf (after[p * 4 + c] - (rgba[p * 4 + c] * (1 - share) + r->rgba->data[i * 4 + c] * share)) < 1e-6f);
      }
  g_assert_cmpint (halves, ==, 5);
}

static void
test_gray (void)
{
  static const SfTask tasks[] = { SF_TASK_REGENERATE, SF_TASK_FILL };
  g_autofree float *rgba = textured (SIDE, SIDE);

  for (int p = 0; p < SIDE * SIDE; p++)
    rgba[p * 4 + 1] = rgba[p * 4 + 2] = rgba[p * 4];
  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autoptr (SfSettings) s = sf_settings_new ();
      g_autoptr (SfResult) r = make (tasks[i], s, rgba, SIDE, SIDE, &hole, 1);

      for (gsize k = 0; k < sf_tensor_size (r->rgba); k += 4)
        for (int c = 1; c < 3; c++)
          g_assert_true (fabsf (r->rgba->data[k + c] - r->rgba->data[k]) < 0.5f / 255); /* not a grey level's half */
    }
}

/* Light beyond white, in a float picture, is continued as such. */
static void
test_bright (void)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = NULL;
  double sum = 0;
  int n = 0;

  for (int p = 0; p < SIDE * SIDE; p++)
    for (int c = 0; c < 3; c++)
      rgba[p * 4 + c] = 2 + rgba[p * 4 + c];
  r = make (SF_TASK_FILL, s, rgba, SIDE, SIDE, &hole, 1);
  for (gsize i = 0; i < sf_tensor_size (r->mask); i++)
    if (r->mask->data[i] > 0)
      {
        sum += r->rgba->data[i * 4];
        n++;
      }
  g_assert_cmpint (n, ==, HOLE * HOLE);
  g_assert_cmpfloat (sum / n, >, 2.3);
  g_assert_cmpfloat (sum / n, <, 2.7);
}

/*** Generate and expand ***/

static void
test_expand (void)
{
  g_autofree float *rgba = textured (40, 48);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = NULL;
  g_autoptr (SfResult) r = NULL;
  SfRect canvas;

  s->left = 9;
  s->bottom = 14;
  job = open_job (SF_TASK_EXPAND, s, rgba, 48, 40, NULL);
  canvas = sf_job_get_canvas (job);
  g_assert_cmpint (canvas.x, ==, -9);
  g_assert_cmpint (canvas.y, ==, 0);
  g_assert_cmpint (canvas.width, ==, 57);
  g_assert_cmpint (canvas.height, ==, 54);
  r = run_job (job, 1, 0);
  assert_finite (r);
  for (int y = 0; y < canvas.height; y++)
    for (int x = canvas.x; x < 48; x++)
      {
        gboolean inside = x >= r->rect.x && y >= r->rect.y && x < r->rect.x + r->rect.width && y < r->rect.y + r->rect.height;
        gsize i = (gsize) (y - r->rect.y) * r->rect.width + x - r->rect.x;

        if (x < 0 || y >= 40) /* all that is new is made, and opaque */
          {
            g_assert_true (inside);
            g_assert_cmpfloat (r->mask->data[i], ==, 1);
            g_assert_cmpfloat (r->rgba->data[i * 4 + 3], ==, 1);
          }
        else if (inside)
          g_assert_cmpfloat (r->mask->data[i], ==, 0);
      }
}

static double
squared_step (const float *a, const float *b)
{
  double sum = 0;

  for (int c = 0; c < 3; c++)
    sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

/* Mean squared step from one column (or row) to the next: across the edge when wrapped, and the mean inside. */
static void
seam (const SfTensor *x, gboolean vertical, double *at_seam, double *inside)
{
  const int n = vertical ? x->h : x->w, m = vertical ? x->w : x->h;

  *at_seam = *inside = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++)
      {
        int next = (i + 1) % n;
        const float *a = x->data + (vertical ? (gsize) i * x->w + j : (gsize) j * x->w + i) * 4;
        const float *b = x->data + (vertical ? (gsize) next * x->w + j : (gsize) j * x->w + next) * 4;

        *(next == 0 ? at_seam : inside) += squared_step (a, b) / m / (next == 0 ? 1 : n - 1);
      }
}

static void
test_tileable (void)
{
  static const char *const names[] = { "none", "horizontal", "vertical", "both" };
  g_autofree float *rgba = textured (64, 64);

  for (int i = 0; i < 4; i++)
    for (int seed = 0; seed < 2; seed++)
      {
        g_autoptr (SfSettings) s = sf_settings_new ();
        g_autoptr (SfResult) r = NULL;

        g_free (s->tileable);
        s->tileable = g_strdup (names[i]);
        s->width = 70;
        s->height = 54;
        r = make (SF_TASK_GENERATE, s, rgba, 64, 64, NULL, seed);
        g_assert_cmpint (r->rect.width, ==, 70);
        g_assert_cmpint (r->rect.height, ==, 54);
        assert_finite (r);
        for (int vertical = 0; vertical < 2; vertical++)
          {
            double at_seam, inside;

            seam (r->rgba, vertical, &at_seam, &inside);
            if (i & (vertical ? 2 : 1)) /* one column of 54 is an estimate: its spread is about a seventh */
              g_assert_cmpfloat (at_seam, <, 1.4 * inside);
            else
              g_assert_cmpfloat (at_seam, >, 2 * inside); /* so the measure sees a seam */
          }
      }
}

/*** Strange pictures ***/

static void
test_small (void)
{
  static const int sizes[][2] = { { 1, 1 }, { 1, 40 }, { 40, 1 }, { 2, 2 }, { 3, 3 }, { 5, 4 }, { 7, 7 }, { 12, 9 }, { 3, 60 } };
  int made = 0;

  for (int task = 0; task < SF_N_TASKS; task++)
    for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
      {
        const int h = sizes[i][0], w = sizes[i][1];
        g_autofree float *rgba = textured (h, w);
        g_autoptr (SfSettings) s = sf_settings_new ();
        SfRect selection = { w / 2, h / 2, 1, 1 };
        g_autoptr (GError) error = NULL;
        g_autoptr (SfResult) r = NULL;
        g_autoptr (SfJob) job = NULL;

        s->left = 3;
        s->width = s->height = 16;
        job = sf_job_new (task, s, w, h, task == SF_TASK_FILL ? &selection : NULL, &error);
        g_assert_no_error (error);
        if (sf_job_set_pixels (job, cut (rgba, w, sf_job_get_crop (job)), task == SF_TASK_FILL ? cover (job, &selection) : NULL, &error))
          r = sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error);
        if (r != NULL)
          assert_finite (r);
        else
          g_assert_error (error, SF_ERROR, SF_ERROR_REGION);
        made += r != NULL;
        if (h >= 7 && w >= 7)
          g_assert_nonnull (r);
      }
  g_assert_cmpint (made, >, 12);
}

static void
test_one_pixel (void)
{
  const SfRect one = { 30, 31, 1, 1 };
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = make (SF_TASK_FILL, s, rgba, SIDE, SIDE, &one, 1);
  g_autofree float *after = blend (r, rgba, SIDE, SIDE);
  int changed = 0;

  for (int p = 0; p < SIDE * SIDE; p++)
    changed += memcmp (after + p * 4, rgba + p * 4, 16) != 0;
  g_assert_cmpint (changed, ==, 1);
}

/* Nonsense in the picture comes neither out nor in the way. */
static void
test_not_finite (void)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = NULL;
  g_autoptr (SfTensor) noised = NULL;
  g_autoptr (SfJob) job = NULL;

  for (int i = 0; i < SIDE * SIDE; i += 97)
    rgba[i * 4 + i % 3] = i % 2 == 0 ? NAN : i % 5 == 0 ? -INFINITY
                                                        : INFINITY;
  job = open_job (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &hole);
  r = run_job (job, 1, 0);
  for (gsize i = 0; i < sf_tensor_size (r->mask); i++)
    if (r->mask->data[i] > 0)
      for (int c = 0; c < 3; c++)
        g_assert_true (r->rgba->data[i * 4 + c] >= 0 && r->rgba->data[i * 4 + c] <= 1);
  noised = sf_job_get_noised (job, 0.5, 1, NULL);
  for (gsize i = 0; i < sf_tensor_size (noised); i++)
    g_assert_true (noised->data[i] >= 0 && noised->data[i] <= 1);
}

/* More strength, more noise; none, the picture itself. */
static void
test_noised (void)
{
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = open_job (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &hole);
  g_autoptr (SfTensor) clean = sf_job_get_noised (job, 0, 1, NULL);
  SfRect frame = sf_job_get_frame (job);

  g_assert_cmpint (clean->h, ==, frame.height);
  g_assert_cmpint (clean->w, ==, frame.width);
  for (int i = 0; i < frame.width * frame.height; i++)
    for (int c = 0; c < 3; c++)
      g_assert_true (fabsf (clean->data[i * 3 + c] - rgba[((gsize) (i / frame.width + frame.y) * SIDE + i % frame.width + frame.x) * 4 + c]) < 1e-6f);
  for (int i = 1; i <= 10; i++)
    {
      g_autoptr (SfTensor) noised = sf_job_get_noised (job, i / 10.0, 1, NULL);
      g_autoptr (SfTensor) again = sf_job_get_noised (job, i / 10.0, 1, NULL);

      g_assert_nonnull (noised);
      g_assert_cmpmem (noised->data, sf_tensor_size (noised) * 4, again->data, sf_tensor_size (again) * 4);
    }
}

static void
test_strip (void)
{
  const SfRect part = { 10, 15000, 60, 40 };
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = sf_job_new (SF_TASK_FILL, s, 300, 30000, &part, NULL);
  SfRect crop = sf_job_get_crop (job);
  g_autofree float *rgba = textured (crop.height, crop.width);
  g_autoptr (SfResult) r = NULL;

  g_assert_cmpint (crop.height, <, 1000);
  s->steps = 2;
  g_assert_true (sf_job_set_pixels (job, g_steal_pointer (&rgba), cover (job, &part), NULL));
  r = run_job (job, 1, 0);
  assert_finite (r);
}

/*** Refused ***/

static void
test_refused (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (GError) error = NULL;

  s->strength = 1.5;
  g_assert_null (sf_job_new (SF_TASK_REGENERATE, s, 10, 10, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_clear_error (&error);
  s->strength = NAN;
  g_assert_null (sf_job_new (SF_TASK_REGENERATE, s, 10, 10, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_clear_error (&error);
  s->strength = 0.5;
  g_free (s->model);
  s->model = g_strdup ("no-such-model");
  g_assert_null (sf_job_new (SF_TASK_REGENERATE, s, 10, 10, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
}

/* Every number, below its range and above. */
static void
test_out_of_range (void)
{
  int n;
  const SfParam *params = sf_settings_params (&n);

  for (int task = 0; task < SF_N_TASKS; task++)
    for (const SfParam *p = params; p < params + n; p++)
      for (int above = 0; above < 2; above++)
        {
          g_autoptr (SfSettings) s = sf_settings_new ();
          g_autoptr (SfJob) job = NULL;
          g_autoptr (GError) error = NULL;
          double value = above ? p->max + 1 : p->min - 1;

          if ((p->tasks & (1u << task)) == 0 || (p->type != SF_PARAM_INT && p->type != SF_PARAM_DOUBLE) || value > G_MAXINT32)
            continue;
          if (p->type == SF_PARAM_INT)
            G_STRUCT_MEMBER (int, s, p->offset) = (int) value;
          else
            G_STRUCT_MEMBER (double, s, p->offset) = value;
          job = sf_job_new (task, s, 50, 50, &(SfRect) { 10, 10, 5, 5 }, &error);
          g_assert_null (job);
          g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
        }
}

/*** Progress and cancel ***/

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
see_preview (const SfTensor *image, int level, int n_levels, gpointer data)
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
  g_autofree float *rgba = textured (SIDE, SIDE);

  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autoptr (SfSettings) s = sf_settings_new ();
      g_autoptr (SfJob) job = open_job (tasks[i], s, rgba, SIDE, SIDE, &hole);
      Seen seen = { 0 };
      SfProgress progress = { .func = see, .data = &seen, .hi = 1 };
      g_autoptr (SfResult) r = sf_job_run (job, 1, 0, NULL, see_preview, &seen, &progress, NULL);

      g_assert_nonnull (r);
      g_assert_cmpfloat (seen.last, ==, 1);
      g_assert_cmpint (seen.previews, >, 0);
      g_assert_cmpint (seen.reports, >, 10);
      g_assert_cmpint (sf_job_get_evaluations (job), >, 0);
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
  g_autofree float *rgba = textured (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  gint64 begin = g_get_monotonic_time (), whole;
  g_autoptr (SfResult) reference = NULL, after = NULL;
  g_autoptr (SfJob) job = NULL;
  int stopped = 0;

  s->steps = 2;
  reference = make (SF_TASK_FILL, s, rgba, SIDE, SIDE, &hole, 1);
  job = open_job (SF_TASK_FILL, s, rgba, SIDE, SIDE, &hole);
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
  g_assert_true (sf_job_set_pixels (job, cut (rgba, SIDE, sf_job_get_crop (job)), cover (job, &hole), NULL));
  after = run_job (job, 1, 0);
  assert_same_result (reference, after);
}

/*** Memory ***/

/* The number in the line of /proc/self/statm that is the size of the address space, in bytes. */
static gsize
address_space (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    return 0;
  return g_ascii_strtoull (text, NULL, 10) * (gsize) sysconf (_SC_PAGESIZE);
}

/* 0: made; 1: refused for want of memory; 2: anything else. */
static int
run_with (gsize room, const float *rgba, int side, const SfSettings *settings, SfTask task)
{
  const SfRect box = { side / 4, side / 4, side / 2, side / 2 };
  struct rlimit limit;
  g_autoptr (GError) error = NULL;
  SfJob *job = sf_job_new (task, settings, side, side, &box, &error);
  float *pixels = cut (rgba, side, sf_job_get_crop (job)), *coverage = cover (job, &box);
  SfResult *r = NULL;

  malloc_trim (0);
  mallopt (M_MMAP_THRESHOLD, 1 << 16); /* whole planes are asked of the system, and seen by the limit */
  limit = (struct rlimit) { address_space () + room, RLIM_INFINITY };
  if (setrlimit (RLIMIT_AS, &limit) != 0)
    return 2;
  if (sf_job_set_pixels (job, pixels, coverage, &error))
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
  g_autofree float *rgba = textured (side, side);
  g_autoptr (SfSettings) s = sf_settings_new ();
  int refused = 0;

#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("the sanitizer needs the address space itself");
  return;
#endif
  s->steps = 1;
  {
    g_autofree float *small = textured (SIDE, SIDE);
    g_autoptr (SfResult) warm = make (SF_TASK_FILL, s, small, SIDE, SIDE, &hole, 1); /* OpenBLAS takes its buffers once */

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
  g_autofree float *rgba = textured (32, 32);
  g_autoptr (SfJob) job = NULL;
  g_autoptr (GError) error = NULL;
  struct rlimit old, limit;

#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("the sanitizer needs the address space itself");
  return;
#endif
  s->width = s->height = 16384;
  job = open_job (SF_TASK_GENERATE, s, rgba, 32, 32, NULL);
  getrlimit (RLIMIT_AS, &old);
  limit = (struct rlimit) { address_space () + (64 << 20), old.rlim_max };
  setrlimit (RLIMIT_AS, &limit);
  g_assert_null (sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error));
  setrlimit (RLIMIT_AS, &old);
  g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
}

int
main (int argc, char **argv)
{
  mallopt (M_ARENA_MAX, 1); /* arenas of threads hold 64 MiB of address space in reserve: test_memory would see none of its limit */
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job/strength", test_strength);
  g_test_add_func ("/job/strength-zero", test_strength_zero);
  g_test_add_func ("/job/settings-act", test_settings_act);
  g_test_add_func ("/job/families-act", test_families_act);
  g_test_add_func ("/job/repeatable", test_repeatable);
  g_test_add_func ("/job/run-again", test_run_again);
  g_test_add_func ("/job/candidates", test_candidates);
  g_test_add_func ("/job/like", test_like);
  g_test_add_func ("/job/outside", test_outside);
  g_test_add_func ("/job/blend", test_blend);
  g_test_add_func ("/job/gray", test_gray);
  g_test_add_func ("/job/bright", test_bright);
  g_test_add_func ("/job/expand", test_expand);
  g_test_add_func ("/job/tileable", test_tileable);
  g_test_add_func ("/job/small", test_small);
  g_test_add_func ("/job/one-pixel", test_one_pixel);
  g_test_add_func ("/job/not-finite", test_not_finite);
  g_test_add_func ("/job/noised", test_noised);
  g_test_add_func ("/job/strip", test_strip);
  g_test_add_func ("/job/refused", test_refused);
  g_test_add_func ("/job/out-of-range", test_out_of_range);
  g_test_add_func ("/job/progress", test_progress);
  g_test_add_func ("/job/cancel", test_cancel);
  g_test_add_func ("/job/memory", test_memory);
  g_test_add_func ("/job/too-large", test_too_large);
  return g_test_run ();
}
