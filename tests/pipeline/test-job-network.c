/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What jobs with a network make: its weights are random, so what is made means nothing, but where it is made does. */
#include "job-network.h"

#include <math.h>
#include <string.h>

#include "base/sf-parallel.h"

/* Outside of the selection nothing changes, inside something does; the same for any number of threads. */
static void
test_region (void)
{
  static const struct
  {
    SfTask task;
    const char *network;
  } runs[] = { { SF_TASK_REGENERATE, "plain" }, { SF_TASK_FILL, "plain" }, { SF_TASK_REGENERATE, "upsampler" } };
  static const int threads[] = { 1, 2, 4 };
  g_autofree float *rgba = job_texture (SIDE, SIDE);

  for (gsize t = 0; t < G_N_ELEMENTS (runs); t++)
    {
      g_autoptr (SfSettings) s = settings_for (runs[t].network);
      g_autoptr (SfResult) first = NULL;
      g_autofree float *after = NULL;
      gboolean changed = FALSE;

      for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
        {
          g_autoptr (SfResult) r = NULL;

          sf_parallel_set_threads (threads[i]);
          r = job_make (runs[t].task, s, rgba, SIDE, SIDE, &job_hole, 3);
          if (first != NULL)
            job_assert_same (first, r);
          else
            first = g_steal_pointer (&r);
        }
      after = job_blend (first, rgba, SIDE, SIDE);
      for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
          {
            gsize i = ((gsize) y * SIDE + x) * 4;
            gboolean inside = y >= job_hole.y && x >= job_hole.x && y < job_hole.y + job_hole.height && x < job_hole.x + job_hole.width;

            if (!inside)
              g_assert_cmpmem (after + i, 16, rgba + i, 16);
            else
              changed = changed || memcmp (after + i, rgba + i, 16) != 0;
          }
      g_assert_true (changed);
    }
  sf_parallel_set_threads (0);
}

/* The inside of a soft selection is made anew however few steps the levels have. */
static void
test_soft (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE), *after = NULL;
  g_autoptr (SfSettings) s = settings_for ("plain");
  g_autoptr (SfJob) job = NULL;
  g_autoptr (SfResult) result = NULL;
  SfRect crop;
  float *coverage;
  int changed = 0;

  s->steps = 4;
  job = sf_job_new (SF_TASK_FILL, s, SIDE, SIDE, &job_hole, NULL);
  crop = sf_job_get_crop (job);
  coverage = job_cover (job, &job_hole);
  for (gsize i = 0; i < (gsize) crop.width * crop.height; i++)
    coverage[i] *= 0.3f;
  g_assert_true (sf_job_set_pixels (job, job_cut (rgba, SIDE, crop), coverage, NULL, NULL));
  result = job_candidate (job, 3, 0);
  after = job_blend (result, rgba, SIDE, SIDE);
  for (gsize i = 0; i < SIDE * SIDE; i++)
    changed += fabsf (after[i * 4] - rgba[i * 4]) > 0.02f;
  g_test_message ("%d of %d pixels", changed, job_hole.width * job_hole.height);
  g_assert_cmpint (changed, >, job_hole.width * job_hole.height / 2);
}

/* Strength 0 is the picture; few steps are made enough for a run. */
static void
test_strength (void)
{
  static const char *const networks[] = { "plain", "upsampler" };
  g_autofree float *rgba = job_texture (SIDE, SIDE);

  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++)
    {
      g_autoptr (SfSettings) s = settings_for (networks[i]);
      g_autoptr (SfResult) none = NULL, little = NULL, much = NULL;
      g_autofree float *after = NULL;

      s->strength = 0;
      none = job_make (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole, 3);
      after = job_blend (none, rgba, SIDE, SIDE);
      g_assert_cmpmem (after, SIDE * SIDE * 16, rgba, SIDE * SIDE * 16);
      s->strength = 0.05;
      little = job_make (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole, 3);
      s->strength = 0.9;
      much = job_make (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole, 3);
      g_assert_cmpfloat (job_distance (none, little), <, job_distance (none, much));
    }
}

/* What an upsampler makes of a picture, from nothing but noise at strength 1, follows from means of 4 x 4 pixels; in one level of any size, and in
 * a picture smaller than it takes. */
