/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-schedule.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-betas.h"
#include "diffusion/sf-timesteps.h"

/* Ranges from that of whole networks to the last touches of the patch engine. */
static const struct
{
  double max, min;
} ranges[] = { { 157, 0.01 }, { 14.6, 0.03 }, { 1.5, 0.15 }, { 0.15, 0.03 }, { 0.02, 0.002 } };

/* What "optimal" needs. */
static const double *
some_gamma (void)
{
  static double gamma[1000];

  for (gsize t = 0; t < G_N_ELEMENTS (gamma); t++)
    gamma[t] = 0.9 * (t + 1) / G_N_ELEMENTS (gamma);
  return gamma;
}

static void
fill (const SfSchedule *self, double max, double min, int n, SfNoiseLevel *levels)
{
  SfScheduleOptions options = { .sigma_max = max, .sigma_min = min, .gamma = some_gamma () };
  g_autoptr (GError) error = NULL;
  int made = sf_schedule_fill (self, sf_noise_process_ddpm (), &options, n, levels, &error);

  g_assert_no_error (error);
  g_assert_cmpint (made, ==, n);
}

/* Many levels of the ranges: each lower than the one before, from end to end. */
static void
check_falls (const SfSchedule *self, int n)
{
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);

  for (gsize r = 0; r < G_N_ELEMENTS (ranges); r++)
    {
      double max = ranges[r].max, min = ranges[r].min;

      fill (self, max, min, n, levels);
      g_assert_cmpfloat (levels[0].sigma, ==, max);
      if (n > 1)
        g_assert_cmpfloat (levels[n - 1].sigma, ==, min);
      g_assert_cmpfloat (levels[n].sigma, ==, 0);
      for (int k = 0; k < n; k++)
        g_assert_cmpfloat (levels[k].sigma, >, levels[k + 1].sigma);
    }
}

static void
test_monotone (gconstpointer data)
{
  const SfSchedule *self = data;

  check_falls (self, g_str_equal (self->name, "lcm") ? 50 : 200);
}

static void
test_ends (gconstpointer data)
{
  const SfSchedule *self = data;

  for (int n = 1; n <= 20; n++)
    check_falls (self, n);
  if (self->sigma == NULL)
    return;
  for (gsize r = 0; r < G_N_ELEMENTS (ranges); r++)
    {
      double max = ranges[r].max, min = ranges[r].min, last = G_MAXDOUBLE;

      g_assert_cmpfloat_with_epsilon (self->sigma (0, max, min, self->rho), max, 1e-9 * max);
      g_assert_cmpfloat_with_epsilon (self->sigma (1, max, min, self->rho), min, 1e-9 * max);
      for (int i = 0; i <= 1000; i++)
        {
          double sigma = self->sigma (i / 1000.0, max, min, self->rho);

          g_assert_cmpfloat (sigma, <, last);
          last = sigma;
        }
    }
}

static void
test_described (gconstpointer data)
{
  const SfSchedule *self = data;

  g_assert_true (sf_schedule_find (self->name) == self);
  g_assert_cmpuint (strspn (self->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), ==, strlen (self->name));
  g_assert_cmpuint (strlen (self->label), >, 0);
  g_assert_cmpuint (strlen (self->description), >, 0);
}

/* Each against its definition, in another form than the code's. */
static void
test_values (void)
{
  const SfNoiseProcess *p = sf_noise_process_ddpm ();
  SfNoiseLevel s[6];
  double t[2] = { sf_noise_process_t (p, 80), sf_noise_process_t (p, 0.05) };

  fill (sf_schedule_find ("exponential"), 80, 0.05, 5, s);
  for (int k = 0; k < 4; k++)
    g_assert_cmpfloat_with_epsilon (s[k].sigma / s[k + 1].sigma, pow (80 / 0.05, 0.25), 1e-9);

  /* equal steps of the seventh root */
  fill (sf_schedule_find ("karras"), 80, 0.05, 5, s);
  for (int k = 0; k < 4; k++)
    g_assert_cmpfloat_with_epsilon (pow (s[k].sigma, 1 / 7.0) - pow (s[k + 1].sigma, 1 / 7.0), (pow (80, 1 / 7.0) - pow (0.05, 1 / 7.0)) / 4, 1e-9);

  fill (sf_schedule_find ("linear"), 80, 0.05, 5, s);
  for (int k = 0; k < 4; k++)
    g_assert_cmpfloat_with_epsilon (s[k].sigma - s[k + 1].sigma, (80 - 0.05) / 4, 1e-9);

  /* alpha_bar = cos^2 of equal angles */
  fill (sf_schedule_find ("cosine"), 80, 0.05, 5, s);
  for (int k = 0; k < 4; k++)
    g_assert_cmpfloat_with_epsilon (acos (1 / sqrt (1 + s[k].sigma * s[k].sigma)) - acos (1 / sqrt (1 + s[k + 1].sigma * s[k + 1].sigma)),
                                    (atan (80) - atan (0.05)) / 4, 1e-9);

  fill (sf_schedule_find ("uniform"), 80, 0.05, 5, s);
  for (int k = 0; k < 4; k++)
    g_assert_cmpfloat_with_epsilon (sf_noise_process_t (p, s[k].sigma) - sf_noise_process_t (p, s[k + 1].sigma), (t[0] - t[1]) / 4, 1e-8);
}

