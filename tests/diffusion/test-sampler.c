/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every sampler of the registry against what its descriptor says; with ONLY defined, that one of them. */
#include "sampling.h"

#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/sf-parallel.h"
#include "diffusion/sf-mixture.h"

static void
test_described (gconstpointer data)
{
  const SfSampler *self = data;

  g_assert_true (sf_sampler_find (self->name) == self);
  g_assert_cmpuint (strspn (self->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), ==, strlen (self->name));
  g_assert_cmpuint (strlen (self->label), >, 0);
  g_assert_cmpuint (strlen (self->description), >, 0);
  g_assert_true (self->order > 0 || self->stochastic);
}

/*** Few steps ***/

/* However few the steps, the result is finite and no larger than the start (noise of deviation 5). */
static void
test_few_steps (gconstpointer data)
{
  const SfSampler *self = data;

  for (int n = 1; n <= 4; n++)
    {
      g_autoptr (SfTensor) y = run (self, n, 1, (SfRng) { 1, 0 });

      for (gsize i = 0; i < sf_tensor_size (y); i++)
        g_assert_cmpfloat (fabsf (y->data[i]), <, 30);
    }
}

/*** Evaluations, progress, cancel ***/

static void
check_progress (double fraction, gpointer data)
{
  g_assert_cmpfloat (fraction, >=, *(double *) data);
  g_assert_cmpfloat (fraction, <=, 1);
  *(double *) data = fraction;
}

static void
test_evaluations (gconstpointer data)
{
  const SfSampler *self = data;

  for (int n = 0; n <= 9; n += 3)
    {
      g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, n);
      Normal *normal = normal_new ();
      g_autoptr (SfDenoiser) denoiser = &normal->parent;
      g_autoptr (SfTensor) y = start (8, 5);
      double seen = 0;
      SfProgress progress = { .func = check_progress, .data = &seen, .lo = 0, .hi = 1 };

      g_assert_true (sf_sample (self, denoiser, sf_noise_process_ddpm (), levels, n, NULL, (SfRng) { 1, 0 }, y, &progress, NULL));
      if (!self->own_loop)
        g_assert_cmpint (normal->calls, ==, sf_sampler_evaluations (self, n));
      g_assert_cmpfloat_with_epsilon (seen, n > 0, 1e-12);
    }
}

/*** Memory ***/

/* D = y / 2, and how much memory is in use whenever it is asked. */
typedef struct
{
  SfDenoiser parent;
  gsize first, most; /* of all evaluations, in bytes */
} Meter;

static gsize
memory_in_use (void)
{
#ifdef __GLIBC__
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

static gboolean
meter_predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
               const SfProgress *progress, GError **error)
{
  Meter *self = (Meter *) denoiser;
  gsize now = memory_in_use ();

  self->first = self->first > 0 ? self->first : now;
  self->most = MAX (self->most, now);
  sf_weighted_sum (denoised, 1, (double[]) { 0.5 }, &x);
  return TRUE;
}

static void
meter_free (SfDenoiser *denoiser)
{
}

/* A run has the state, its history and two more states at most, all of them from the beginning. */
static void
test_memory (gconstpointer data)
{
  const SfSampler *self = data;
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, 10);
  g_autoptr (SfTensor) y = start (SIDE, 5);
  Meter meter = { .parent = { meter_predict, meter_free } };
  gsize begin = memory_in_use (), state = sf_tensor_size (y) * sizeof (SfReal);

  g_assert_true (sf_sample (self, &meter.parent, sf_noise_process_ddpm (), levels, 10, NULL, (SfRng) { 1, 0 }, y, NULL, NULL));
  g_test_message ("%.1f states", (double) (meter.most - begin) / state);
  g_assert_cmpuint (meter.most - meter.first, <, state / 2);
  g_assert_cmpuint (meter.most - begin, <, (self->history + 2) * state + state / 2);
}