static void
test_upsampler (void)
{
  static const int sizes[][2] = { { SIDE, SIDE }, { 40, 24 }, { 5, 7 } };
  g_autoptr (SfSettings) s = settings_for ("upsampler");

  s->strength = 1;
  for (gsize k = 0; k < G_N_ELEMENTS (sizes); k++)
    {
      const int height = sizes[k][0], width = sizes[k][1];
      g_autofree float *rgba = job_texture (height, width), *detail = g_memdup2 (rgba, (gsize) height * width * 16);
      g_autofree float *lighter = g_memdup2 (rgba, (gsize) height * width * 16);
      g_autoptr (SfResult) first = NULL, same = NULL, other = NULL;

      for (int i = 0; i < 4 * height * width; i++)
        if (i % 4 < 3)
          {
            detail[i] += (i / 4 % width + i / 4 / width) % 2 ? 0.2f : -0.2f;
            lighter[i] += 0.2f;
          }
      first = job_make (SF_TASK_REGENERATE, s, rgba, width, height, NULL, 3);
      same = job_make (SF_TASK_REGENERATE, s, detail, width, height, NULL, 3);
      other = job_make (SF_TASK_REGENERATE, s, lighter, width, height, NULL, 3);
      job_assert_finite (first);
      g_test_message ("%d x %d: detail %.5f, light %.5f", width, height, job_distance (first, same), job_distance (first, other));
      if (width % 8 == 0)
        g_assert_cmpfloat (2 * job_distance (first, same), <, job_distance (first, other));
    }
}

/* Of what a fill takes away nothing is seen: not in pixels of coarse levels that are only partly of it, not where a small picture is
 * mirrored, and not in the colours of the edge. */
static void
test_removal (void)
{
  static const struct
  {
    int height, width;
    SfRect hole;
  } cases[] = { { SIDE, SIDE, { HOLE_AT, HOLE_AT, HOLE, HOLE } }, { 6, 7, { 0, 0, 3, 2 } } };
  g_autoptr (SfSettings) s = settings_for ("plain");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const int height = cases[i].height, width = cases[i].width;
      const SfRect *hole = &cases[i].hole;
      g_autofree float *rgba = job_texture (height, width);
      g_autoptr (SfResult) first = job_make (SF_TASK_FILL, s, rgba, width, height, hole, 3), other = NULL;

      for (int y = hole->y; y < hole->y + hole->height; y++)
        for (int x = hole->x; x < hole->x + hole->width; x++)
          rgba[((gsize) y * width + x) * 4] = 1;
      other = job_make (SF_TASK_FILL, s, rgba, width, height, hole, 3);
      job_assert_same (first, other);
    }
}

/* Colours hidden under transparency are not seen. */
static void
test_transparent (void)
{
  static const SfTask tasks[] = { SF_TASK_REGENERATE, SF_TASK_FILL };
  const SfRect beside = { HOLE_AT + HOLE + 2, HOLE_AT, 9, HOLE };
  g_autoptr (SfSettings) s = settings_for ("plain");

  for (gsize t = 0; t < G_N_ELEMENTS (tasks); t++)
    {
      g_autofree float *before = NULL, *after = NULL, *rgba = job_texture (SIDE, SIDE);
      const gsize row = (gsize) job_hole.width * 4 * sizeof (float);

      for (int hidden = 0; hidden < 2; hidden++)
        {
          g_autoptr (SfResult) result = NULL;

          for (int y = beside.y; y < beside.y + beside.height; y++)
            for (int x = beside.x; x < beside.x + beside.width; x++)
              {
                rgba[((gsize) y * SIDE + x) * 4] = hidden;
                rgba[((gsize) y * SIDE + x) * 4 + 3] = 0;
              }
          result = job_make (tasks[t], s, rgba, SIDE, SIDE, &job_hole, 3);
          g_free (before);
          before = after;
          after = job_blend (result, rgba, SIDE, SIDE);
        }
      for (int y = job_hole.y; y < job_hole.y + job_hole.height; y++)
        g_assert_cmpmem (before + ((gsize) y * SIDE + job_hole.x) * 4, row, after + ((gsize) y * SIDE + job_hole.x) * 4, row);
    }
}

/* How far the outermost pixels that are made in the middle of a grey picture are from it, in the mean. */
static double
step_at_edge (SfTask task, gboolean match)
{
  g_autofree float *rgba = g_new (float, 4 * SIDE * SIDE), *after = NULL;
  g_autoptr (SfSettings) s = settings_for ("plain");
  g_autoptr (SfResult) result = NULL;
  double sum[3] = { 0 }, step = 0;
  int n = 0;

  for (gsize i = 0; i < 4 * SIDE * SIDE; i++)
    rgba[i] = i % 4 == 3 ? 1 : 0.3f;
  s->match_color = match;
  s->feather = 0;
  result = job_make (task, s, rgba, SIDE, SIDE, &job_hole, 3);
  after = job_blend (result, rgba, SIDE, SIDE);
  for (int y = HOLE_AT; y < HOLE_AT + HOLE; y++)
    for (int x = HOLE_AT; x < HOLE_AT + HOLE; x++)
      if (MIN (MIN (y, x) - HOLE_AT, HOLE_AT + HOLE - 1 - MAX (y, x)) == 0)
        {
          for (int c = 0; c < 3; c++)
            sum[c] += after[((gsize) y * SIDE + x) * 4 + c] - 0.3;
          n++;
        }
  for (int c = 0; c < 3; c++)
    step += fabs (sum[c] / n) / 3;
  return step;
}