/* Rows said to be even are the same as "uniform" between given ends; no two others are the same. */
static void
test_even (void)
{
  int n;
  const SfSchedule *const *all = sf_schedules (&n);
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, 12 * n);

  for (int i = 0; i < n; i++)
    {
      fill (all[i], 80, 0.05, 11, levels + 12 * i);
      for (int j = 0; j < i; j++)
        {
          gboolean same = TRUE;
          gboolean even = (all[i]->even || g_str_equal (all[i]->name, "uniform")) && (all[j]->even || g_str_equal (all[j]->name, "uniform"));

          for (int k = 0; k < 11; k++)
            same = same && fabs (levels[12 * i + k].sigma / levels[12 * j + k].sigma - 1) < 1e-6;
          if (same != even)
            g_error ("%s and %s: %s", all[i]->name, all[j]->name, same ? "the same" : "not the same");
        }
    }
}

/* Without ends, on every process: falls from at most full noise. */
static void
test_processes (gconstpointer data)
{
  const SfSchedule *self = data;
  int n_kinds;
  const SfNoiseKind *kinds = sf_noise_kinds (&n_kinds);
  SfScheduleOptions options = { .gamma = some_gamma () };

  for (int i = -2; i < n_kinds; i++)
    {
      g_autoptr (SfNoiseProcess) p = i >= 0 ? sf_noise_process_new_continuous (&kinds[i], kinds[i].defaults, NULL)
                                            : sf_noise_process_new_named ("cosine", i == -1 ? 1000 : 60, 0, 0, NULL);
      double full = i >= 0 ? sf_noise_process_sigma (p, kinds[i].t_max) : exp (p->log_sigma[p->n - 1]);

      for (int n = 1; n <= 20; n++)
        {
          SfNoiseLevel levels[21];
          g_autoptr (GError) error = NULL;
          int made = sf_schedule_fill (self, p, &options, n, levels, &error);

          if (i >= 0 && g_str_equal (self->name, "optimal"))
            {
              g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
              continue;
            }
          g_assert_no_error (error);
          g_assert_cmpint (made, >, 0);
          g_assert_cmpint (made, <=, n);
          g_assert_cmpfloat (levels[made].sigma, ==, 0);
          if (self->sigma_max == 0)
            g_assert_cmpfloat (levels[0].sigma, <=, full * (1 + 1e-9));
          for (int k = 0; k < made; k++)
            {
              g_assert_cmpfloat (levels[k].sigma, >, levels[k + 1].sigma);
              g_assert_true (isfinite (levels[k].t) && levels[k].a > 0);
            }
        }
    }
}

static void
assert_refused (const char *name, const SfNoiseProcess *process, const SfScheduleOptions *options, int n, const char *word)
{
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sf_schedule_fill (sf_schedule_find (name), process, options, n, levels, &error), ==, 0);
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_nonnull (strstr (error->message, word));
}

static void
test_refused (void)
{
  const SfNoiseProcess *p = sf_noise_process_ddpm ();
  int n;
  const SfSchedule *const *all = sf_schedules (&n);

  for (int i = 0; i < n; i++)
    if (all[i]->whole)
      assert_refused (all[i]->name, p, &(SfScheduleOptions) { .gamma = some_gamma () }, 1001, "1001");
  assert_refused ("optimal", p, NULL, 10, "Gamma");
  assert_refused ("lcm", p, NULL, 51, "51");
  assert_refused ("lcm", p, &(SfScheduleOptions) { .strength = 0.1 }, 6, "5");
  assert_refused ("leading", p, &(SfScheduleOptions) { .offset = 1 }, 1000, "1000");
  assert_refused ("karras", p, &(SfScheduleOptions) { .sigma_max = 0.001 }, 4, "fall");
  assert_refused ("uniform", p, &(SfScheduleOptions) { .sigma_max = 1, .sigma_min = 2 }, 4, "fall");
  assert_refused ("karras", p, &(SfScheduleOptions) { .rho = NAN, .sigma_max = NAN }, 4, "fall");
  assert_refused ("exponential", p, &(SfScheduleOptions) { .sigma_final = 1 }, 4, "fall");
}

