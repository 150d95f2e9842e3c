/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-noise-process.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-betas.h"

#define LAST 999

/* Published values: alpha_bar of the last step is 4.04e-5, sigma runs from 0.01 to 157.4. */
static void
test_table (void)
{
  const SfNoiseProcess *p = sf_noise_process_ddpm ();

  g_assert_cmpfloat_with_epsilon (p->beta[0], 1e-4, 1e-15);
  g_assert_cmpfloat_with_epsilon (p->beta[LAST], 0.02, 1e-15);
  g_assert_cmpfloat_with_epsilon (p->alpha_bar[0], 1 - 1e-4, 1e-14);
  g_assert_cmpfloat_with_epsilon (p->alpha_bar[LAST], 4.0358e-5, 1e-9);
  g_assert_cmpfloat_with_epsilon (exp (p->log_sigma[0]), sqrt (1e-4 / (1 - 1e-4)), 1e-14);
  g_assert_cmpfloat_with_epsilon (exp (p->log_sigma[LAST]), 157.407, 1e-3);
  for (int t = 1; t <= LAST; t++)
    g_assert_cmpfloat (p->log_sigma[t], >, p->log_sigma[t - 1]);
}

/* sigma and t are inverse between the entries, and beyond them; diffusers' kind only at the entries. */
static void
test_inverse (gconstpointer data)
{
  SfInterpolation interpolation = GPOINTER_TO_INT (data);
  g_autoptr (SfNoiseProcess) p = sf_noise_process_new_named ("cosine", LAST + 1, 0, 0, NULL);
  double outside = interpolation == SF_INTERPOLATE_LOG_SIGMA ? 20 : 0, step = interpolation == SF_INTERPOLATE_SIGMA ? 1 : 0.37;

  p->interpolation = interpolation;
  for (double t = -outside; t <= LAST + outside; t += step)
    g_assert_cmpfloat_with_epsilon (sf_noise_process_t (p, sf_noise_process_sigma (p, t)), t, 1e-8);
  for (int t = 0; t <= LAST; t++)
    g_assert_cmpfloat_with_epsilon (log (sf_noise_process_sigma (p, t)), p->log_sigma[t], 1e-12);
  for (double t = 0.5; t < LAST; t += 0.5)
    g_assert_cmpfloat (sf_noise_process_sigma (p, t), >, sf_noise_process_sigma (p, t - 0.5));
}

/*** Betas ***/

static void
test_betas (gconstpointer data)
{
  const SfBetas *self = data;
  static const int lengths[] = { 21, 100, 1000, 4000 };

  g_assert_true (sf_betas_find (self->name) == self);
  g_assert_cmpuint (strlen (self->description), >, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SfNoiseProcess) p = sf_noise_process_new_named (self->name, lengths[i], 0, 0, &error);

      g_assert_no_error (error);
      g_assert_cmpint (p->n, ==, lengths[i]);
      for (int t = 0; t < p->n; t++)
        {
          double before = t > 0 ? p->alpha_bar[t - 1] : 1;

          g_assert_cmpfloat (p->beta[t], >, 0);
          g_assert_cmpfloat (p->beta[t], <=, 1);
          g_assert_cmpfloat (p->alpha_bar[t], <, before);
          g_assert_cmpfloat_with_epsilon (p->alpha_bar[t], before * (1 - p->beta[t]), 1e-14);
          if (t > 0)
            g_assert_cmpfloat (p->log_sigma[t], >, p->log_sigma[t - 1]);
        }
    }
}

/* The error tells all of @words. */
static void
assert_refused (gpointer made, GError **error, const char *const *words)
{
  g_assert_null (made);
  g_assert_error (*error, SF_ERROR, SF_ERROR_ARGUMENT);
  for (; *words != NULL; words++)
    g_assert_nonnull (strstr ((*error)->message, *words));
  g_clear_error (error);
}

#define WORDS(...) ((const char *const[]) { __VA_ARGS__, NULL })

