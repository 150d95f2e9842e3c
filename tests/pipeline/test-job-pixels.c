/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pixels jobs change, on ordinary pictures and on strange ones, and what they refuse. */
#include "job.h"

#include <math.h>
#include <string.h>

/*** What never changes ***/

static void
test_outside (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autofree float *now = g_memdup2 (rgba, SIDE * SIDE * 16);
  g_autoptr (SfSettings) s = sf_settings_new ();

  s->feather = 3;
  for (int i = 0; i < 5; i++) /* again and again */
    {
      g_autoptr (SfResult) r = job_make (SF_TASK_REGENERATE, s, now, SIDE, SIDE, &job_hole, i);
      float *next = job_blend (r, now, SIDE, SIDE);

      g_free (now);
      now = next;
    }
  for (int p = 0; p < SIDE * SIDE; p++)
    {
      int y = p / SIDE, x = p % SIDE;

      if (y < job_hole.y || x < job_hole.x || y >= job_hole.y + job_hole.height || x >= job_hole.x + job_hole.width)
        g_assert_cmpmem (now + p * 4, 16, rgba + p * 4, 16);
    }
}

/* Untouched where the mask is 0, mixed by half where it is half, alpha as it was. */
static void
test_blend (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autofree float *after = NULL, *coverage = NULL;
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = NULL;
  g_autoptr (SfResult) r = NULL;
  int center = 35 * SIDE + 35, halves = 0;

  s->feather = 0;
  s->context = SIDE; /* the crop is the picture */
  job = sf_job_new (SF_TASK_REGENERATE, s, SIDE, SIDE, &job_hole, NULL);
  for (int p = 0; p < SIDE * SIDE; p++)
    rgba[p * 4 + 3] = p % 3 == 0 ? 0.5f : 1;
  coverage = job_cover (job, &job_hole);
  for (int p = center; p < center + 5; p++)
    coverage[p] = 0.5f;
  g_assert_true (sf_job_set_pixels (job, job_cut (rgba, SIDE, sf_job_get_crop (job)), g_steal_pointer (&coverage), NULL, NULL));
  r = job_candidate (job, 1, 0);
  after = job_blend (r, rgba, SIDE, SIDE);
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
  g_autofree float *rgba = job_texture (SIDE, SIDE);

  for (int p = 0; p < SIDE * SIDE; p++)
    rgba[p * 4 + 1] = rgba[p * 4 + 2] = rgba[p * 4];
  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autoptr (SfSettings) s = sf_settings_new ();
      g_autoptr (SfResult) r = job_make (tasks[i], s, rgba, SIDE, SIDE, &job_hole, 1);

      for (gsize k = 0; k < sf_tensor_size (r->rgba); k += 4)
        for (int c = 1; c < 3; c++)
          g_assert_true (fabsf (r->rgba->data[k + c] - r->rgba->data[k]) < 0.5f / 255); /* not a grey level's half */
    }
}

/* Light beyond white, in a float picture, is continued as such. */
static void
test_bright (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = NULL;
  double sum = 0;
  int n = 0;

  for (int p = 0; p < SIDE * SIDE; p++)
    for (int c = 0; c < 3; c++)
      rgba[p * 4 + c] = 2 + rgba[p * 4 + c];
  r = job_make (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole, 1);
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
  g_autofree float *rgba = job_texture (40, 48);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = NULL;
  g_autoptr (SfResult) r = NULL;
  SfRect canvas;

  s->left = 9;
  s->bottom = 14;
  job = job_open (SF_TASK_EXPAND, s, rgba, 48, 40, NULL);
  canvas = sf_job_get_canvas (job);
  g_assert_cmpint (canvas.x, ==, -9);
  g_assert_cmpint (canvas.y, ==, 0);
  g_assert_cmpint (canvas.width, ==, 57);
  g_assert_cmpint (canvas.height, ==, 54);
  r = job_candidate (job, 1, 0);
  job_assert_finite (r);
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
  g_autofree float *rgba = job_texture (64, 64);

  for (int i = 0; i < 4; i++)
    for (int seed = 0; seed < 2; seed++)
      {
        g_autoptr (SfSettings) s = sf_settings_new ();
        g_autoptr (SfResult) r = NULL;

        g_free (s->tileable);
        s->tileable = g_strdup (names[i]);
        s->width = 70;
        s->height = 54;
        r = job_make (SF_TASK_GENERATE, s, rgba, 64, 64, NULL, seed);
        g_assert_cmpint (r->rect.width, ==, 70);
        g_assert_cmpint (r->rect.height, ==, 54);
        job_assert_finite (r);
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
        g_autofree float *rgba = job_texture (h, w);
        g_autoptr (SfSettings) s = sf_settings_new ();
        SfRect selection = { w / 2, h / 2, 1, 1 };
        g_autoptr (GError) error = NULL;
        g_autoptr (SfResult) r = NULL;
        g_autoptr (SfJob) job = NULL;

        s->left = 3;
        s->width = s->height = 16;
        job = sf_job_new (task, s, w, h, task == SF_TASK_FILL ? &selection : NULL, &error);
        g_assert_no_error (error);
        if (sf_job_set_pixels (job, job_cut (rgba, w, sf_job_get_crop (job)), task == SF_TASK_FILL ? job_cover (job, &selection) : NULL, NULL, &error))
          r = sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error);
        if (r != NULL)
          job_assert_finite (r);
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
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = job_make (SF_TASK_FILL, s, rgba, SIDE, SIDE, &one, 1);
  g_autofree float *after = job_blend (r, rgba, SIDE, SIDE);
  int changed = 0;

  for (int p = 0; p < SIDE * SIDE; p++)
    changed += memcmp (after + p * 4, rgba + p * 4, 16) != 0;
  g_assert_cmpint (changed, ==, 1);
}