static void
test_cancel (gconstpointer data)
{
  const SfSampler *self = data;
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, 6);

  for (int at = 1; at <= (self->own_loop ? 6 : sf_sampler_evaluations (self, 6)); at++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      Normal *normal = normal_new ();
      g_autoptr (SfDenoiser) denoiser = &normal->parent;
      g_autoptr (SfTensor) y = start (8, 5);
      SfProgress progress = { .cancellable = cancellable, .lo = 0, .hi = 1 };

      normal->cancellable = cancellable;
      normal->cancel_at = at;
      g_assert_false (sf_sample (self, denoiser, sf_noise_process_ddpm (), levels, 6, NULL, (SfRng) { 1, 0 }, y, &progress, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (normal->calls, ==, at);
    }
}

/*** Noise ***/

static void
test_eta (gconstpointer data)
{
  const SfSampler *self = data;
  g_autoptr (SfTensor) none = run (self, 6, 0, (SfRng) { 5, 0 });
  g_autoptr (SfTensor) some = run (self, 6, 0.3, (SfRng) { 5, 0 });
  g_autoptr (SfTensor) full = run (self, 6, 1, (SfRng) { 5, 0 });

  if (self->uses_eta)
    {
      g_assert_cmpfloat (distance (none, some), >, 0.01);
      g_assert_cmpfloat (distance (some, full), >, 0.01);
    }
  else
    {
      g_assert_cmpfloat (distance (none, some), ==, 0);
      g_assert_cmpfloat (distance (some, full), ==, 0);
    }
}

/* Gamma acts where the descriptor says so. */
static void
test_gamma (gconstpointer data)
{
  const SfSampler *self = data;
  const int n = sf_noise_process_ddpm ()->n;
  g_autofree double *gamma = g_new (double, n);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  g_autoptr (SfTensor) without = run_with (self, 6, &options, (SfRng) { 5, 0 }), with = NULL;

  for (int t = 0; t < n; t++)
    gamma[t] = 0.5;
  options.gamma = gamma;
  with = run_with (self, 6, &options, (SfRng) { 5, 0 });
  g_assert_true ((distance (without, with) > 0.01) == self->uses_gamma);
}

static void
test_seed (gconstpointer data)
{
  const SfSampler *self = data;

  for (double eta = 0; eta <= 1; eta++)
    {
      g_autoptr (SfTensor) y = run (self, 6, eta, (SfRng) { 5, 0 });
      g_autoptr (SfTensor) again = run (self, 6, eta, (SfRng) { 5, 0 });
      g_autoptr (SfTensor) other_seed = run (self, 6, eta, (SfRng) { 6, 0 });
      g_autoptr (SfTensor) other_stream = run (self, 6, eta, (SfRng) { 5, 100 });
      gboolean noisy = self->stochastic && (eta > 0 || !self->uses_eta || self->always);

      g_assert_cmpfloat (distance (y, again), ==, 0);
      g_assert_true ((distance (y, other_seed) > 0.01) == noisy);
      g_assert_true ((distance (y, other_stream) > 0.01) == noisy);
    }
}

/* How often a sampler draws in a run of 6 steps: once in each but the last, or … */
static guint64
expected_draws (const SfSampler *self)
{
  if (g_str_equal (self->name, "dpmpp-sde")) /* in the middle of each step, too */
    return 10;
  if (g_str_equal (self->name, "annealed-langevin")) /* five times at each level */
    return 25;
  if (g_str_equal (self->name, "dpm-fast-ancestral")) /* after a block of three steps and one of two */
    return 2;
  return 5;
}

static void
count_draws (SfTensor *z, guint64 draw, gpointer data)
{
  g_assert_cmpuint (draw, ==, (*(guint64 *) data)++);
}

/* Nothing is drawn where nothing is injected, and nothing for the step into the clean image. */
static void
test_draws (gconstpointer data)
{
  const SfSampler *self = data;

  for (double eta = 0; eta <= 1; eta++)
    {
      guint64 several = 0, one = 0;
      SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .noise = count_draws, .noise_data = &several };
      gboolean noisy = self->stochastic && (eta > 0 || !self->uses_eta || self->always);
      g_autoptr (SfTensor) y = NULL, z = NULL;

      options.eta = eta;
      y = run_with (self, 6, &options, (SfRng) { 5, 0 });
      options.noise_data = &one;
      z = run_with (self, 1, &options, (SfRng) { 5, 0 });
      g_assert_cmpuint (several, ==, noisy ? expected_draws (self) : 0);
      g_assert_cmpuint (one, ==, 0);
    }
}

static void
test_threads (gconstpointer data)
{
  const SfSampler *self = data;
  g_autoptr (SfTensor) one = NULL;

  sf_parallel_set_threads (1);
  one = run (self, 5, 1, (SfRng) { 5, 0 });
  for (int n = 2; n <= 4; n += 2)
    {
      g_autoptr (SfTensor) many = NULL;

      sf_parallel_set_threads (n);
      many = run (self, 5, 1, (SfRng) { 5, 0 });
      g_assert_cmpmem (one->data, sf_tensor_size (one) * sizeof (float), many->data, sf_tensor_size (many) * sizeof (float));
    }
  sf_parallel_set_threads (0);
}

