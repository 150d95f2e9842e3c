/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs with a network: the smallest there is, with random weights, so what is made means nothing, but where it is made does. */
#include "job.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../denoisers/files.h"
#include "base/sf-parallel.h"
#include "denoisers/sf-gamma-file.h"
#include "denoisers/sf-model-cost.h"
#include "denoisers/sf-model-gamma.h"
#include "denoisers/sf-model-share.h"
#include "picture.h"

#define NATIVE 8 /* side of these networks */

static void
use_text (char **setting, const char *text)
{
  g_free (*setting);
  *setting = g_strdup (text);
}

/* (transfer full): settings for the network @name in the test's folder. */
static SfSettings *
settings_for (const char *name)
{
  SfSettings *s = sf_settings_new ();

  g_free (s->model);
  s->model = files_path (name);
  use_text (&s->noise_process, "linear-1000");
  s->steps = 5;
  return s;
}

static void
write_network (const char *name, const NetShape *shape)
{
  g_autofree char *weights = g_build_filename (name, "model.safetensors", NULL), *config = g_build_filename (name, "config.json", NULL);

  files_write_unet2d (weights, shape);
  files_write_unet2d_config (config, shape);
}

/* A picture of its own, from nothing. */
static SfResult *
generate (const SfSettings *s, int seed, int candidate)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJob) job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, &error);
  SfResult *result = NULL;

  g_assert_no_error (error);
  g_assert_false (sf_job_needs_pixels (job));
  result = sf_job_run (job, seed, candidate, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  job_assert_finite (result);
  return result;
}

static void
assert_refused (const SfSettings *s, SfError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJob) job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, &error);
  g_autoptr (SfResult) result = job != NULL ? sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error) : NULL;

  g_assert_null (result);
  g_assert_error (error, SF_ERROR, (int) code);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("no “%s” in: %s", part, error->message);
}