/* Whole timesteps, worked out by hand. */
static void
test_timesteps (void)
{
  static const struct
  {
    const char *name;
    SfScheduleOptions options;
    double t[4];
  } rows[] = {
    { "linspace", { 0 }, { 999, 666, 333, 0 } },
    { "linspace", { .open = TRUE }, { 999, 749, 500, 250 } },
    { "strided", { 0 }, { 999, 666, 333, 0 } },
    { "leading", { 0 }, { 750, 500, 250, 0 } },
    { "leading", { .offset = 1, .open = TRUE }, { 801, 601, 401, 201 } },
    { "leading", { .stride = 10 }, { 30, 20, 10, 0 } },
    { "trailing", { 0 }, { 999, 749, 499, 249 } },
    { "quadratic", { 0 }, { 800, 355, 88, 0 } },
    { "power", { .rho = 1 }, { 999, 666, 333, 0 } },
    { "simple", { 0 }, { 999, 749, 499, 249 } },
    { "smoothstep", { 0 }, { 999, 843, 500, 156 } },
    { "lcm", { 0 }, { 999, 759, 499, 259 } },
    { "lcm", { .strength = 0.5 }, { 499, 379, 259, 139 } },
    { "uniform", { .timesteps = 901 }, { 900, 600, 300, 0 } },
    { "sgm-uniform", { 0 }, { 999, 749.25, 499.5, 249.75 } },
    { "uniform", { .open = TRUE, .rounding = SF_LABEL_NEAREST }, { 999, 749, 500, 250 } },
    { "uniform", { .open = TRUE, .rounding = SF_LABEL_TRUNCATED }, { 999, 749, 499, 249 } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      SfNoiseLevel levels[5];

      g_assert_cmpint (sf_schedule_fill (sf_schedule_find (rows[i].name), sf_noise_process_ddpm (), &rows[i].options, 4, levels, NULL), ==, 4);
      for (int k = 0; k < 4; k++)
        g_assert_cmpfloat_with_epsilon (levels[k].t, rows[i].t[k], 1e-9);
    }
}

/* Shift and stretch in time; one level is lost where a timestep comes twice, unless repeats are asked for. */
static void
test_flow (void)
{
  g_autoptr (SfNoiseProcess) flow = sf_noise_process_new_continuous (sf_noise_kind_find ("flow"), (double[]) { 0, 0 }, NULL);
  SfNoiseLevel levels[41];
  SfScheduleOptions options = { .shift = 3, .terminal = 0.1 };

  for (double u = 0.05; u <= 1; u += 0.05)
    g_assert_cmpfloat_with_epsilon (sf_time_shift (sf_time_shift (u, 3), 1.0 / 3), u, 1e-14);
  sf_schedule_fill (sf_schedule_find ("flow-shift"), flow, NULL, 3, levels, NULL);
  g_assert_cmpfloat_with_epsilon (levels[0].t, 1000, 1e-9);
  g_assert_cmpfloat_with_epsilon (levels[1].t, 1000 * sf_time_shift (0.5005, 3), 1e-9);
  g_assert_cmpfloat_with_epsilon (levels[2].t, 1000 * sf_time_shift (0.001, 3), 1e-9);
  sf_schedule_fill (sf_schedule_find ("uniform"), flow, &options, 3, levels, NULL);
  g_assert_cmpfloat_with_epsilon (levels[0].t, 1000, 1e-9);
  g_assert_cmpfloat_with_epsilon (levels[2].t, 100, 1e-9);
  sf_schedule_fill (sf_schedule_find ("linear"), flow, NULL, 3, levels, NULL); /* sigma of flow matching is its time */
  g_assert_cmpfloat_with_epsilon (levels[1].t, 500.5, 1e-9);
  g_assert_cmpint (sf_schedule_fill (sf_schedule_find ("quadratic"), sf_noise_process_ddpm (), NULL, 40, levels, NULL), ==, 39);
  options = (SfScheduleOptions) { .repeats = TRUE };
  g_assert_cmpint (sf_schedule_fill (sf_schedule_find ("quadratic"), sf_noise_process_ddpm (), &options, 40, levels, NULL), ==, 40);
}

/* Against closed forms: the arcsine distribution, the uniform one, 3 x^2 - 2 x^3. */
static void
test_quantile (void)
{
  for (int i = 0; i <= 1000; i++)
    {
      double p = i / 1000.0, x = sf_beta_quantile (p, 2);

      g_assert_cmpfloat_with_epsilon (sf_beta_quantile (p, 0.5), pow (sin (p * G_PI / 2), 2), 1e-14);
      g_assert_cmpfloat_with_epsilon (sf_beta_quantile (p, 1), p, 1e-14);
      g_assert_cmpfloat_with_epsilon (x * x * (3 - 2 * x), p, 1e-14);
      g_assert_cmpfloat_with_epsilon (sf_beta_quantile (p, 0.6) + sf_beta_quantile (1 - p, 0.6), 1, 1e-14);
    }
  g_assert_cmpfloat_with_epsilon (sf_beta_quantile (1e-6, 0.6), pow (1e-6 * 0.6 * exp (2 * lgamma (0.6) - lgamma (1.2)), 1 / 0.6), 1e-18);
}

/* The path of dynamic programming against all others. */
static void
test_optimal (void)
{
  enum
  {
    T = 12,
    K = 5,
  };
  g_autoptr (SfNoiseProcess) p = sf_noise_process_new_named ("cosine", T, 0, 0, NULL);
  double gamma[T], best = G_MAXDOUBLE;
  SfScheduleOptions options = { .gamma = gamma };
  SfNoiseLevel levels[K + 1];
  guint best_set = 0, found = 0;

  for (int t = 0; t < T; t++)
    gamma[t] = 0.3 + 0.6 * fabs (sin (t * 1.7));
  for (guint set = 0; set < 1u << T; set++)
    {
      double sum = 0;
      int last = -1, size = 0;

      for (int t = 0; t < T; t++)
        if (set >> t & 1)
          {
            if (last >= 0)
              sum += log (1 - (1 - p->alpha_bar[t] / p->alpha_bar[last]) * gamma[t] / (1 - p->alpha_bar[t]));
            last = t;
            size++;
          }
      if (size == K && (set & 1) && last == T - 1 && sum < best)
        {
          best = sum;
          best_set = set;
        }
    }
  g_assert_cmpint (sf_schedule_fill (sf_schedule_find ("optimal"), p, &options, K, levels, NULL), ==, K);
  for (int k = 0; k < K; k++)
    found |= 1u << (int) levels[k].t;
  g_assert_cmpuint (found, ==, best_set);
}

static void
test_lists (void)
{
  static const int counts[] = { 1, 3, 2 }, few[] = { 5, 3, 3 };
  static const int sections[] = { 0, 4, 6, 7, 8, 10 }, walk[] = { 5, 4, 3, 2, 3, 4, 3, 2, 1, 0, 1, 2, 1, 0, -1 };
  int keep[100], n;
  g_autofree int *jumps = sf_timesteps_jumps (6, 1, 2, 2, &n);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sf_timesteps_sections (11, counts, 3, keep, NULL), ==, 6);
  for (gsize i = 0; i < G_N_ELEMENTS (sections); i++)
    g_assert_cmpint (keep[i], ==, sections[i]);
  g_assert_cmpint (sf_timesteps_sections (11, few, 3, keep, &error), ==, 0);
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_assert_cmpint (sf_timesteps_ddim (100, 25, keep, NULL), ==, 25);
  g_assert_cmpint (keep[24], ==, 96);
  g_assert_cmpint (sf_timesteps_ddim (100, 60, keep, &error), ==, 0);
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_cmpmem (jumps, n * sizeof *jumps, walk, sizeof walk);
  for (int order = 1; order <= 3; order++)
    for (int evaluations = 1; evaluations <= 20; evaluations++)
      {
        int steps = sf_singlestep_orders (evaluations, order, keep), sum = 0;

        for (int k = 0; k < steps; k++)
          sum += keep[k];
        g_assert_cmpint (sum, ==, evaluations);
        g_assert_true (order < 3 || keep[steps - 1] < 3);
      }
}

