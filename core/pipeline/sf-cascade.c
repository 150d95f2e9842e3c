/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline/sf-cascade.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-betas.h"
#include "tensor/sf-image.h"

static int
level_steps (const SfLevel *level, const SfCascadeSettings *settings)
{
  return MAX (1, (int) lrint (settings->steps * level->step_share));
}

/* The @n noise levels of a level, and the clean one. */
static SfNoiseLevel *
noise_levels (const SfLevel *level, const SfCascadeSettings *settings, int *n, GError **error)
{
  SfScheduleOptions options = { .sigma_max = level->sigma_max, .sigma_min = level->sigma_min };
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, (*n = level_steps (level, settings)) + 1);

  return sf_schedule_fill (settings->schedule, sf_noise_process_ddpm (), &options, *n, levels, error) ? g_steal_pointer (&levels) : NULL;
}

void
sf_cascade_begin (SfEngine *engine, const SfCascadeSettings *settings, int *level, int *step)
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
}

double
sf_cascade_sigma (SfEngine *engine, const SfCascadeSettings *settings, int level, int step)
{
  int n;
  g_autofree SfNoiseLevel *levels = noise_levels (engine->level (engine, level), settings, &n, NULL);

  return levels != NULL ? levels[step].sigma : 0;
}

/* Evaluations of level @l when it starts at @step. */
static int
level_evaluations (const SfLevel *level, const SfCascadeSettings *settings, int step)
{
  int n = level_steps (level, settings) - step;

  return (step == 0 ? level->trials : 1) * (sf_sampler_evaluations (settings->sampler, n) + level->finish_evaluations);
}

int
sf_cascade_evaluations (SfEngine *engine, const SfCascadeSettings *settings)
{
  int first, step, total = 0;

  if (settings->sampler->evaluations == 0)
    return 0;
  sf_cascade_begin (engine, settings, &first, &step);
  for (int l = first; l < engine->n_levels; l++)
    total += level_evaluations (engine->level (engine, l), settings, l == first ? step : 0);
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
  sf_add_noise (x, levels[step].sigma, rng);
  rng.stream++;
  if (!sf_sample (settings->sampler, level->denoiser, sf_noise_process_ddpm (), levels + step, n - step, &options, rng, x, &part, error))
    return FALSE;
  part = sf_progress_sub (progress, share, 1);
  return level->finish == NULL || level->finish (level->denoiser, x, &part, error);
}

/* Where level @l begins: from the result of the level below it. */
static gboolean
lift_level (SfEngine *engine, int l, const SfTensor *below, SfTensor *x, const SfProgress *progress, GError **error)
{
  const SfLevel *level = engine->level (engine, l);

  if (level->lift != NULL)
    return level->lift (level->denoiser, engine->level (engine, l - 1)->denoiser, below, x, progress, error);
  sf_bilinear_resize (below->data, below->h, below->w, below->c, x->data, x->h, x->w);
  return TRUE;
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

      if (level->start != NULL && !level->start (level->denoiser, x, error))
        return FALSE;
      if (!run_level (level, settings, step, rng, x, &part, error))
        return FALSE;
      rng.stream += 1 << 16; /* more than any sampler draws in a run */
      energy = level->energy != NULL ? level->energy (level->denoiser) : 0;
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
sf_cascade_run (SfEngine *engine, const SfCascadeSettings *settings, guint64 seed, SfCascadeFunc func, gpointer data,
                const SfProgress *progress, GError **error)
{
  g_autoptr (SfTensor) x = NULL, rendered = NULL;
  double total = 0, done = 0;
  int first, step;

  sf_cascade_begin (engine, settings, &first, &step);
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

      if ((x = sf_tensor_new (1, level->height, level->width, 3, error)) == NULL)
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
