/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline/sf-cascade.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "tensor/sf-image.h"

/* The noise levels of a level, and the clean one; @n (out): without that. */
static SfNoiseLevel *
noise_levels (const SfLevel *level, const SfCascadeSettings *settings, int *n, GError **error)
{
  int wanted = MAX (1, (int) lrint (settings->steps * level->step_share));
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, wanted + 1);

  *n = sf_schedule_fill (settings->schedule, level->process, &level->spacing, wanted, levels, error);
  return *n > 0 ? g_steal_pointer (&levels) : NULL;
}

/* Steps that a level really makes. */
static int
level_steps (const SfLevel *level, const SfCascadeSettings *settings)
{
  int n;
  g_autofree SfNoiseLevel *levels = noise_levels (level, settings, &n, NULL);

  return MAX (n, 1);
}

/* With so many steps that at least as many are left of them at this strength as the engine needs. */
static SfCascadeSettings
enough_steps (SfEngine *engine, const SfCascadeSettings *settings)
{
  SfCascadeSettings enough = *settings;
  double share = 0;

  for (int l = 0; l < engine->n_levels; l++)
    share += engine->level (engine, l)->step_share;
  enough.steps = MAX (enough.steps, (int) ceil (engine->least_steps / (share * settings->strength)));
  if (settings->strength >= 1)
    enough.steps = settings->steps;
  return enough;
}

/* The noise of step @step of level @l. */
static double
sigma_at (SfEngine *engine, const SfCascadeSettings *settings, int l, int step)
{
  int n;
  g_autofree SfNoiseLevel *levels = noise_levels (engine->level (engine, l), settings, &n, NULL);

  return levels != NULL ? levels[step].sigma : 0;
}

static void
find_begin (SfEngine *engine, const SfCascadeSettings *settings, int *level, int *step)
{
  int total = 0, skip;

  for (int l = 0; l < engine->n_levels; l++)
    total += level_steps (engine->level (engine, l), settings);
  skip = total - CLAMP ((int) lrint (total * settings->strength), 1, total);
  for (*level = 0; *level < engine->n_levels - 1; ++*level)
    {
      int n = level_steps (engine->level (engine, *level), settings);

      if (skip < n)
        break;
      skip -= n;
    }
  *step = skip;
  if (*level < engine->n_levels - 1 && sigma_at (engine, settings, *level, skip) < engine->level (engine, *level)->least_sigma)
    {
      ++*level;
      *step = 0;
    }
}

void
sf_cascade_begin (SfEngine *engine, const SfCascadeSettings *settings, int *level, int *step)
{
  SfCascadeSettings enough = enough_steps (engine, settings);

  find_begin (engine, &enough, level, step);
}

double
sf_cascade_sigma (SfEngine *engine, const SfCascadeSettings *settings, int level, int step)
{
  SfCascadeSettings enough = enough_steps (engine, settings);

  return sigma_at (engine, &enough, level, step);
}

/* Evaluations of a level when it starts at @step. */
static int
level_evaluations (const SfLevel *level, const SfCascadeSettings *settings, int step)
{
  int n = level_steps (level, settings) - step;

  return (step == 0 ? level->trials : 1) * (sf_sampler_evaluations (settings->sampler, n) + level->finish_evaluations);
}

int
sf_cascade_evaluations (SfEngine *engine, const SfCascadeSettings *settings)
{
  SfCascadeSettings enough = enough_steps (engine, settings);
  int first, step, total = 0;

  if (settings->sampler->evaluations == 0)
    return 0;
  find_begin (engine, &enough, &first, &step);
  for (int l = first; l < engine->n_levels; l++)
    total += level_evaluations (engine->level (engine, l), &enough, l == first ? step : 0);
  return total;
}

double
sf_cascade_work (SfEngine *engine, const SfCascadeSettings *settings)
{
  SfCascadeSettings enough = enough_steps (engine, settings);
  int first, step;
  double total = 0;

  find_begin (engine, &enough, &first, &step);
  for (int l = first; l < engine->n_levels; l++)
    {
      const SfLevel *level = engine->level (engine, l);

      total += level->work * level_evaluations (level, &enough, l == first ? step : 0);
    }
  return total;
}

