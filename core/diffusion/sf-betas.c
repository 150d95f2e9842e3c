/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-betas.h"

#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-error.h"

/* No step may add more noise than that where alpha_bar is given as a function, which ends at 0. */
#define BETA_MAX 0.999

/*** From a formula for beta ***/

static double
linear (int t, int n, double start, double end)
{
  return n > 1 ? start + (end - start) * t / (n - 1) : start;
}

/* The same noise at the end for any number of timesteps; written for 1000. */
static double
openai_linear (int t, int n, double start, double end)
{
  return 1000.0 / n * linear (t, n, start, end);
}

static double
scaled_linear (int t, int n, double start, double end)
{
  double root = linear (t, n, sqrt (start), sqrt (end));

  return root * root;
}

static double
logistic (double x)
{
  return 1 / (1 + exp (-x));
}

static double
sigmoid (int t, int n, double start, double end)
{
  return start + (end - start) * logistic (linear (t, n, -6, 6));
}

static double
warm_up (int t, int warm, double start, double end)
{
  return t < warm ? linear (t, warm, start, end) : end;
}

static double
warmup10 (int t, int n, double start, double end)
{
  return warm_up (t, n / 10, start, end);
}

static double
warmup50 (int t, int n, double start, double end)
{
  return warm_up (t, n / 2, start, end);
}

static double
constant (int t, int n, double start, double end)
{
  return end;
}

/* 1 / T, 1 / (T - 1), …; the last would be 1 */
static double
jsd (int t, int n, double start, double end)
{
  return 1.0 / (n - t);
}

/* The VP-SDE's beta (u) = start + (end - start) u integrated over a step of 1 / T. */
static double
vp (int t, int n, double start, double end)
{
  double middle = (t + 0.5) / n;

  return -expm1 (-(start + (end - start) * middle) / n);
}

/*** From a formula for alpha_bar at u = t / T ***/

static double
of_alpha_bar (double (*alpha_bar) (double u), int t, int n)
{
  return MIN (1 - alpha_bar ((t + 1.0) / n) / alpha_bar ((double) t / n), BETA_MAX);
}

static double
cosine_alpha_bar (double u)
{
  double c = cos ((u + 0.008) / 1.008 * G_PI / 2);

  return c * c;
}

static double
cosine (int t, int n, double start, double end)
{
  return of_alpha_bar (cosine_alpha_bar, t, n);
}

static double
jabri_alpha_bar (double u)
{
  return (logistic (3) - logistic (6 * u - 3)) / (logistic (3) - logistic (-3));
}

static double
sigmoid_jabri (int t, int n, double start, double end)
{
  return of_alpha_bar (jabri_alpha_bar, t, n);
}

/* log SNR / 2 = -sign (1/2 - u) log (1 - 2 |1/2 - u|) / 2, kept finite at the ends */
static double
laplace_alpha_bar (double u)
{
  double lambda = -0.5 * copysign (1, 0.5 - u) * log (1 - 2 * fabs (0.5 - u) + 1e-6);

  return sqrt (logistic (lambda));
}

static double
laplace (int t, int n, double start, double end)
{
  return of_alpha_bar (laplace_alpha_bar, t, n);
}