/* Nonsense in the picture comes neither out nor in the way. */
static void
test_not_finite (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfResult) r = NULL;
  g_autoptr (SfTensor) noised = NULL;
  g_autoptr (SfJob) job = NULL;

  for (int i = 0; i < SIDE * SIDE; i += 97)
    rgba[i * 4 + i % 3] = i % 2 == 0 ? NAN : i % 5 == 0 ? -INFINITY
                                                        : INFINITY;
  job = job_open (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole);
  r = job_candidate (job, 1, 0);
  for (gsize i = 0; i < sf_tensor_size (r->mask); i++)
    if (r->mask->data[i] > 0)
      for (int c = 0; c < 3; c++)
        g_assert_true (r->rgba->data[i * 4 + c] >= 0 && r->rgba->data[i * 4 + c] <= 1);
  noised = sf_job_get_noised (job, 0.5, 1, NULL, NULL);
  for (gsize i = 0; i < sf_tensor_size (noised); i++)
    g_assert_true (noised->data[i] >= 0 && noised->data[i] <= 1);
}

/* More strength, more noise; none, the picture itself. */
static void
test_noised (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = job_open (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole);
  g_autoptr (SfTensor) clean = sf_job_get_noised (job, 0, 1, NULL, NULL);
  SfRect frame = sf_job_get_frame (job);

  g_assert_cmpint (clean->h, ==, frame.height);
  g_assert_cmpint (clean->w, ==, frame.width);
  for (int i = 0; i < frame.width * frame.height; i++)
    for (int c = 0; c < 3; c++)
      g_assert_true (fabsf (clean->data[i * 3 + c] - rgba[((gsize) (i / frame.width + frame.y) * SIDE + i % frame.width + frame.x) * 4 + c]) < 1e-6f);
  for (int i = 1; i <= 10; i++)
    {
      g_autoptr (SfTensor) noised = sf_job_get_noised (job, i / 10.0, 1, NULL, NULL);
      g_autoptr (SfTensor) again = sf_job_get_noised (job, i / 10.0, 1, NULL, NULL);

      g_assert_nonnull (noised);
      g_assert_cmpmem (noised->data, sf_tensor_size (noised) * 4, again->data, sf_tensor_size (again) * 4);
    }
}

/* The engine is not opened for what nobody wants any more. */
static void
test_noised_stopped (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = job_open (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTensor) noised = NULL;
  SfProgress progress = { .cancellable = cancellable, .hi = 1 };

  g_cancellable_cancel (cancellable);
  g_assert_null (sf_job_get_noised (job, 0.5, 1, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  noised = sf_job_get_noised (job, 0.5, 1, NULL, NULL);
  g_assert_nonnull (noised);
}

static void
test_strip (void)
{
  const SfRect part = { 10, 15000, 60, 40 };
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (SfJob) job = sf_job_new (SF_TASK_FILL, s, 300, 30000, &part, NULL);
  SfRect crop = sf_job_get_crop (job);
  g_autofree float *rgba = job_texture (crop.height, crop.width);
  g_autoptr (SfResult) r = NULL;

  g_assert_cmpint (crop.height, <, 1000);
  s->steps = 2;
  g_assert_true (sf_job_set_pixels (job, g_steal_pointer (&rgba), job_cover (job, &part), NULL, NULL));
  r = job_candidate (job, 1, 0);
  job_assert_finite (r);
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

/* Where the engine has nothing to work from, the job says so as soon as it has its pixels. */
static void
test_too_little (void)
{
  static const struct
  {
    SfTask task;
    const char *words;
  } rows[] = {
    { SF_TASK_FILL, "too little visible picture" },
    { SF_TASK_GENERATE, "example is too small" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree float *rgba = job_texture (SIDE, SIDE);
      g_autoptr (SfSettings) s = sf_settings_new ();
      g_autoptr (SfJob) job = sf_job_new (rows[i].task, s, SIDE, SIDE, &job_hole, NULL);
      g_autoptr (GError) error = NULL;

      for (int p = 0; p < SIDE * SIDE; p++)
        {
          int y = p / SIDE - HOLE_AT, x = p % SIDE - HOLE_AT;
          gboolean filled = rows[i].task == SF_TASK_FILL && y >= 0 && x >= 0 && y < HOLE && x < HOLE;

          rgba[p * 4 + 3] = filled || x == -6; /* a line of the rest is visible */
        }
      g_assert_false (sf_job_set_pixels (job, job_cut (rgba, SIDE, sf_job_get_crop (job)), job_cover (job, &job_hole), NULL, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_REGION);
      g_assert_nonnull (strstr (error->message, rows[i].words));
    }
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
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
  g_test_add_func ("/job/noised-stopped", test_noised_stopped);
  g_test_add_func ("/job/strip", test_strip);
  g_test_add_func ("/job/refused", test_refused);
  g_test_add_func ("/job/too-little", test_too_little);
  g_test_add_func ("/job/out-of-range", test_out_of_range);
  return g_test_run ();
}
