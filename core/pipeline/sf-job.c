/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline/sf-job.h"

#include <math.h>
#include <string.h>

#include "base/sf-parallel.h"
#include "denoisers/sf-model-share.h"
#include "kernels/sf-blas.h"
#include "pipeline/sf-cascade.h"
#include "pipeline/sf-region.h"
#include "tensor/sf-image.h"

/* "More like this" runs this part of the schedule again. */
#define LIKE_STRENGTH 0.5

struct _SfJob
{
  SfTask task;
  SfSettings *settings;
  SfPlan plan;
  SfPixels pixels;
  const SfEngineInfo *info;
  SfModel *model, *classifier; /* (nullable) what a network engine works with */
  SfEngine *engine;            /* (nullable) opened at its first use */
};

/* What is made leaves nothing of what is there at 1. */
static double
strength_of (const SfJob *self)
{
  return self->task == SF_TASK_REGENERATE ? self->settings->strength : 1;
}

/* What the engine is told beside the region. */
static SfEngineUse
use_of (const SfJob *self)
{
  const SfSettings *s = self->settings;
  const SfSampler *sampler = sf_sampler_find (sf_settings_sampler (s));

  return (SfEngineUse) {
    .model = self->model,
    .classifier = self->classifier,
    .classifier_scale = s->classifier_scale,
    .class = s->class_number,
    .guidance = s->guidance,
    .strength = strength_of (self),
    .has_content = self->task == SF_TASK_REGENERATE,
    .shift_mean = sampler->deviation != NULL,
    .uses_gamma = sampler->uses_gamma || sf_schedule_find (sf_settings_schedule (s))->needs_gamma,
    .context = (int) s->context,
    .fast = s->fast,
  };
}

static gboolean
take_model (SfModel **model, const char *name, const char *noise_process, gboolean load, GError **error)
{
  g_clear_pointer (model, sf_model_unref);
  return (*model = sf_model_get (name, noise_process, load, NULL, error)) != NULL;
}

/* What the engine works with, if it works with a network: first what is said about the models, which is quick to read and often enough to
 * refuse, then the models themselves. */
static gboolean
load_models (SfJob *self, GError **error)
{
  const SfSettings *s = self->settings;

  for (int load = FALSE; self->info->takes_class && load <= TRUE; load++)
    {
      SfEngineUse use;

      if (!take_model (&self->model, s->model, s->noise_process, load, error) ||
          (*s->classifier != '\0' && !take_model (&self->classifier, s->classifier, NULL, load, error)))
        return FALSE;
      use = use_of (self);
      if (!self->info->check (NULL, &use, error))
        return FALSE;
    }
  return TRUE;
}

SfJob *
sf_job_new (SfTask task, const SfSettings *settings, int width, int height, const SfRect *selection, GError **error)
{
  g_autoptr (SfJob) self = g_new0 (SfJob, 1);
  SfPlanSize size = { .width = width, .height = height };

  self->task = task;
  self->settings = sf_settings_copy (settings);
  self->pixels.high = 1;
  if (!sf_settings_validate (settings, task, error))
    return NULL;
  self->info = sf_settings_engine (settings);
  if (!load_models (self, error))
    return NULL;
  if (self->model != NULL)
    {
      size.native_width = self->model->width;
      size.native_height = self->model->height;
    }
  g_return_val_if_fail ((width > 0 && height > 0) || (task == SF_TASK_GENERATE && self->model != NULL), NULL);
  return sf_plan (task, settings, &size, selection, &self->plan, error) ? g_steal_pointer (&self) : NULL;
}

gboolean
sf_job_needs_pixels (const SfJob *self)
{
  return self->task != SF_TASK_GENERATE || self->info->needs_picture;
}

void
sf_job_free (SfJob *self)
{
  if (self == NULL)
    return;
  if (self->engine != NULL)
    self->engine->free (self->engine);
  sf_pixels_clear (&self->pixels);
  sf_model_unref (self->model);
  sf_model_unref (self->classifier);
  sf_settings_free (self->settings);
  g_free (self);
}

SfRect
sf_job_get_canvas (const SfJob *self)
{
  return self->plan.canvas;
}

SfRect
sf_job_get_crop (const SfJob *self)
{
  return self->plan.crop;
}

SfRect
sf_job_get_frame (const SfJob *self)
{
  return self->plan.frame;
}

