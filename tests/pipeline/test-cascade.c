/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cascade over an engine that only counts: which levels run, from where, how often the denoiser is asked. */
#include "pipeline/sf-cascade.h"

#include <math.h>

#include "diffusion/sf-betas.h"
#include "picture.h"

#define N_LEVELS 4
#define SIDE 16 /* of the finest level */

typedef struct
{
  SfDenoiser parent;
  int predictions, finishes, starts, lifts;
  double first_sigma;
} Counter;

typedef struct
{
  SfEngine parent;
  SfLevel levels[N_LEVELS];
  Counter counters[N_LEVELS];
} Counting;

/* Draws everything to 0.25. */
static gboolean
predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
         const SfProgress *progress, GError **error)
{
  Counter *self = (Counter *) denoiser;

  if (self->predictions++ == 0)
    self->first_sigma = level->sigma;
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    denoised->data[i] = 0.25f;
  return !sf_progress_stopped (progress, error);
}

static void
free_nothing (SfDenoiser *denoiser)
{
}

static Counter *
counter_of (const SfLevel *level)
{
  return (Counter *) level->denoiser;
}

static gboolean
start (const SfLevel *level, SfTensor *x, const SfProgress *progress, GError **error)
{
  counter_of (level)->starts++;
  return TRUE;
}

static gboolean
lift (const SfLevel *level, const SfLevel *below, const SfTensor *result, SfTensor *x, const SfProgress *progress, GError **error)
{
  counter_of (level)->lifts++;
  for (gsize i = 0; i < sf_tensor_size (result); i++) /* what comes up is clean */
    g_assert_true (fabsf (result->data[i] - 0.25f) < 1e-5f);
  return TRUE;
}

static gboolean
finish (const SfLevel *level, SfTensor *x, const SfProgress *progress, GError **error)
{
  counter_of (level)->finishes++;
  for (int i = 0; i < 3; i++)
    if (!sf_denoiser_predict (level->denoiser, x, &(SfNoiseLevel) { 0 }, x, NULL, progress, error))
      return FALSE;
  return TRUE;
}

/* The second trial is the best. */
static double
energy (const SfLevel *level)
{
  return counter_of (level)->starts == 2 ? 1 : 2;
}

static const SfLevel *
get_level (SfEngine *engine, int l)
{
  return &((Counting *) engine)->levels[l];
}

static SfTensor *
render (SfEngine *engine, int l, const SfTensor *x, GError **error)
{
  g_assert_cmpint (x->h, ==, get_level (engine, l)->height);
  return sf_tensor_copy (x, error);
}

static void
counting_init (Counting *self)
{
  *self = (Counting) { .parent = { .n_levels = N_LEVELS, .level = get_level, .render = render } };
  for (int l = 0; l < N_LEVELS; l++)
    {
      int side = SIDE >> (N_LEVELS - 1 - l);

      self->counters[l].parent = (SfDenoiser) { predict, free_nothing };
      self->levels[l] = (SfLevel) {
        .denoiser = &self->counters[l].parent,
        .process = sf_noise_process_ddpm (),
        .height = side,
        .width = side,
        .channels = 3,
        .scale = (double) side / SIDE,
        .spacing.sigma_max = l == 0 ? 2 : 0.2,
        .spacing.sigma_min = 0.05,
        .step_share = l == 0 ? 1 : 0.5,
        .finish_evaluations = 3,
        .trials = l == 0 ? 3 : 1,
        .cost = side * side,
        .start = start,
        .lift = lift,
        .finish = finish,
        .energy = energy,
      };
    }
}

static SfCascadeSettings
settings_of (const char *sampler, int steps, double strength)
{
  return (SfCascadeSettings) { sf_sampler_find (sampler), sf_schedule_find ("exponential"), steps, 1, strength };
}

static int
total_predictions (const Counting *engine)
{
  int total = 0;

  for (int l = 0; l < N_LEVELS; l++)
    total += engine->counters[l].predictions;
  return total;
}

/* What is announced is what runs, for every sampler that can tell, number of steps and strength. */
static void
test_evaluations (void)
{
  static const double strengths[] = { 1, 0.9, 0.7, 0.5, 0.3, 0.01 };
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  for (int i = 0; i < n; i++)
    for (int steps = 1; steps <= 21; steps += 5)
      for (gsize k = 0; k < G_N_ELEMENTS (strengths); k++)
        {
          SfCascadeSettings settings = settings_of (samplers[i]->name, steps, strengths[k]);
          Counting engine;
          g_autoptr (SfTensor) result = NULL;

          counting_init (&engine);
          result = sf_cascade_run (&engine.parent, &settings, 3, NULL, NULL, NULL, NULL);
          g_assert_nonnull (result);
          if (samplers[i]->evaluations > 0)
            g_assert_cmpint (total_predictions (&engine), ==, sf_cascade_evaluations (&engine.parent, &settings));
          else
            g_assert_cmpint (sf_cascade_evaluations (&engine.parent, &settings), ==, 0);
          for (gsize j = 0; j < sf_tensor_size (result); j++)
            g_assert_true (fabsf (result->data[j] - 0.25f) < 1e-5f);
        }
}