static const SfBetas rows[] = {
  { "linear", N_ ("Linear"), N_ ("Of the first DDPM (Ho et al. 2020); right for 1000 timesteps only"), { "beta_start", "beta_end" }, 1e-4, 0.02, FALSE, linear },
  { "openai-linear", N_ ("Linear, any length"), N_ ("Linear, steeper for fewer timesteps so that the end is noise (improved-diffusion)"), { "beta_start", "beta_end" }, 1e-4, 0.02, FALSE, openai_linear },
  { "scaled-linear", N_ ("Scaled linear"), N_ ("Square roots are linear: Stable Diffusion, and “quad” of the first DDPM"), { "beta_start", "beta_end" }, 0.00085, 0.012, FALSE, scaled_linear },
  { "cosine", N_ ("Cosine"), N_ ("Noise comes slowly at both ends (Nichol and Dhariwal 2021)"), { NULL, NULL }, 0, 0, FALSE, cosine },
  { "sigmoid", N_ ("Sigmoid"), N_ ("Betas on a sigmoid (GeoDiff)"), { "beta_start", "beta_end" }, 1e-4, 0.02, FALSE, sigmoid },
  { "sigmoid-jabri", N_ ("Sigmoid of the signal"), N_ ("The signal falls on a sigmoid; for large images (Jabri et al. 2022)"), { NULL, NULL }, 0, 0, FALSE, sigmoid_jabri },
  { "laplace", N_ ("Laplace"), N_ ("Most timesteps at medium noise (Hang and Gu 2024)"), { NULL, NULL }, 0, 0, FALSE, laplace },
  { "warmup10", N_ ("Warm-up 10 %"), N_ ("Linear over the first tenth, then constant"), { "beta_start", "beta_end" }, 1e-4, 0.02, FALSE, warmup10 },
  { "warmup50", N_ ("Warm-up 50 %"), N_ ("Linear over the first half, then constant"), { "beta_start", "beta_end" }, 1e-4, 0.02, FALSE, warmup50 },
  { "const", N_ ("Constant"), N_ ("The same beta at each timestep"), { "beta_start", "beta_end" }, 1e-4, 0.02, FALSE, constant },
  { "jsd", N_ ("1 / T … 1"), N_ ("The signal's variance falls linearly, to none at the end"), { NULL, NULL }, 0, 0, TRUE, jsd },
  { "vp", N_ ("VP-SDE"), N_ ("The variance preserving SDE in steps (Song et al. 2021)"), { "beta_min", "beta_max" }, 0.1, 20, FALSE, vp },
};

const SfBetas *
sf_betas (int *n)
{
  *n = G_N_ELEMENTS (rows);
  return rows;
}

const SfBetas *
sf_betas_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_strcmp0 (rows[i].name, name) == 0)
      return &rows[i];
  return NULL;
}

gboolean
sf_betas_fill (const SfBetas *self, int n, double start, double end, double *beta, GError **error)
{
  start = start != 0 ? start : self->start;
  end = end != 0 ? end : self->end;
  if (n < 1)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Beta schedule “%s”: %d timesteps are too few"), self->name, n);
      return FALSE;
    }
  if (self->parameters[0] != NULL && !(start > 0 && start <= end && isfinite (end)))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Beta schedule “%s”: %s and %s must be positive and rise, not %g and %g"),
                   self->name, self->parameters[0], self->parameters[1], start, end);
      return FALSE;
    }
  for (int t = 0; t < n; t++)
    {
      beta[t] = self->beta (t, n, start, end);
      if (!(beta[t] > 0 && (beta[t] < 1 || (self->pure_end && t == n - 1))))
        {
          g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Beta schedule “%s” of %d timesteps: beta must be between 0 and 1, but number %d is %g"),
                       self->name, n, t, beta[t]);
          return FALSE;
        }
    }
  return TRUE;
}

/* r = sqrt (alpha_bar), r <- (r - r_T) r_0 / (r_0 - r_T) */
void
sf_betas_rescale_zero_snr (double *beta, int n, double terminal)
{
  g_autofree double *root = g_new (double, n);
  double alpha_bar = 1, last = 1;

  for (int t = 0; t < n; t++)
    root[t] = sqrt (alpha_bar *= 1 - beta[t]);
  for (int t = 0; t < n; t++)
    {
      double r = (root[t] - root[n - 1]) * (root[0] / (root[0] - root[n - 1]));

      alpha_bar = t < n - 1 ? r * r : terminal;
      beta[t] = 1 - alpha_bar / last;
      last = alpha_bar;
    }
}

SfNoiseProcess *
sf_noise_process_new_named (const char *name, int n, double start, double end, GError **error)
{
  const SfBetas *betas = sf_betas_find (name);
  g_autofree double *beta = g_new (double, MAX (n, 1));

  if (betas == NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("There is no beta schedule “%s”"), name);
      return NULL;
    }
  return sf_betas_fill (betas, n, start, end, beta, error) ? sf_noise_process_new (beta, n, error) : NULL;
}

const SfNoiseProcess *
sf_noise_process_ddpm (void)
{
  static SfNoiseProcess *process;

  if (g_once_init_enter (&process))
    g_once_init_leave (&process, sf_noise_process_new_named ("linear", 1000, 1e-4, 0.02, NULL));
  return process;
}