static void
test_refused (void)
{
  static const double bad[][3] = { { 0.1, 1, 0.1 }, { 0.1, 0, 0.1 }, { 0.1, -0.1, 0.1 }, { 0.1, NAN, 0.1 }, { 0.1, 1.5, 0.1 } };
  static const int keep[][3] = { { 0, 5, 5 }, { 5, 3, 7 }, { -1, 3, 7 }, { 0, 3, LAST + 1 } };
  g_autoptr (GError) error = NULL;

  assert_refused (sf_noise_process_new_named ("nonsense", 100, 0, 0, &error), &error, WORDS ("nonsense"));
  assert_refused (sf_noise_process_new_named ("openai-linear", 20, 0, 0, &error), &error, WORDS ("openai-linear", "20", "number 19 is 1"));
  assert_refused (sf_noise_process_new_named ("linear", 100, 0, 1.5, &error), &error, WORDS ("linear", "100"));
  assert_refused (sf_noise_process_new_named ("scaled-linear", 100, 0.1, 0.01, &error), &error, WORDS ("scaled-linear", "beta_start", "0.1", "0.01"));
  assert_refused (sf_noise_process_new_named ("vp", 100, -1, 20, &error), &error, WORDS ("vp", "beta_min", "-1"));
  assert_refused (sf_noise_process_new_named ("cosine", 0, 0, 0, &error), &error, WORDS ("cosine", "0 timesteps"));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (sf_noise_process_new (bad[i], 3, &error), &error, WORDS ("beta", "number 1 of 3"));
  for (gsize i = 0; i < G_N_ELEMENTS (keep); i++)
    assert_refused (sf_noise_process_respace (sf_noise_process_ddpm (), keep[i], 3, &error), &error, WORDS ("timestep", "1000"));
  assert_refused (sf_noise_process_new_continuous (sf_noise_kind_find ("ve"), (double[]) { 50, 0.01 }, &error), &error, WORDS ("ve", "sigma_min", "50"));
  g_assert_null (sf_noise_kind_find ("nonsense"));
}

/* Pure noise at the end; the first level and the proportions of sqrt (alpha_bar) stay. */
static void
test_zero_snr (void)
{
  g_autoptr (SfNoiseProcess) before = sf_noise_process_new_named ("scaled-linear", 1000, 0, 0, NULL);
  g_autoptr (SfNoiseProcess) pure = NULL;
  g_autoptr (SfNoiseProcess) nearly = NULL;
  double beta[1000], root[3], was[3];

  memcpy (beta, before->beta, sizeof beta);
  sf_betas_rescale_zero_snr (beta, LAST + 1, 0);
  pure = sf_noise_process_new (beta, LAST + 1, NULL);
  g_assert_cmpfloat (pure->alpha_bar[LAST], ==, 0);
  g_assert_cmpfloat (sf_noise_process_level (pure, LAST).sigma, ==, SF_NOISE_SIGMA_PURE);
  g_assert_cmpfloat_with_epsilon (pure->alpha_bar[0], before->alpha_bar[0], 1e-15);
  for (int i = 0; i < 3; i++)
    {
      root[i] = sqrt (pure->alpha_bar[i * 499]);
      was[i] = sqrt (before->alpha_bar[i * 499]);
    }
  g_assert_cmpfloat_with_epsilon ((root[0] - root[1]) / (root[0] - root[2]), (was[0] - was[1]) / (was[0] - was[2]), 1e-12);

  memcpy (beta, before->beta, sizeof beta);
  sf_betas_rescale_zero_snr (beta, LAST + 1, SF_NOISE_ALPHA_BAR_MIN);
  nearly = sf_noise_process_new (beta, LAST + 1, NULL);
  g_assert_cmpfloat_with_epsilon (sf_noise_process_sigma (nearly, LAST), sqrt (exp2 (24) - 1), 1e-6);
  g_assert_cmpfloat_with_epsilon (nearly->alpha_bar[LAST - 1], pure->alpha_bar[LAST - 1], 1e-15);
}