/* What the engine sees. */
static SfRegion
region_of (const SfJob *self)
{
  const SfPlan *plan = &self->plan;
  const char *tileable = self->settings->tileable;
  gboolean generate = self->task == SF_TASK_GENERATE;

  return (SfRegion) {
    .image = self->pixels.image,
    .state = self->pixels.state,
    .x = plan->frame.x - plan->work.x,
    .y = plan->frame.y - plan->work.y,
    .width = plan->frame.width,
    .height = plan->frame.height,
    .generate = generate,
    .wrap_x = generate && (g_str_equal (tileable, "horizontal") || g_str_equal (tileable, "both")),
    .wrap_y = generate && (g_str_equal (tileable, "vertical") || g_str_equal (tileable, "both")),
    .removal = self->task == SF_TASK_FILL,
    .keep_content = self->task == SF_TASK_REGENERATE,
    .match_color = self->settings->match_color,
    .share = self->pixels.mask,
  };
}

gboolean
sf_job_set_pixels (SfJob *self, float *rgba, float *coverage, const SfProgress *progress, GError **error)
{
  const SfEngineUse use = use_of (self);
  SfRegion region;
  gboolean done;

  if (self->engine != NULL)
    self->engine->free (self->engine);
  self->engine = NULL;
  sf_pixels_clear (&self->pixels);
  done = sf_pixels_init (&self->pixels, self->task, self->settings, &self->plan, rgba, coverage, progress, error);
  g_free (rgba);
  g_free (coverage);
  region = region_of (self);
  return done && self->info->check (&region, &use, error);
}

/*** Running ***/

static SfCascadeSettings
cascade_settings (const SfJob *self)
{
  return (SfCascadeSettings) {
    .sampler = sf_sampler_find (sf_settings_sampler (self->settings)),
    .schedule = sf_schedule_find (sf_settings_schedule (self->settings)),
    .steps = sf_settings_steps (self->settings),
    .eta = self->settings->eta,
    .strength = strength_of (self),
  };
}

static SfEngine *
open_engine (SfJob *self, const SfProgress *progress, GError **error)
{
  SfRegion region = region_of (self);
  const SfEngineUse use = use_of (self);

  g_return_val_if_fail (self->pixels.image != NULL || !sf_job_needs_pixels (self), NULL);

  if (self->engine == NULL)
    self->engine = self->info->open (&region, &use, progress, error);
  return self->engine;
}

SfEstimate
sf_job_estimate (SfJob *self, const SfProgress *progress)
{
  SfCascadeSettings settings = cascade_settings (self);

  if (settings.strength == 0 || open_engine (self, progress, NULL) == NULL)
    return (SfEstimate) { 0 };
  return (SfEstimate) {
    .evaluations = sf_cascade_evaluations (self->engine, &settings),
    .seconds = self->engine->seconds != NULL ? self->engine->seconds (self->engine, sf_cascade_work (self->engine, &settings)) : 0,
    .memory = self->engine->memory,
  };
}

/* Numbers that are no numbers would make a picture of nothing; all are read once per model, which takes a second per gigabyte. */
static gboolean
check_values (const SfJob *self, const SfProgress *progress, GError **error)
{
  return (self->model == NULL || sf_model_check_values (self->model, progress, error)) &&
         (self->classifier == NULL || sf_model_check_values (self->classifier, progress, error));
}

/* What was made of a file that was cut or replaced meanwhile is worth nothing. */
static gboolean
check_files (const SfJob *self, GError **error)
{
  return (self->model == NULL || sf_model_check_files (self->model, error)) &&
         (self->classifier == NULL || sf_model_check_files (self->classifier, error));
}

/* From the engine's [-1, 1] to R'G'B' within the picture's range. */
static void
to_display (const SfJob *self, SfTensor *image)
{
  gsize n = sf_tensor_size (image);

  for (gsize i = 0; i < n; i++)
    image->data[i] = CLAMP ((image->data[i] + 1) / 2, self->pixels.low, self->pixels.high);
}

typedef struct
{
  const SfJob *job;
  int candidate;
  SfPreviewFunc func;
  gpointer data;
} Preview;

static void
forward_preview (const SfTensor *image, int level, gpointer data)
{
  const Preview *preview = data;
  g_autoptr (SfTensor) copy = preview->func != NULL ? sf_tensor_copy (image, NULL) : NULL;

  if (copy == NULL)
    return;
  to_display (preview->job, copy);
  preview->func (copy, preview->candidate, level, preview->job->engine->n_levels, preview->data);
}