/* Outside of the selection nothing changes, inside something does; the same for any number of threads. */
static void
test_region (void)
{
  static const SfTask tasks[] = { SF_TASK_REGENERATE, SF_TASK_FILL };
  static const int threads[] = { 1, 2, 4 };
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = settings_for ("plain");

  for (gsize t = 0; t < G_N_ELEMENTS (tasks); t++)
    {
      g_autoptr (SfResult) first = NULL;
      g_autofree float *after = NULL;
      gboolean changed = FALSE;

      for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
        {
          g_autoptr (SfResult) r = NULL;

          sf_parallel_set_threads (threads[i]);
          r = job_make (tasks[t], s, rgba, SIDE, SIDE, &job_hole, 3);
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
  g_autofree float *rgba = job_texture (SIDE, SIDE);
  g_autoptr (SfSettings) s = settings_for ("plain");
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

/* Gamma that was estimated is stored, loaded with the model, and acts in Analytic-DPM only; only there that of another noise process is
 * refused, and made anew. */
static void
test_gamma (void)
{
  static const char *const samplers[] = { "analytic-ddpm", "ddim" };
  g_autofree char *folder = files_path ("measured"), *path = files_path ("measured/gamma.json");
  g_autoptr (SfSettings) s = settings_for ("measured");
  g_autoptr (SfTensor) pictures = picture_texture (NATIVE, NATIVE, 1, 3);
  g_autoptr (SfModel) model = NULL, again = NULL, other = NULL;
  g_autoptr (SfResult) made = NULL, anew = NULL;
  SfResult *before[2];
  g_autofree double *gamma = NULL;
  g_autoptr (GError) error = NULL;

  write_network ("measured", &(NetShape) { 0 });
  for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
    {
      use_text (&s->sampler, samplers[i]);
      before[i] = generate (s, 5, 0);
    }
  model = sf_model_get (folder, "linear-1000", TRUE, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (model->gamma);
  gamma = sf_model_estimate_gamma (model, pictures, -1, 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sf_gamma_save (gamma, model->scheduler->process, "a texture", path, &error));
  again = sf_model_get (folder, "linear-1000", TRUE, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (again != model);
  g_assert_cmpmem (again->gamma, 1000 * sizeof (double), gamma, 1000 * sizeof (double));
  for (int t = 0; t < 1000; t++)
    g_assert_true (gamma[t] > 0 && isfinite (gamma[t]));
  for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
    {
      g_autoptr (SfResult) after = NULL;

      use_text (&s->sampler, samplers[i]);
      after = generate (s, 5, 0);
      if (i == 0)
        g_assert_cmpfloat (job_distance (before[i], after), >, 1e-4);
      else
        job_assert_same (before[i], after);
    }
  use_text (&s->noise_process, "cosine-1000");
  made = generate (s, 5, 0);
  use_text (&s->sampler, "analytic-ddim");
  assert_refused (s, SF_ERROR_MODEL, "gamma.json");
  assert_refused (s, SF_ERROR_MODEL, "estimate-gamma");
  use_text (&s->sampler, "ddim");
  use_text (&s->schedule, "optimal");
  assert_refused (s, SF_ERROR_MODEL, "estimate-gamma");
  use_text (&s->schedule, "auto");
  other = sf_model_get (folder, "cosine-1000", TRUE, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (other->gamma);
  g_assert_true (sf_gamma_save (gamma, other->scheduler->process, "a texture", path, &error));
  use_text (&s->sampler, "analytic-ddim");
  anew = generate (s, 5, 0);
  g_clear_pointer (&before[0], sf_result_unref);
  g_clear_pointer (&before[1], sf_result_unref);
}

/* It needs a class where the network was never without, and it can be stopped. */
static void
test_gamma_refused (void)
{
  g_autofree char *folder = files_path ("classes");
  g_autoptr (SfTensor) pictures = picture_texture (NATIVE, NATIVE, 1, 3);
  g_autoptr (SfModel) model = sf_model_get (folder, "linear-1000", TRUE, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  g_autoptr (GError) error = NULL, stopped = NULL;

  g_assert_null (sf_model_estimate_gamma (model, pictures, -1, 1, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_cancellable_cancel (cancellable);
  g_assert_null (sf_model_estimate_gamma (model, pictures, 1, 1, &progress, &stopped));
  g_assert_error (stopped, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
note_fraction (double fraction, gpointer data)
{
  g_array_append_val (data, fraction);
}

/* Time follows from the work and the rate of the model; before its first run there is more to do. */
static void
test_estimate (void)
{
  g_autofree char *folder = files_path ("counted");
  g_autoptr (SfSettings) s = settings_for ("counted");
  g_autoptr (SfModel) model = NULL;
  g_autoptr (SfJob) job = NULL;
  SfModelCost cost;
  SfEstimate first, later;

  write_network ("counted", &(NetShape) { 0 });
  job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, NULL);
  model = sf_model_get (folder, "linear-1000", TRUE, NULL, NULL);
  g_assert_true (sf_model_measure (model, NATIVE, NATIVE, &cost, NULL));
  g_assert_cmpfloat (sf_job_estimate (job, NULL).seconds, >, 0); /* by the machine's speed */
  model->rate = 1e9;
  first = sf_job_estimate (job, NULL);
  model->sound = TRUE;
  later = sf_job_estimate (job, NULL);
  g_assert_cmpint (later.evaluations, ==, s->steps);
  g_assert_cmpfloat_with_epsilon (later.seconds, s->steps * cost.work / 1e9, 1e-12);
  g_assert_cmpfloat (first.seconds, >, later.seconds);
  g_assert_cmpuint (later.memory, ==, cost.weights + cost.packed + cost.activations);
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

/*** Refused ***/

static void
test_refused (void)
{
  g_autoptr (SfSettings) s = settings_for ("plain");

  s->class_number = 3;
  assert_refused (s, SF_ERROR_ARGUMENT, "class");
  s->class_number = -1;
  use_text (&s->noise_process, "auto");
  assert_refused (s, SF_ERROR_MODEL, "noise-process");
  use_text (&s->noise_process, "linear-1000");
  g_free (s->classifier);
  s->classifier = files_path ("plain");
  assert_refused (s, SF_ERROR_MODEL, "classifier");
  g_free (s->model);
  s->model = files_path ("nowhere");
  assert_refused (s, SF_ERROR_MODEL, "nowhere");
}

/* A checkpoint by itself tells neither its heads nor its size. */
static void
test_size (void)
{
  g_autoptr (SfSettings) s = settings_for ("bare.pt");
  g_autoptr (SfResult) made = NULL;

  files_write_adm ("bare.pt", &(NetShape) { 0 });
  files_write ("bare.json", "{\"format\": \"sfumato-model\", \"architecture\": {\"num_heads\": 1}}");
  assert_refused (s, SF_ERROR_MODEL, "size");
  files_write ("bare.json", "{\"format\": \"sfumato-model\", \"size\": 12, \"architecture\": {\"num_heads\": 1}}");
  made = generate (s, 1, 0);
  g_assert_cmpint (made->rect.width, ==, 12);
}

/* What the descriptions tell is refused before any checkpoint is opened: these are none. */
static void
test_early (void)
{
  g_autoptr (SfSettings) s = settings_for ("early.pt");
  g_autofree char *judge = files_path ("judge.pt"), *nowhere = files_path ("nowhere"), *plain = files_path ("plain"), *few = files_path ("few.pt");

  files_write ("early.pt", "no checkpoint");
  files_write ("early.json", "{\"format\": \"sfumato-model\", \"size\": 8, \"classes\": 2}");
  files_write ("judge.pt", "no checkpoint");
  files_write ("judge.json", "{\"format\": \"sfumato-model\", \"kind\": \"classifier\", \"size\": 12, \"classes\": 2}");
  files_write ("few.pt", "no checkpoint");
  files_write ("few.json", "{\"format\": \"sfumato-model\", \"kind\": \"classifier\", \"size\": 8, \"classes\": 3}");
  s->class_number = 2;
  assert_refused (s, SF_ERROR_ARGUMENT, "from 0 to 1");
  s->class_number = 1;
  assert_refused (s, SF_ERROR_MODEL, "early.pt"); /* now it was opened */
  use_text (&s->classifier, nowhere);
  assert_refused (s, SF_ERROR_MODEL, "nowhere");
  use_text (&s->classifier, judge);
  assert_refused (s, SF_ERROR_ARGUMENT, "12 × 12");
  use_text (&s->classifier, few);
  assert_refused (s, SF_ERROR_ARGUMENT, "3 classes");
  use_text (&s->model, plain); /* that says its size, but not that it knows no classes */
  use_text (&s->classifier, judge);
  assert_refused (s, SF_ERROR_ARGUMENT, "12 × 12");
  use_text (&s->model, judge);
  use_text (&s->classifier, "");
  assert_refused (s, SF_ERROR_MODEL, "is a classifier");
}

static void
test_class_range (void)
{
  g_autoptr (SfSettings) s = settings_for ("classes");

  s->class_number = 3;
  assert_refused (s, SF_ERROR_ARGUMENT, "class");
}

/*** Files that change ***/

/* What befalls the checkpoint when half of the run is done. */
typedef struct
{
  const char *path;
  enum
  {
    CUT,
    EMPTIED,
    REPLACED,
    REMOVED,
    N_FATES,
  } fate;
  gboolean done;
} Fate;

static void
on_progress (double fraction, gpointer data)
{
  Fate *fate = data;

  if (fraction < 0.5 || fate->done)
    return;
  fate->done = TRUE;
  switch (fate->fate)
    {
    case CUT:
    case EMPTIED:
      g_assert_cmpint (truncate (fate->path, fate->fate == CUT ? 5000 : 0), ==, 0);
      break;
    case REPLACED:
      write_network ("changing", &(NetShape) { .extra = "more" });
      break;
    case REMOVED:
    case N_FATES:
    default:
      g_assert_cmpint (g_remove (fate->path), ==, 0);
    }
}

/* The run ends with an error that names the file, and the next one works with the file as it is then. */
static void
test_changed (void)
{
  g_autofree char *path = files_path ("changing/model.safetensors");
  g_autoptr (SfSettings) s = settings_for ("changing"), plain = settings_for ("plain");
  g_autoptr (SfResult) wanted = generate (plain, 5, 0);

  for (Fate fate = { path, CUT, FALSE }; fate.fate < N_FATES; fate.fate++, fate.done = FALSE)
    {
      const SfProgress progress = { .func = on_progress, .data = &fate, .hi = 1 };
      g_autoptr (GError) error = NULL;
      g_autoptr (SfJob) job = NULL;
      g_autoptr (SfResult) again = NULL;

      write_network ("changing", &(NetShape) { 0 });
      job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, &error);
      g_assert_no_error (error);
      g_assert_null (sf_job_run (job, 5, 0, NULL, NULL, NULL, &progress, &error));
      g_assert_true (fate.done);
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      g_assert_true (g_str_has_prefix (error->message, path));
      write_network ("changing", &(NetShape) { 0 });
      again = generate (s, 5, 0);
      job_assert_same (again, wanted);
    }
}

/*** Memory ***/

/* 0: made; 1: refused for want of memory, in words with a number; 2: anything else.  @ready: the limit comes after the network was opened. */
static int
run_with (gsize room, gboolean ready)
{
  g_autoptr (SfSettings) s = settings_for ("large");
  g_autoptr (GError) error = NULL;
  SfJob *job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, &error);
  SfResult *r;

  if (ready && sf_job_estimate (job, NULL).evaluations == 0)
    return 2;
  if (!job_limit_memory (room))
    return 2;
  r = sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error);
  if (r != NULL)
    return 0;
  return g_error_matches (error, SF_ERROR, SF_ERROR_MEMORY) && strpbrk (error->message, "123456789") != NULL ? 1 : 2;
}

static void
test_memory (void)
{
  int counts[2] = { 0 };
  g_autoptr (SfSettings) s = settings_for ("plain");
  g_autoptr (SfResult) warm = NULL;

#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("the sanitizer needs the address space itself");
  return;
#endif
  warm = generate (s, 1, 0); /* OpenBLAS takes its buffers once */
  for (int mebibytes = 0; mebibytes <= 64; mebibytes += 1 + mebibytes / 3)
    for (int ready = 0; ready < 2; ready++)
      {
        int status;
        pid_t child = fork ();

        g_assert_cmpint (child, >=, 0);
        if (child == 0)
          {
            sf_parallel_set_threads (1);
            _exit (run_with ((gsize) mebibytes << 20, ready));
          }
        g_assert_cmpint (waitpid (child, &status, 0), ==, child);
        if (!WIFEXITED (status) || WEXITSTATUS (status) > 1)
          g_error ("with %d MiB, ready %d: status %x", mebibytes, ready, status);
        counts[WEXITSTATUS (status)]++;
      }
  g_test_message ("%d made, %d refused", counts[0], counts[1]);
  g_assert_cmpint (counts[0], >, 0);
  g_assert_cmpint (counts[1], >, 0);
}

/* Numbers that are none are found before the first step, and the array is named. */
static void
test_broken (void)
{
  g_autoptr (SfSettings) s = settings_for ("broken");

  assert_refused (s, SF_ERROR_MODEL, "conv_out.bias");
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

  job_one_heap ();
  g_test_init (&argc, &argv, NULL);
  files_begin ();
  write_network ("plain", &(NetShape) { 0 });
  write_network ("classes", &(NetShape) { .classes = 3 });
  write_network ("dropping", &(NetShape) { .classes = 3 });
  write_network ("grey", &(NetShape) { .in = 1, .out = 1 });
  write_network ("large", &(NetShape) { .side = 96 });
  write_network ("broken", &(NetShape) { .broken = TRUE });
  g_test_add_func ("/job-network/region", test_region);
  g_test_add_func ("/job-network/soft", test_soft);
  g_test_add_func ("/job-network/strength", test_strength);
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
  g_test_add_func ("/job-network/estimate", test_estimate);
  g_test_add_func ("/job-network/gamma", test_gamma);
  g_test_add_func ("/job-network/gamma-refused", test_gamma_refused);
  g_test_add_func ("/job-network/refused", test_refused);
  g_test_add_func ("/job-network/size", test_size);
  g_test_add_func ("/job-network/early", test_early);
  g_test_add_func ("/job-network/class-range", test_class_range);
  g_test_add_func ("/job-network/broken", test_broken);
  g_test_add_func ("/job-network/changed", test_changed);
  g_test_add_func ("/job-network/memory", test_memory);
  g_test_add_func ("/job-network/stop", test_stop);
  failed = g_test_run ();
  files_end ();
  return failed;
}
