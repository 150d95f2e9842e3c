/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every sampler of the list on trial: it makes the evaluations that it announces, and more of them bring it nearer to what is right. */
#include "diffusion/sf-trial.h"

#include <math.h>

#include "diffusion/sf-mixture.h"

#define POINTS 256

static void
test_errors (void)
{
  g_autoptr (SfTrialGround) ground = sf_trial_ground_new (POINTS, NULL);
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  for (int i = 0; i < n; i++)
    {
      static const int steps[] = { 2, 48 };
      SfTrial trial[G_N_ELEMENTS (steps)];

      g_test_message ("%s, %s", samplers[i]->name, sf_family_name (samplers[i]->family));
      for (gsize k = 0; k < G_N_ELEMENTS (steps); k++)
        {
          g_assert_true (sf_sampler_try (samplers[i], steps[k], ground, &trial[k], NULL));
          g_assert_true (isfinite (trial[k].error));
          g_assert_true (trial[k].of_distribution == samplers[i]->stochastic);
          if (samplers[i]->evaluations > 0)
            g_assert_cmpint (trial[k].evaluations, ==, sf_sampler_evaluations (samplers[i], steps[k]));
        }
      g_assert_cmpfloat (trial[1].error, <=, MAX (trial[0].error, 2 * trial[1].floor));
    }
}

typedef struct
{
  double last;
  int calls;
} Seen;

static void
see (const SfTensor *points, double sigma, gpointer data)
{
  Seen *seen = data;

  g_assert_cmpint (points->n, ==, POINTS);
  g_assert_cmpfloat (sigma, <=, seen->last);
  seen->last = sigma;
  seen->calls++;
}

/* Ways go from the noise down to 0. */
static void
test_ways (void)
{
  Seen seen = { .last = SF_TRIAL_SIGMA_MAX };

  g_assert_true (sf_sampler_follow (sf_sampler_find ("euler"), 8, POINTS, see, &seen, NULL));
  g_assert_cmpfloat (seen.last, ==, 0);
  g_assert_cmpint (seen.calls, >=, 9);
}

/* Ideal draws are near, and the nearer the more; what is shifted by a unit is a unit away. */
static void
test_distance (void)
{
  g_autoptr (SfTensor) few = sf_tensor_new (100, 1, 1, 2, NULL), many = sf_tensor_new (10000, 1, 1, 2, NULL);
  double distance;

  sf_mixture_draw (few, 0, (SfRng) { 1, 1 });
  sf_mixture_draw (many, 0, (SfRng) { 1, 2 });
  distance = sf_mixture_distance (many);
  g_assert_cmpfloat (distance, <, sf_mixture_distance (few));
  g_assert_cmpfloat (distance, <, 0.05);
  for (gsize i = 0; i < sf_tensor_size (many); i += 2)
    many->data[i] += 1;
  /* sqrt of the mean of cos^2 over the directions */
  g_assert_cmpfloat (fabs (sf_mixture_distance (many) - sqrt (0.5)), <, 0.05);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/trial/errors", test_errors);
  g_test_add_func ("/trial/ways", test_ways);
  g_test_add_func ("/trial/distance", test_distance);
  return g_test_run ();
}
