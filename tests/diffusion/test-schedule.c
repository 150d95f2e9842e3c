/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-schedule.h"

#include <math.h>
#include <string.h>

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
      } tests[] = { { "described", test_described }, { "ends", test_ends }, { "monotone", test_monotone } };

      for (gsize t = 0; t < G_N_ELEMENTS (tests); t++)
        {
          g_autofree char *path = g_strdup_printf ("/schedule/%s/%s", schedules[i]->name, tests[t].name);

          g_test_add_data_func (path, schedules[i], tests[t].func);
        }
    }
  g_test_add_func ("/schedule/unknown", test_unknown);
  g_test_add_func ("/schedule/values", test_values);
  return g_test_run ();
}