static void
result_clear (gpointer data)
{
  SfResult *self = data;

  sf_tensor_unref (self->rgba);
  sf_tensor_unref (self->mask);
  g_free (self->json);
}

/* Candidate i of base seed s has seed s + i. */
static int
candidate_seed (int seed, int candidate)
{
  return (int) (((gint64) seed + candidate) & G_MAXINT32);
}

int
sf_result_get_seed (const SfResult *self)
{
  return candidate_seed (self->seed, self->candidate);
}

SfResult *
sf_result_ref (SfResult *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
sf_result_unref (SfResult *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, result_clear);
}

/* @made: (nullable): the frame, in the engine's range; %NULL = the picture as it is, nothing blended. */
static SfResult *
make_result (const SfJob *self, SfTensor *made, int seed, int candidate, GError **error)
{
  const SfRect *frame = &self->plan.frame;
  gsize n = (gsize) frame->width * frame->height;
  g_autoptr (SfTensor) rgba = sf_tensor_new (1, frame->height, frame->width, 4, error);
  g_autoptr (SfTensor) mask = rgba != NULL ? sf_tensor_new (1, frame->height, frame->width, 1, error) : NULL;
  SfResult *result;

  if (mask == NULL)
    return NULL;
  if (made != NULL)
    to_display (self, made);
  for (gsize i = 0; i < n; i++)
    {
      const float *original = self->pixels.original != NULL ? self->pixels.original + i * 4 : NULL;
      gboolean keep = made == NULL || (original != NULL && self->pixels.mask[i] <= 0);

      memcpy (rgba->data + i * 4, keep ? original : made->data + i * 3, 3 * sizeof (float));
      rgba->data[i * 4 + 3] = self->pixels.alpha != NULL ? self->pixels.alpha[i] : 1;
      mask->data[i] = made == NULL ? 0 : self->pixels.mask != NULL ? self->pixels.mask[i]
                                                                   : 1;
    }
  result = g_atomic_rc_box_new0 (SfResult);
  result->rect = *frame;
  result->rgba = g_steal_pointer (&rgba);
  result->mask = g_steal_pointer (&mask);
  result->seed = seed;
  result->candidate = candidate;
  result->json = sf_settings_to_json (self->settings, self->task, seed, candidate);
  return result;
}

/* The frame of an earlier result in the engine's range. */
static SfTensor *
content_of (const SfResult *like, GError **error)
{
  SfTensor *content = sf_tensor_new (1, like->rgba->h, like->rgba->w, 3, error);

  for (gsize i = 0; content != NULL && i < (gsize) content->h * content->w; i++)
    for (int c = 0; c < 3; c++)
      content->data[i * 3 + c] = 2 * like->rgba->data[i * 4 + c] - 1;
  return content;
}

SfResult *
sf_job_run (SfJob *self, int seed, int candidate, const SfResult *like, SfPreviewFunc preview, gpointer preview_data,
            const SfProgress *progress, GError **error)
{
  SfCascadeSettings settings = cascade_settings (self);
  Preview forward = { self, candidate, preview, preview_data };
  const double begin = self->model != NULL ? 0 : 0.02; /* with a network all of the time is its own: what is said to be left follows from it */
  SfProgress first = sf_progress_sub (progress, 0, begin), most = sf_progress_sub (progress, begin, 0.97), rest = sf_progress_sub (progress, 0.97, 1);
  g_autoptr (SfTensor) made = NULL, content = NULL;
  SfResult *result;
  double energy;
  int threads;

  if (settings.strength == 0)
    return make_result (self, NULL, seed, candidate, error);
  threads = sf_blas_reserve (sf_parallel_get_threads (), error);
  if (threads == 0)
    return NULL;
  sf_parallel_set_threads (threads);
  if (like != NULL)
    {
      settings.strength = MIN (settings.strength, LIKE_STRENGTH);
      if ((content = content_of (like, error)) == NULL)
        return NULL;
    }
  if (!check_values (self, &first, error) || open_engine (self, progress, error) == NULL ||
      !self->engine->begin (self->engine, candidate, candidate_seed (seed, candidate), content, progress, error) ||
      (made = sf_cascade_run (self->engine, &settings, candidate_seed (seed, candidate), forward_preview, &forward, &most, error)) == NULL ||
      !check_files (self, error))
    return NULL;
  energy = self->engine->end (self->engine, made, &rest, error);
  if (energy < 0 || (result = make_result (self, made, seed, candidate, error)) == NULL)
    return NULL;
  result->energy = energy;
  sf_progress_set (progress, 1);
  return result;
}