/*** Statistics ***/

#define DRAWS 160       /* squared */
#define MOST_SCORE 5.0  /* standard errors: a chance of 6e-7 each if all is right */
#define STEP_SLACK 0.03 /* finite steps narrow a normal distribution: first order, 300 steps, by 2.6 % */

/* The largest score of the moments of DRAWS^2 draws, in standard errors. */
static double
worst_score (const SfSampler *sampler, double noise_scale)
{
  gboolean distilled = sampler->family == SF_FAMILY_DISTILLED; /* right with any number of steps, if the network is */
  const int n = distilled ? 6 : 300;
  const double sigma_max = 8;
  g_autofree SfNoiseLevel *levels = levels_new ("exponential", sigma_max, distilled ? 0.3 : 0.01, n);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  g_autoptr (SfDenoiser) mixture = distilled ? consistency_new () : sf_denoiser_mixture_new ();
  g_autoptr (SfTensor) y = sf_tensor_new (1, DRAWS, DRAWS, 2, NULL);
  double scores[MIXTURE_MOMENTS], worst = 0;

  options.noise_scale = noise_scale;
  sf_mixture_draw (y, sigma_max, (SfRng) { 3, 5000 });
  g_assert_true (sf_sample (sampler, mixture, sf_noise_process_ddpm (), levels, n, &options, (SfRng) { 3, 0 }, y, NULL, NULL));
  mixture_scores (y, STEP_SLACK, scores);
  for (int k = 0; k < MIXTURE_MOMENTS; k++)
    {
      g_assert_true (isfinite (scores[k]));
      worst = MAX (worst, scores[k]);
    }
  return worst;
}

/* What is drawn has the mean and the covariance of the target. */
static void
test_statistics (gconstpointer data)
{
  double score = worst_score (data, 1);

  g_test_message ("worst moment: %.1f standard errors", score);
  g_assert_cmpfloat (score, <, MOST_SCORE);
}

/* A test of the test above: noise that is 5 % too strong does not pass. */
static void
test_statistics_sharp (gconstpointer data)
{
  const SfSampler *self = data;
  double score;

  if (!self->stochastic)
    {
      g_test_skip ("injects no noise");
      return;
    }
  score = worst_score (self, 1.05);
  g_test_message ("with 5 %% more noise: %.1f standard errors", score);
  g_assert_cmpfloat (score, >, MOST_SCORE);
}

/*** The registry ***/

/* The names in the list and those in the descriptors are the same. */
static void
test_registry (void)
{
  static const char *const names[] = {
#define SF_ITEM(name) #name,
#include "diffusion/sf-sampler-list.h"
#undef SF_ITEM
  };
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  g_assert_cmpint (n, ==, G_N_ELEMENTS (names));
  for (int i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdelimit (g_strdup (samplers[i]->name), "-", '_');

      g_assert_cmpstr (name, ==, names[i]);
    }
  g_assert_null (sf_sampler_find ("nonsense"));
  g_assert_null (sf_sampler_find (NULL));
#ifdef ONLY
  g_assert_nonnull (sf_sampler_find (ONLY));
#endif
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } tests[] = {
    { "cancel", test_cancel },
    { "described", test_described },
    { "draws", test_draws },
    { "eta", test_eta },
    { "evaluations", test_evaluations },
    { "few-steps", test_few_steps },
    { "gamma", test_gamma },
    { "memory", test_memory },
    { "seed", test_seed },
    { "threads", test_threads },
    { "fair", test_statistics }, /* from here on slow: 300 steps of 25600 points */
    { "sharp", test_statistics_sharp },
  };
  const gsize n_quick = G_N_ELEMENTS (tests) - 2;
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    for (gsize t = 0; t < (g_test_slow () ? G_N_ELEMENTS (tests) : n_quick); t++)
      {
        g_autofree char *path = t < n_quick ? g_strdup_printf ("/sampler/%s/%s", samplers[i]->name, tests[t].name) : g_strdup_printf ("/statistics/%s-%s", samplers[i]->name, tests[t].name);

#ifdef ONLY
        if (!g_str_equal (samplers[i]->name, ONLY))
          continue;
#endif
        g_test_add_data_func (path, samplers[i], tests[t].func);
      }
  g_test_add_func ("/sampler/registry", test_registry);
  return g_test_run ();
}