static void
test_match_color (void)
{
  static const struct
  {
    SfTask task;
    double most; /* of the step is left: a fill compares the pixels at the edge alone */
  } cases[] = { { SF_TASK_REGENERATE, 0.8 }, { SF_TASK_FILL, 0.3 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      double without = step_at_edge (cases[i].task, FALSE), with = step_at_edge (cases[i].task, TRUE);

      g_test_message ("%s: %.4f, matched %.4f", sf_task_name (cases[i].task), without, with);
      g_assert_cmpfloat (with, <, cases[i].most * without);
    }
}

/* At the network's size, smaller, larger, longer; the seed decides, and the candidate. */
static void
test_generate (void)
{
  static const int sizes[][2] = { { 0, 0 }, { NATIVE, NATIVE }, { 40, 24 }, { 8, 33 }, { 50, 9 } };
  g_autoptr (SfSettings) s = settings_for ("plain");

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (SfResult) a = NULL, b = NULL, c = NULL, d = NULL;

      s->width = sizes[i][0];
      s->height = sizes[i][1];
      a = generate (s, 5, 0);
      b = generate (s, 5, 0);
      c = generate (s, 5, 1);
      d = generate (s, 6, 0);
      g_assert_cmpint (a->rect.width, ==, s->width > 0 ? s->width : NATIVE);
      g_assert_cmpint (a->rect.height, ==, s->height > 0 ? s->height : NATIVE);
      job_assert_same (a, b);
      job_assert_same (c, d); /* candidate 1 of seed 5 is seed 6 */
      g_assert_cmpfloat (job_distance (a, c), >, 1e-3);
    }
}

/* Steps, sampler, schedule and class act. */
static void
test_settings (void)
{
  g_autoptr (SfSettings) s = settings_for ("classes");
  g_autoptr (SfResult) first = NULL, steps = NULL, sampler = NULL, class = NULL, open = NULL, next = NULL;

  s->class_number = 1;
  first = generate (s, 5, 0);
  s->steps = 9;
  steps = generate (s, 5, 0);
  s->steps = 5;
  use_text (&s->sampler, "heun");
  sampler = generate (s, 5, 0);
  use_text (&s->sampler, "auto");
  s->class_number = 2;
  class = generate (s, 5, 0);
  s->class_number = -1; /* that of the seed */
  open = generate (s, 6, 0);
  s->class_number = 0;
  next = generate (s, 6, 0);
  g_assert_cmpfloat (job_distance (first, steps), >, 1e-3);
  g_assert_cmpfloat (job_distance (first, sampler), >, 1e-3);
  g_assert_cmpfloat (job_distance (first, class), >, 1e-4);
  job_assert_same (open, next);
}

/* More like a result is nearer to it than another candidate is; in grey, too. */
static void
test_like (void)
{
  static const char *const networks[] = { "plain", "grey" };
  g_autofree float *rgba = job_texture (SIDE, SIDE);

  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++)
    {
      g_autoptr (SfSettings) s = settings_for (networks[i]);
      g_autoptr (SfJob) job = job_open (SF_TASK_FILL, s, rgba, SIDE, SIDE, &job_hole);
      g_autoptr (SfResult) a = job_candidate (job, 3, 0), fresh = job_candidate (job, 3, 1), like = NULL;

      like = sf_job_run (job, 3, 2, a, NULL, NULL, NULL, NULL);
      g_assert_nonnull (like);
      job_assert_finite (like);
      g_assert_cmpfloat (job_distance (like, a), >, 1e-3);
      g_assert_cmpfloat (job_distance (like, a), <, job_distance (fresh, a));
    }
}

/* The forward process shows noise with any strength, and none with none. */
static void
test_noised (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = settings_for ("plain");
  g_autoptr (SfJob) job = job_open (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole);
  double none = 0;

  for (int i = 0; i <= 40; i++)
    {
      double strength = i / 40.0;
      g_autoptr (GError) error = NULL;
      g_autoptr (SfTensor) shown = sf_job_get_noised (job, strength, 4, NULL, &error);
      double sum = 0;

      g_assert_no_error (error);
      for (int y = 0; y < shown->h; y++) /* of neighbours */
        for (int x = 0; x + 1 < shown->w; x++)
          sum += fabs (shown->data[(y * shown->w + x) * 3] - shown->data[(y * shown->w + x + 1) * 3]) / (shown->h * shown->w);
      g_test_message ("strength %g: %d x %d, %.4f", strength, shown->h, shown->w, sum);
      if (i == 0)
        none = sum;
      else
        g_assert_cmpfloat (sum, >, i < 8 ? none : 2 * none);
    }
}

