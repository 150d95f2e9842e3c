/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-betas.h"
#include "diffusion/sf-ode.h"

#include <math.h>

#include "analytic.h"
#include "base/sf-error.h"
#include "diffusion/sf-sampler.h"

typedef struct
{
  int calls;
  double nan_after; /* a time */
} Swing;

/* y'' = -y, as two numbers, and z' = y0 y0 + y1 y1 */
static gboolean
swing_slope (double t, const SfTensor *y, SfTensor *dy, double *dz, gpointer data, GError **error)
{
  Swing *self = data;

  self->calls++;
  dy->data[0] = t > self->nan_after ? NAN : y->data[1];
  dy->data[1] = -y->data[0];
  if (dz != NULL)
    *dz = y->data[0] * y->data[0] + y->data[1] * y->data[1];
  return TRUE;
}

/* Both ways; the number of evaluations grows as the tolerance to the power -1/5. */
static void
test_tolerance (void)
{
  int last = 0;

  for (double tolerance = 1e-3; tolerance > 5e-7; tolerance /= 10)
    for (double to = -6; to <= 6; to += 12)
      {
        Swing swing = { .nan_after = G_MAXDOUBLE };
        SfOde ode = { swing_slope, NULL, &swing, tolerance, tolerance };
        g_autoptr (SfTensor) y = sf_tensor_new (1, 1, 2, 1, NULL);
        double z = 0;
        int evaluations;

        y->data[0] = 1;
        g_assert_true (sf_ode_solve (&ode, 0, to, y, &z, 1, &evaluations, NULL, NULL));
        g_test_message ("tolerance %g: off by %.1e and %.1e, %d evaluations", tolerance, y->data[0] - cos (to), z - to, evaluations);
        g_assert_cmpfloat_with_epsilon (y->data[0], cos (to), 10 * tolerance);
        g_assert_cmpfloat_with_epsilon (y->data[1], -sin (to), 10 * tolerance);
        g_assert_cmpfloat_with_epsilon (z, to, 100 * tolerance);
        g_assert_cmpint (evaluations, ==, swing.calls);
        g_assert_cmpint (evaluations, >=, last);
        if (last > 0)
          g_assert_cmpint (evaluations, <, 3 * last);
        last = evaluations;
      }
}

static void
test_nowhere (void)
{
  Swing swing = { .nan_after = G_MAXDOUBLE };
  SfOde ode = { .slope = swing_slope, .data = &swing };
  g_autoptr (SfTensor) y = sf_tensor_new (1, 1, 2, 1, NULL);

  y->data[0] = 1;
  g_assert_true (sf_ode_solve (&ode, 2, 2, y, NULL, 0, NULL, NULL, NULL));
  g_assert_cmpint (swing.calls, ==, 0);
  g_assert_cmpfloat (y->data[0], ==, 1);
}

/* A slope that is no number ends the run with an error, not with a state that is none. */
static void
test_nan (void)
{
  Swing swing = { .nan_after = 1 };
  SfOde ode = { .slope = swing_slope, .data = &swing };
  g_autoptr (SfTensor) y = sf_tensor_new (1, 1, 2, 1, NULL);
  g_autoptr (GError) error = NULL;

  y->data[0] = 1;
  g_assert_false (sf_ode_solve (&ode, 0, 2, y, NULL, 0, NULL, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
}

/* The sampler against the closed form, from nearly pure noise. */
static void
test_sampler (void)
{
  int last = 0;

  for (double tolerance = 1e-2; tolerance > 5e-6; tolerance /= 10)
    {
      g_autofree SfNoiseLevel *levels = levels_new ("karras", 80, 0.01, 5);
      SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .relative_tolerance = tolerance, .absolute_tolerance = tolerance };
      Normal *normal = normal_new ();
      g_autoptr (SfDenoiser) denoiser = &normal->parent;
      g_autoptr (SfTensor) y = sf_tensor_new (1, 16, 16, 1, NULL), begin = NULL;

      sf_add_noise (y, 80, (SfRng) { 11, 0 });
      begin = sf_tensor_copy (y, NULL);
      g_assert_true (sf_sample (sf_sampler_find ("ode"), denoiser, sf_noise_process_ddpm (), levels, 5, &options, (SfRng) { 0 }, y, NULL, NULL));
      for (gsize i = 0; i < sf_tensor_size (y); i++)
        {
          double exact = normal_denoise (normal, normal_flow (normal, begin->data[i], 80, levels[4].sigma), levels[4].sigma);

          g_assert_cmpfloat_with_epsilon (y->data[i], exact, 20 * tolerance);
        }
      g_test_message ("tolerance %g: %d evaluations", tolerance, normal->calls);
      g_assert_cmpint (normal->calls, >, last);
      last = normal->calls;
    }
}

/* Holds the state at the clean image 0.5; the levels fall, to the clean one. */
static gboolean
hold (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  double *last = data;

  g_assert_cmpfloat (level->sigma, <, *last);
  *last = level->sigma;
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    y->data[i] = 0.5;
  return TRUE;
}

static void
test_sampler_state (void)
{
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, 5);
  double last = 5;
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .state = hold, .state_data = &last };
  g_autoptr (SfDenoiser) denoiser = &normal_new ()->parent;
  g_autoptr (SfTensor) y = sf_tensor_new (1, 4, 4, 1, NULL);

  sf_add_noise (y, 5, (SfRng) { 11, 0 });
  g_assert_true (sf_sample (sf_sampler_find ("ode"), denoiser, sf_noise_process_ddpm (), levels, 5, &options, (SfRng) { 0 }, y, NULL, NULL));
  g_assert_cmpfloat (last, ==, 0);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    g_assert_cmpfloat (y->data[i], ==, 0.5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ode/tolerance", test_tolerance);
  g_test_add_func ("/ode/nowhere", test_nowhere);
  g_test_add_func ("/ode/nan", test_nan);
  g_test_add_func ("/ode/sampler", test_sampler);
  g_test_add_func ("/ode/sampler-state", test_sampler_state);
  return g_test_run ();
}