static void
test_unknown (void)
{
  g_assert_null (sf_schedule_find ("nonsense"));
  g_assert_null (sf_schedule_find (NULL));
}

int
main (int argc, char **argv)
{
  int n;
  const SfSchedule *const *schedules = sf_schedules (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    {
      static const struct
      {
        const char *name;
        GTestDataFunc func;
      } tests[] = { { "described", test_described }, { "ends", test_ends }, { "monotone", test_monotone }, { "processes", test_processes } };

      for (gsize t = 0; t < G_N_ELEMENTS (tests); t++)
        {
          g_autofree char *path = g_strdup_printf ("/schedule/%s/%s", schedules[i]->name, tests[t].name);

          g_test_add_data_func (path, schedules[i], tests[t].func);
        }
    }
  g_test_add_func ("/schedule/unknown", test_unknown);
  g_test_add_func ("/schedule/values", test_values);
  g_test_add_func ("/schedule/even", test_even);
  g_test_add_func ("/schedule/refused", test_refused);
  g_test_add_func ("/schedule/timesteps", test_timesteps);
  g_test_add_func ("/schedule/flow", test_flow);
  g_test_add_func ("/schedule/quantile", test_quantile);
  g_test_add_func ("/schedule/optimal", test_optimal);
  g_test_add_func ("/schedule/lists", test_lists);
  return g_test_run ();
}