/* What it sees of the surroundings acts. */
static void
test_context (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = settings_for ("plain");
  g_autoptr (SfResult) rule = job_make (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole, 3), wide = NULL;

  s->context = 24;
  wide = job_make (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole, 3);
  g_assert_cmpfloat (job_distance (rule, wide), >, 1e-3);
}

/* A network of one channel makes grey pictures. */
static void
test_grey (void)
{
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = settings_for ("grey");
  g_autoptr (SfResult) made = generate (s, 5, 0), changed = job_make (SF_TASK_REGENERATE, s, rgba, SIDE, SIDE, &job_hole, 3);

  job_assert_finite (changed);
  for (gsize i = 0; i < sf_tensor_size (made->rgba); i += 4)
    g_assert_true (made->rgba->data[i] == made->rgba->data[i + 1] && made->rgba->data[i] == made->rgba->data[i + 2]);
}

static void
note_fraction (double fraction, gpointer data)
{
  g_array_append_val (data, fraction);
}

/* Progress goes on within an evaluation, and never back, also where an evaluation asks the network twice. */
static void
test_progress (void)
{
  static const char *const names[] = { "plain", "dropping" };

  files_write ("dropping/sfumato.json", "{\"format\": \"sfumato-model\", \"null-class\": 2}");
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (SfSettings) s = settings_for (names[i]);
      g_autoptr (SfJob) job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, NULL);
      g_autoptr (GArray) seen = g_array_new (FALSE, FALSE, sizeof (double));
      const SfProgress progress = { .func = note_fraction, .data = seen, .hi = 1 };
      g_autoptr (SfResult) result = sf_job_run (job, 1, 0, NULL, NULL, NULL, &progress, NULL);
      int steps = 0;

      g_assert_nonnull (result);
      for (guint k = 1; k < seen->len; k++)
        {
          double before = g_array_index (seen, double, k - 1), now = g_array_index (seen, double, k);

          g_assert_cmpfloat (now, >=, before - 1e-9);
          steps += now > before;
        }
      g_test_message ("%s: %d of %u", names[i], steps, seen->len);
      g_assert_cmpint (steps, >, 5 * s->steps);
      g_assert_cmpfloat (g_array_index (seen, double, seen->len - 1), ==, 1);
    }
}

/* Stopped anywhere, the job can be run again. */
static void
test_stop (void)
{
  g_autoptr (SfSettings) s = settings_for ("plain");
  g_autoptr (SfJob) job = NULL;
  g_autoptr (SfResult) whole = NULL, again = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  g_autoptr (GError) error = NULL;

  s->width = s->height = 24;
  job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, NULL);
  whole = generate (s, 5, 0);
  g_cancellable_cancel (cancellable);
  g_assert_null (sf_job_run (job, 5, 0, NULL, NULL, NULL, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  again = sf_job_run (job, 5, 0, NULL, NULL, NULL, NULL, NULL);
  job_assert_same (whole, again);
}

int
main (int argc, char **argv)
{
  int failed;

  g_test_init (&argc, &argv, NULL);
  files_begin ();
  write_network ("plain", &(NetShape) { 0 });
  write_network ("classes", &(NetShape) { .classes = 3 });
  write_network ("upsampler", &(NetShape) { .in = 6, .out = 6 });
  write_network ("dropping", &(NetShape) { .classes = 3 });
  write_network ("grey", &(NetShape) { .in = 1, .out = 1 });
  g_test_add_func ("/job-network/region", test_region);
  g_test_add_func ("/job-network/soft", test_soft);
  g_test_add_func ("/job-network/strength", test_strength);
  g_test_add_func ("/job-network/upsampler", test_upsampler);
  g_test_add_func ("/job-network/removal", test_removal);
  g_test_add_func ("/job-network/transparent", test_transparent);
  g_test_add_func ("/job-network/match-color", test_match_color);
  g_test_add_func ("/job-network/generate", test_generate);
  g_test_add_func ("/job-network/settings", test_settings);
  g_test_add_func ("/job-network/like", test_like);
  g_test_add_func ("/job-network/noised", test_noised);
  g_test_add_func ("/job-network/context", test_context);
  g_test_add_func ("/job-network/grey", test_grey);
  g_test_add_func ("/job-network/progress", test_progress);
  g_test_add_func ("/job-network/stop", test_stop);
  failed = g_test_run ();
  files_end ();
  return failed;
}