/* The levels of a shorter chain are those that were kept, with their labels, even of a chain that was shortened before. */
static void
test_respace (void)
{
  static const int keep[] = { 3, 10, 500, 999 }, again[] = { 1, 3 };
  const SfNoiseProcess *p = sf_noise_process_ddpm ();
  g_autoptr (SfNoiseProcess) part = sf_noise_process_respace (p, keep, G_N_ELEMENTS (keep), NULL);
  g_autoptr (SfNoiseProcess) less = sf_noise_process_respace (part, again, G_N_ELEMENTS (again), NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (keep); i++)
    {
      g_assert_cmpfloat_with_epsilon (part->alpha_bar[i], p->alpha_bar[keep[i]], 1e-14);
      g_assert_cmpfloat (sf_noise_process_level (part, i).t, ==, keep[i]);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (again); i++)
    {
      g_assert_cmpfloat_with_epsilon (less->log_sigma[i], p->log_sigma[keep[again[i]]], 1e-12);
      g_assert_cmpfloat (sf_noise_process_level (less, i).t, ==, keep[again[i]]);
    }
}

/*** Continuous processes ***/

/* The marginals a x0 + s n are those of dx = f x dt + g dw: a' = f a, (s^2)' = 2 f s^2 + g^2. */
static void
test_marginals (gconstpointer data)
{
  const SfNoiseKind *kind = data;
  const double *p = kind->defaults, h = 1e-6;

  for (double t = 0.05; t < 0.96; t += 0.05)
    {
      double f = kind->drift (p, t), g = kind->diffusion (p, t), a = kind->signal (p, t), s = kind->noise (p, t);
      double da = (kind->signal (p, t + h) - kind->signal (p, t - h)) / (2 * h);
      double ds = (pow (kind->noise (p, t + h), 2) - pow (kind->noise (p, t - h), 2)) / (2 * h);

      g_assert_cmpfloat_with_epsilon (da, f * a, 1e-7 * MAX (1, fabs (f * a)));
      g_assert_cmpfloat_with_epsilon (ds, 2 * f * s * s + g * g, 1e-7 * MAX (1, g * g));
    }
}

static void
test_time (gconstpointer data)
{
  const SfNoiseKind *kind = data;
  g_autoptr (SfNoiseProcess) p = sf_noise_process_new_continuous (kind, kind->defaults, NULL);

  for (int i = 0; i <= 100; i++)
    {
      double t = kind->t_min + (kind->t_max - kind->t_min) * i / 100;
      SfNoiseLevel level = sf_noise_process_level (p, t), back = sf_noise_process_level_at (p, level.sigma);

      g_assert_cmpfloat_with_epsilon (sf_noise_process_t (p, level.sigma), t, 1e-9);
      g_assert_cmpfloat_with_epsilon (back.a, level.a, 1e-9);
      g_assert_cmpfloat_with_epsilon (back.t, level.t, 1e-6);
      g_assert_cmpfloat_with_epsilon (level.sigma * level.a, kind->noise (p->p, t), 1e-9 * MAX (1, kind->noise (p->p, t)));
    }
}

static void
add (const char *name, const char *what, gconstpointer data, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/noise-process/%s/%s", name, what);

  g_test_add_data_func (path, data, func);
}

int
main (int argc, char **argv)
{
  static const char *const interpolations[] = { "log-sigma", "sigma", "log-alpha" };
  int n_kinds, n_betas;
  const SfNoiseKind *kinds = sf_noise_kinds (&n_kinds);
  const SfBetas *betas = sf_betas (&n_betas);

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/noise-process/table", test_table);
  g_test_add_func ("/noise-process/refused", test_refused);
  g_test_add_func ("/noise-process/zero-snr", test_zero_snr);
  g_test_add_func ("/noise-process/respace", test_respace);
  for (gsize i = 0; i < G_N_ELEMENTS (interpolations); i++)
    add (interpolations[i], "inverse", GINT_TO_POINTER (i), test_inverse);
  for (int i = 0; i < n_betas; i++)
    add (betas[i].name, "betas", &betas[i], test_betas);
  for (int i = 0; i < n_kinds; i++)
    {
      add (kinds[i].name, "marginals", &kinds[i], test_marginals);
      add (kinds[i].name, "time", &kinds[i], test_time);
    }
  return g_test_run ();
}