/* All steps in order are one schedule of 10 + 5 + 5 + 5, of which a strength runs the end. */
static void
test_begin (void)
{
  static const struct
  {
    double strength;
    int level, step;
  } rows[] = { { 1, 0, 0 }, { 0.8, 0, 5 }, { 0.6, 1, 0 }, { 0.4, 2, 0 }, { 0.2, 3, 0 }, { 0.12, 3, 2 }, { 1e-9, 3, 4 } };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      SfCascadeSettings settings = settings_of ("euler", 10, rows[i].strength);
      Counting engine;
      g_autoptr (SfTensor) result = NULL;
      int level, step;

      counting_init (&engine);
      sf_cascade_begin (&engine.parent, &settings, &level, &step);
      g_assert_cmpint (level, ==, rows[i].level);
      g_assert_cmpint (step, ==, rows[i].step);
      result = sf_cascade_run (&engine.parent, &settings, 3, NULL, NULL, NULL, NULL);
      for (int l = 0; l < N_LEVELS; l++)
        {
          const Counter *c = &engine.counters[l];
          int trials = l == level ? (step == 0 ? engine.levels[l].trials : 1) : l > level;

          g_assert_cmpint (c->starts, ==, l == level ? trials : 0);
          g_assert_cmpint (c->lifts, ==, l > level);
          g_assert_cmpint (c->finishes, ==, trials);
        }
      g_assert_cmpfloat (fabs (engine.counters[level].first_sigma - sf_cascade_sigma (&engine.parent, &settings, level, step)), <, 1e-12);
    }
}

/* A higher strength never starts at less noise or runs less. */
static void
test_strength_monotone (void)
{
  Counting engine;
  int last = 0;

  counting_init (&engine);
  for (int i = 1; i <= 100; i++)
    {
      SfCascadeSettings settings = settings_of ("heun", 7, i / 100.0);
      int level, step, evaluations = sf_cascade_evaluations (&engine.parent, &settings);

      sf_cascade_begin (&engine.parent, &settings, &level, &step);
      g_assert_true (level >= 0 && level < N_LEVELS && step >= 0);
      g_assert_cmpint (evaluations, >=, last - 3 * 2 * 10); /* trials end where a strength starts within a level */
      last = evaluations;
    }
}

/* Hooks that an engine leaves out have the defaults that the header promises. */
static void
test_defaults (void)
{
  SfCascadeSettings settings = settings_of ("euler", 4, 1);
  Counting engine;
  g_autoptr (SfTensor) result = NULL;

  counting_init (&engine);
  for (int l = 0; l < N_LEVELS; l++)
    {
      engine.levels[l].start = NULL;
      engine.levels[l].lift = NULL;
      engine.levels[l].finish = NULL;
      engine.levels[l].energy = NULL;
      engine.levels[l].finish_evaluations = 0;
    }
  result = sf_cascade_run (&engine.parent, &settings, 3, NULL, NULL, NULL, NULL);
  g_assert_nonnull (result);
  g_assert_cmpint (total_predictions (&engine), ==, sf_cascade_evaluations (&engine.parent, &settings));
}

typedef struct
{
  int levels;
  double last;
  int reports;
} Seen;

static void
see_level (const SfTensor *image, int level, gpointer data)
{
  Seen *seen = data;

  g_assert_cmpint (level, ==, seen->levels++);
  g_assert_cmpint (image->h, ==, SIDE >> (N_LEVELS - 1 - level));
}

static void
see_progress (double fraction, gpointer data)
{
  Seen *seen = data;

  g_assert_true (fraction >= seen->last - 1e-12 && fraction <= 1 + 1e-12);
  seen->last = fraction;
  seen->reports++;
}

static void
test_progress (void)
{
  SfCascadeSettings settings = settings_of ("heun", 6, 1);
  Counting engine;
  Seen seen = { 0 };
  SfProgress progress = { .func = see_progress, .data = &seen, .hi = 1 };
  g_autoptr (SfTensor) result = NULL;

  counting_init (&engine);
  result = sf_cascade_run (&engine.parent, &settings, 3, see_level, &seen, &progress, NULL);
  g_assert_nonnull (result);
  g_assert_cmpint (seen.levels, ==, N_LEVELS);
  g_assert_cmpint (seen.reports, >, 10);
  g_assert_cmpfloat (seen.last, >, 0.7); /* the last finish counts, but reports nothing here */
}

static void
cancel_soon (double fraction, gpointer data)
{
  if (fraction > 0.3)
    g_cancellable_cancel (data);
}

static void
test_cancel (void)
{
  SfCascadeSettings settings = settings_of ("euler", 6, 1);
  Counting engine;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SfProgress progress = { .cancellable = cancellable, .func = cancel_soon, .data = cancellable, .hi = 1 };
  g_autoptr (GError) error = NULL;

  counting_init (&engine);
  g_assert_null (sf_cascade_run (&engine.parent, &settings, 3, NULL, NULL, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cascade/evaluations", test_evaluations);
  g_test_add_func ("/cascade/begin", test_begin);
  g_test_add_func ("/cascade/strength-monotone", test_strength_monotone);
  g_test_add_func ("/cascade/defaults", test_defaults);
  g_test_add_func ("/cascade/progress", test_progress);
  g_test_add_func ("/cascade/cancel", test_cancel);
  return g_test_run ();
}