GPtrArray *
sf_job_run_all (SfJob *self, int seed, int n, const SfResult *like, const SfJobHooks *hooks, const SfProgress *progress,
                GError **error)
{
  static const SfJobHooks none;
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_result_unref);

  if (hooks == NULL)
    hooks = &none;
  for (int i = 0; i < n; i++)
    {
      SfProgress part = sf_progress_sub (progress, (double) i / n, (i + 1.0) / n);
      SfResult *result = sf_job_run (self, seed, i, like, hooks->frame, hooks->data, &part, error);

      if (result == NULL)
        return NULL;
      g_ptr_array_add (results, result);
      if (hooks->result != NULL)
        hooks->result (result, hooks->data);
    }
  return g_steal_pointer (&results);
}

SfTensor *
sf_job_get_noised (SfJob *self, double strength, int seed, const SfProgress *progress, GError **error)
{
  SfCascadeSettings settings = cascade_settings (self);
  const SfRect *frame = &self->plan.frame, *work = &self->plan.work;
  g_autoptr (SfTensor) rgb = NULL, small = NULL;
  const SfLevel *level;
  int l, step;

  g_return_val_if_fail (self->task == SF_TASK_REGENERATE, NULL);

  settings.strength = strength;
  if (open_engine (self, progress, error) == NULL)
    return NULL;
  sf_cascade_begin (self->engine, &settings, &l, &step);
  level = self->engine->level (self->engine, strength > 0 ? l : self->engine->n_levels - 1);
  rgb = sf_tensor_new (1, frame->height, frame->width, 3, error);
  small = sf_tensor_new (1, MAX (1, (int) lrint (frame->height * level->scale)),
                         MAX (1, (int) lrint (frame->width * level->scale)), 3, error);
  if (rgb == NULL || small == NULL)
    return NULL;
  for (int y = 0; y < frame->height; y++)
    memcpy (rgb->data + (gsize) y * frame->width * 3,
            self->pixels.image->data + ((gsize) (y + frame->y - work->y) * work->width + frame->x - work->x) * 3,
            (gsize) frame->width * 3 * sizeof (float));
  sf_area_resize (rgb->data, rgb->h, rgb->w, 3, small->data, small->h, small->w, sf_progress_cancellable (progress));
  if (sf_progress_stopped (progress, error))
    return NULL;
  if (strength > 0)
    sf_add_noise (small, sf_cascade_sigma (self->engine, &settings, l, step), (SfRng) { seed, 0 });
  to_display (self, small);
  return g_steal_pointer (&small);
}

/*** Results ***/

void
sf_result_blend (const SfResult *self, float *rgba)
{
  gsize n = (gsize) self->rect.width * self->rect.height;

  for (gsize i = 0; i < n; i++)
    {
      const float *made = self->rgba->data + i * 4;
      float *out = rgba + i * 4, share = self->mask->data[i];
      float alpha = MAX (made[3], out[3]), mixed = out[3] + share * (alpha - out[3]);

      if (share <= 0)
        continue;
      for (int c = 0; c < 3; c++)
        if (share >= 1)
          out[c] = made[c];
        else if (made[3] == out[3] || mixed <= 0)
          out[c] += share * (made[c] - out[c]);
        else /* mixed as light: each colour counts by its opacity */
          out[c] = (out[c] * out[3] * (1 - share) + made[c] * alpha * share) / mixed;
      out[3] = mixed;
    }
}

int
sf_result_compare (const SfResult *a, const SfResult *b)
{
  if (a->energy != b->energy)
    return a->energy < b->energy ? -1 : 1;
  return a->candidate - b->candidate;
}

static int
compare_results (gconstpointer a, gconstpointer b)
{
  return sf_result_compare (a, b);
}

GPtrArray *
sf_results_rank (GPtrArray *results)
{
  GPtrArray *ranked = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_result_unref);

  for (guint i = 0; i < results->len; i++)
    g_ptr_array_add (ranked, sf_result_ref (results->pdata[i]));
  g_ptr_array_sort_values (ranked, compare_results);
  return ranked;
}