/* One level from the clean @x in, to the clean @x out. */
static gboolean
run_level (const SfLevel *level, const SfCascadeSettings *settings, int step, SfRng rng, SfTensor *x,
           const SfProgress *progress, GError **error)
{
  int n;
  g_autofree SfNoiseLevel *levels = noise_levels (level, settings, &n, error);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  double samples = sf_sampler_evaluations (settings->sampler, n - step);
  double share = samples / (samples + level->finish_evaluations);
  SfProgress part = sf_progress_sub (progress, 0, share);

  if (levels == NULL)
    return FALSE;
  options.eta = settings->eta;
  options.clip = level->clip;
  options.gamma = level->gamma;
  options.gradient = level->gradient;
  options.gradient_data = level->gradient_data;
  sf_add_noise (x, levels[step].sigma, rng);
  rng.stream++;
  if (!sf_sample (settings->sampler, level->denoiser, level->process, levels + step, n - step, &options, rng, x, &part, error))
    return FALSE;
  part = sf_progress_sub (progress, share, 1);
  return level->finish == NULL || level->finish (level, x, &part, error);
}

/* Where level @l begins: from the result of the level below it. */
static gboolean
lift_level (SfEngine *engine, int l, const SfTensor *below, SfTensor *x, const SfProgress *progress, GError **error)
{
  const SfLevel *level = engine->level (engine, l);

  if (level->lift != NULL)
    return level->lift (level, engine->level (engine, l - 1), below, x, progress, error);
  sf_bilinear_resize (below->data, below->h, below->w, below->c, x->data, x->h, x->w, sf_progress_cancellable (progress));
  return !sf_progress_stopped (progress, error);
}

/* The first level: from where it starts, @trials times, the trial with the lowest energy wins. */
static gboolean
run_first (const SfLevel *level, const SfCascadeSettings *settings, int step, SfRng rng, SfTensor *x,
           const SfProgress *progress, GError **error)
{
  int trials = step == 0 ? MAX (level->trials, 1) : 1;
  g_autoptr (SfTensor) best = NULL;
  double least = 0;

  for (int i = 0; i < trials; i++)
    {
      SfProgress part = sf_progress_sub (progress, (double) i / trials, (i + 1.0) / trials);
      double energy;

      if (level->start != NULL && !level->start (level, x, &part, error))
        return FALSE;
      if (!run_level (level, settings, step, rng, x, &part, error))
        return FALSE;
      rng.stream += 1 << 16; /* more than any sampler draws in a run */
      energy = level->energy != NULL ? level->energy (level) : 0;
      if (best != NULL && energy >= least)
        continue;
      least = energy;
      g_clear_pointer (&best, sf_tensor_unref);
      if ((best = sf_tensor_copy (x, error)) == NULL)
        return FALSE;
    }
  memcpy (x->data, best->data, sf_tensor_size (x) * sizeof (float));
  return TRUE;
}

SfTensor *
sf_cascade_run (SfEngine *engine, const SfCascadeSettings *wanted, guint64 seed, SfCascadeFunc func, gpointer data,
                const SfProgress *progress, GError **error)
{
  SfCascadeSettings enough = enough_steps (engine, wanted);
  const SfCascadeSettings *settings = &enough;
  g_autoptr (SfTensor) x = NULL, rendered = NULL;
  double total = 0, done = 0;
  int first, step;

  find_begin (engine, settings, &first, &step);
  for (int l = first; l < engine->n_levels; l++)
    {
      const SfLevel *level = engine->level (engine, l);

      total += level->cost * level_evaluations (level, settings, l == first ? step : 0);
    }
  for (int l = first; l < engine->n_levels; l++)
    {
      const SfLevel *level = engine->level (engine, l);
      double cost = level->cost * level_evaluations (level, settings, l == first ? step : 0);
      SfProgress part = sf_progress_sub (progress, done / total, (done + cost) / total);
      SfRng rng = { seed, (guint64) l << 32 };
      g_autoptr (SfTensor) below = g_steal_pointer (&x);

      if ((x = sf_tensor_new (1, level->height, level->width, level->channels, error)) == NULL)
        return NULL;
      if (l == first)
        {
          if (!run_first (level, settings, step, rng, x, &part, error))
            return NULL;
        }
      else if (!lift_level (engine, l, below, x, &part, error) || !run_level (level, settings, 0, rng, x, &part, error))
        return NULL;
      g_clear_pointer (&rendered, sf_tensor_unref);
      if ((rendered = engine->render (engine, l, x, error)) == NULL)
        return NULL;
      if (func != NULL)
        func (rendered, l, data);
      done += cost;
    }
  return g_steal_pointer (&rendered);
}
