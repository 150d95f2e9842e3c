/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/sf-time-sampler.h"

#include <math.h>

#include "base/sf-error.h"

#define T 10
#define DRAWS 100000
#define MOST_SCORE 5.0 /* standard errors: a chance of 6e-7 each if all is right */

static SfNoiseProcess *
process_new (void)
{
  double beta[T];

  for (int t = 0; t < T; t++)
    beta[t] = 0.01 * (t + 1);
  return sf_noise_process_new (beta, T, NULL);
}

static SfTimeSampler *
sampler_new (const char *name, const SfNoiseProcess *process)
{
  SfTimeSamplerOptions options = { SF_TIME_SAMPLER_OPTIONS };
  g_autoptr (GError) error = NULL;
  SfTimeSampler *sampler = sf_time_sampler_new (sf_time_sampler_kind_find (name), process, &options, &error);

  g_assert_no_error (error);
  return sampler;
}

/* Tells of each timestep t the losses t + 1 and, in turn, -(t + 1): of which the root of the mean square is t + 1. */
static void
warm (SfTimeSampler *sampler, int rounds)
{
  for (int i = 0; i < rounds; i++)
    for (double t = 0; t < T; t++)
      sf_time_sampler_update (sampler, 1, &t, &(double) { i % 2 != 0 ? -t - 1 : t + 1 });
}

static void
check_counts (const SfTimeSampler *sampler, const double p[T])
{
  g_autofree double *t = g_new (double, DRAWS);
  g_autofree double *weight = g_new (double, DRAWS);
  int count[T] = { 0 };

  sf_time_sampler_draw (sampler, (SfRng) { 4, 0 }, DRAWS, t, weight);
  for (int i = 0; i < DRAWS; i++)
    {
      int k = (int) t[i];

      g_assert_true (k == t[i] && k >= 0 && k < T);
      g_assert_cmpfloat_with_epsilon (weight[i], 1 / (T * p[k]), 1e-12);
      count[k]++;
    }
  for (int k = 0; k < T; k++)
    g_assert_cmpfloat (fabs (count[k] - DRAWS * p[k]), <, MOST_SCORE * sqrt (DRAWS * p[k] * (1 - p[k])));
}

static void
test_uniform (void)
{
  g_autoptr (SfNoiseProcess) process = process_new ();
  g_autoptr (SfTimeSampler) sampler = sampler_new ("uniform", process);
  double p[T];

  for (int k = 0; k < T; k++)
    p[k] = 1.0 / T;
  check_counts (sampler, p);
}

/* p ~ t + 1 once all histories are full, and uniform before. */
static void
test_second_moment (void)
{
  g_autoptr (SfNoiseProcess) process = process_new ();
  g_autoptr (SfTimeSampler) sampler = sampler_new ("loss-second-moment", process);
  double p[T], huge = 1e6;

  warm (sampler, 9);
  g_assert_false (sf_time_sampler_probabilities (sampler, p));
  check_counts (sampler, p);
  for (double t = 0; t < T - 1; t++) /* of which the last timestep's is missing */
    sf_time_sampler_update (sampler, 1, &t, &huge);
  g_assert_false (sf_time_sampler_probabilities (sampler, p));
  for (int k = 0; k < T; k++)
    g_assert_cmpfloat_with_epsilon (p[k], 1.0 / T, 1e-15);
  warm (sampler, 10); /* the ring forgets the huge ones */
  g_assert_true (sf_time_sampler_probabilities (sampler, p));
  for (int k = 0; k < T; k++)
    g_assert_cmpfloat_with_epsilon (p[k], 0.999 * (k + 1) / (T * (T + 1) / 2) + 0.001 / T, 1e-12);
  check_counts (sampler, p);
}

/* logit t ~ N (0, 1): its mean and variance, on continuous time. */
static void
test_logit_normal (void)
{
  const SfNoiseKind *flow = sf_noise_kind_find ("flow");
  g_autoptr (SfNoiseProcess) process = sf_noise_process_new_continuous (flow, flow->defaults, NULL);
  g_autoptr (SfTimeSampler) sampler = sampler_new ("logit-normal", process);
  g_autofree double *t = g_new (double, DRAWS);
  g_autofree double *weight = g_new (double, DRAWS);
  double sum = 0, square = 0;

  sf_time_sampler_draw (sampler, (SfRng) { 4, 0 }, DRAWS, t, weight);
  for (int i = 0; i < DRAWS; i++)
    {
      double u = (t[i] - flow->t_min) / (flow->t_max - flow->t_min), logit = log (u / (1 - u));

      g_assert_cmpfloat (weight[i], ==, 1);
      sum += logit;
      square += logit * logit;
    }
  g_assert_cmpfloat (fabs (sum), <, MOST_SCORE * sqrt (DRAWS));
  g_assert_cmpfloat (fabs (square - DRAWS), <, MOST_SCORE * sqrt (2.0 * DRAWS));
}

static void
test_continuous (void)
{
  const SfNoiseKind *vp = sf_noise_kind_find ("vp");
  g_autoptr (SfNoiseProcess) process = sf_noise_process_new_continuous (vp, vp->defaults, NULL);
  SfTimeSamplerOptions options = { SF_TIME_SAMPLER_OPTIONS };
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_time_sampler_new (sf_time_sampler_kind_find ("loss-second-moment"), process, &options, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/time-sampler/uniform", test_uniform);
  g_test_add_func ("/time-sampler/second-moment", test_second_moment);
  g_test_add_func ("/time-sampler/logit-normal", test_logit_normal);
  g_test_add_func ("/time-sampler/continuous", test_continuous);
  return g_test_run ();
}
