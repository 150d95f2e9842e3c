/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-noise-process.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"

static void
process_clear (gpointer data)
{
  SfNoiseProcess *self = data;

  g_free (self->beta);
  g_free (self->alpha_bar);
  g_free (self->log_alpha_bar);
  g_free (self->log_sigma);
  g_free (self->label);
}

SfNoiseProcess *
sf_noise_process_ref (const SfNoiseProcess *self)
{
  return g_atomic_rc_box_acquire ((SfNoiseProcess *) self);
}

void
sf_noise_process_unref (SfNoiseProcess *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, process_clear);
}

SfNoiseProcess *
sf_noise_process_new (const double *beta, int n, GError **error)
{
  SfNoiseProcess *self;
  double log_alpha_bar = 0;

  g_return_val_if_fail (n > 0, NULL);

  for (int t = 0; t < n; t++)
    if (!(beta[t] > 0 && (beta[t] < 1 || (beta[t] == 1 && t == n - 1 && t > 0))))
      {
        g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                     _ ("Noise process: beta must be between 0 and 1, but number %d of %d is %g"), t, n, beta[t]);
        return NULL;
      }
  self = g_atomic_rc_box_new0 (SfNoiseProcess);
  self->n = n;
  self->label_scale = 1;
  self->beta = g_memdup2 (beta, n * sizeof *beta);
  self->alpha_bar = g_new (double, n);
  self->log_alpha_bar = g_new (double, n);
  self->log_sigma = g_new (double, n);
  for (int t = 0; t < n; t++)
    {
      log_alpha_bar += log1p (-beta[t]);
      self->log_alpha_bar[t] = log_alpha_bar;
      self->alpha_bar[t] = exp (log_alpha_bar);
      /* sigma^2 = (1 - alpha_bar) / alpha_bar = 1 / alpha_bar - 1, without cancelling at small t */
      self->log_sigma[t] = beta[t] < 1 ? 0.5 * log (expm1 (-log_alpha_bar)) : log (SF_NOISE_SIGMA_MAX);
    }
  return self;
}

SfNoiseProcess *
sf_noise_process_respace (const SfNoiseProcess *self, const int *keep, int n, GError **error)
{
  g_autofree double *beta = g_new (double, n);
  double last = 0;
  SfNoiseProcess *made;

  g_return_val_if_fail (self->kind == NULL, NULL);

  for (int i = 0; i < n; i++)
    {
      if (keep[i] < 0 || keep[i] >= self->n || (i > 0 && keep[i] <= keep[i - 1]))
        {
          g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                       _ ("Noise process: timestep %d, number %d of those to keep, must rise and lie below %d"), keep[i], i, self->n);
          return NULL;
        }
      beta[i] = -expm1 (self->log_alpha_bar[keep[i]] - last); /* 1 - alpha_bar / alpha_bar of the one before */
      last = self->log_alpha_bar[keep[i]];
    }
  if ((made = sf_noise_process_new (beta, n, error)) == NULL)
    return NULL;
  made->label = g_new (double, n);
  for (int i = 0; i < n; i++)
    made->label[i] = self->label != NULL ? self->label[keep[i]] : keep[i];
  made->label_scale = self->label_scale;
  made->interpolation = self->interpolation;
  return made;
}

SfNoiseProcess *
sf_noise_process_new_continuous (const SfNoiseKind *kind, const double p[2], GError **error)
{
  SfNoiseProcess *self;

  if (!(p[0] > 0 && p[1] > p[0] && isfinite (p[1])) && kind->parameters[0] != NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Noise process “%s”: %s and %s must be positive and rise, not %g and %g"),
                   kind->name, kind->parameters[0], kind->parameters[1], p[0], p[1]);
      return NULL;
    }
  self = g_atomic_rc_box_new0 (SfNoiseProcess);
  self->kind = kind;
  self->label_scale = kind->label_scale;
  memcpy (self->p, p, sizeof self->p);
  return self;
}

/*** Between the entries of a table ***/

/* The value of an ascending or descending @table at fractional @t; the slope of the ends goes on. */
static double
interpolate (const double *table, int n, double t)
{
  int low = (int) CLAMP (floor (t), 0, MAX (n - 2, 0));

  return n == 1 || t == low ? table[low] : table[low] + (t - low) * (table[low + 1] - table[low]);
}

/* The reverse, for a monotone table. */
static double
locate (const double *table, int n, double value)
{
  double sign = table[n - 1] > table[0] ? 1 : -1;
  int low = 0, high = n - 1; /* table[low] <= value < table[high] if ascending, where the table reaches so far */

  if (n == 1)
    return 0;
  while (high - low > 1)
    {
      int middle = (low + high) / 2;

      if (sign * table[middle] <= sign * value)
        low = middle;
      else
        high = middle;
    }
  return low + (value - table[low]) / (table[high] - table[low]);
}

static double
label_at (const SfNoiseProcess *self, double t)
{
  double label = CLAMP (t, 0, self->n - 1);

  return (self->label != NULL ? interpolate (self->label, self->n, label) : label) * self->label_scale;
}

static double
log_alpha_bar_of (double sigma)
{
  return -log1p (sigma * sigma);
}

double
sf_noise_process_sigma (const SfNoiseProcess *self, double t)
{
  if (self->kind != NULL)
    {
      double a = self->kind->signal (self->p, t), s = self->kind->noise (self->p, t);

      return s < a * SF_NOISE_SIGMA_PURE ? s / a : SF_NOISE_SIGMA_PURE;
    }
  if (t == self->n - 1 && self->alpha_bar[self->n - 1] == 0)
    return SF_NOISE_SIGMA_PURE;
  if (self->interpolation == SF_INTERPOLATE_LOG_ALPHA)
    return sqrt (expm1 (-interpolate (self->log_alpha_bar, self->n, t)));
  if (self->interpolation == SF_INTERPOLATE_SIGMA)
    {
      int low = (int) CLAMP (floor (t), 0, MAX (self->n - 2, 0)), high = MIN (low + 1, self->n - 1);
      double s = exp (self->log_sigma[low]);

      return s + (t - low) * (exp (self->log_sigma[high]) - s);
    }
  return exp (interpolate (self->log_sigma, self->n, t));
}

double
sf_noise_process_t (const SfNoiseProcess *self, double sigma)
{
  if (self->kind != NULL)
    return self->kind->time (self->p, sigma);
  if (self->interpolation == SF_INTERPOLATE_LOG_ALPHA)
    return locate (self->log_alpha_bar, self->n, log_alpha_bar_of (sigma));
  return locate (self->log_sigma, self->n, log (sigma));
}

SfNoiseLevel
sf_noise_level_clean (void)
{
  return (SfNoiseLevel) { .t = -1, .sigma = 0, .a = 1 };
}

SfNoiseLevel
sf_noise_process_level (const SfNoiseProcess *self, double t)
{
  double sigma = sf_noise_process_sigma (self, t);

  if (self->kind != NULL)
    return (SfNoiseLevel) {
      .t = self->label_scale > 0 ? self->label_scale * t : sigma,
      .sigma = sigma,
      .a = sigma < SF_NOISE_SIGMA_PURE ? self->kind->signal (self->p, t) : self->kind->noise (self->p, t) / sigma,
    };
  return (SfNoiseLevel) { .t = label_at (self, t), .sigma = sigma, .a = 1 / sqrt (1 + sigma * sigma) };
}

SfNoiseLevel
sf_noise_process_level_at (const SfNoiseProcess *self, double sigma)
{
  SfNoiseLevel level = sf_noise_level_clean ();

  if (sigma > 0)
    {
      double t = sf_noise_process_t (self, sigma);

      if (self->kind != NULL)
        level = sf_noise_process_level (self, t);
      else
        level = (SfNoiseLevel) { .t = label_at (self, t), .a = 1 / sqrt (1 + sigma * sigma) };
      level.sigma = sigma;
    }
  return level;
}

/*** Continuous processes ***/

/* VP: integral of beta from 0 to t, so that a = exp (-B / 2). */
static double
vp_integral (const double *p, double t)
{
  return p[0] * t + (p[1] - p[0]) * t * t / 2;
}

static double
vp_signal (const double *p, double t)
{
  return exp (-vp_integral (p, t) / 2);
}

static double
vp_noise (const double *p, double t)
{
  return sqrt (-expm1 (-vp_integral (p, t)));
}

static double
vp_beta (const double *p, double t)
{
  return p[0] + (p[1] - p[0]) * t;
}

static double
vp_drift (const double *p, double t)
{
  return -vp_beta (p, t) / 2;
}

static double
vp_diffusion (const double *p, double t)
{
  return sqrt (vp_beta (p, t));
}

/* t where the integral is @b. */
static double
vp_time_of_integral (const double *p, double b)
{
  return 2 * b / (p[0] + sqrt (p[0] * p[0] + 2 * (p[1] - p[0]) * b));
}

/* sigma^2 = e^B - 1 */
static double
vp_time (const double *p, double sigma)
{
  return vp_time_of_integral (p, log1p (sigma * sigma));
}

static double
subvp_noise (const double *p, double t)
{
  return -expm1 (-vp_integral (p, t));
}

static double
subvp_diffusion (const double *p, double t)
{
  return sqrt (vp_beta (p, t) * -expm1 (-2 * vp_integral (p, t)));
}

/* sigma = (1 - a^2) / a, so a = 2 / (sigma + sqrt (sigma^2 + 4)) and B = -2 log a */
static double
subvp_time (const double *p, double sigma)
{
  return vp_time_of_integral (p, 2 * log ((sigma + sqrt (sigma * sigma + 4)) / 2));
}

static double
ve_signal (const double *p, double t)
{
  return 1;
}

static double
ve_noise (const double *p, double t)
{
  return p[0] * pow (p[1] / p[0], t);
}

static double
ve_drift (const double *p, double t)
{
  return 0;
}

static double
ve_diffusion (const double *p, double t)
{
  return ve_noise (p, t) * sqrt (2 * log (p[1] / p[0]));
}

static double
ve_time (const double *p, double sigma)
{
  return log (sigma / p[0]) / log (p[1] / p[0]);
}

static double
flow_signal (const double *p, double t)
{
  return 1 - t;
}

static double
flow_noise (const double *p, double t)
{
  return t;
}

/* dx = -x / (1 - t) dt + sqrt (2 t / (1 - t)) dw has the marginals (1 - t) x0 + t n. */
static double
flow_drift (const double *p, double t)
{
  return -1 / (1 - t);
}

static double
flow_diffusion (const double *p, double t)
{
  return sqrt (2 * t / (1 - t));
}

static double
flow_time (const double *p, double sigma)
{
  return sigma / (1 + sigma);
}

static const SfNoiseKind kinds[] = {
  { "vp", N_ ("Variance preserving"), N_ ("DDPM in continuous time (Song et al. 2021)"), { "beta_min", "beta_max" }, { 0.1, 20 }, 1e-3, 1, 999, FALSE, vp_signal, vp_noise, vp_drift, vp_diffusion, vp_time },
  { "sub-vp", N_ ("Sub-variance preserving"), N_ ("Less noise than VP at the same signal; good likelihoods (Song et al. 2021)"), { "beta_min", "beta_max" }, { 0.1, 20 }, 1e-3, 1, 999, FALSE, vp_signal, subvp_noise, vp_drift, subvp_diffusion, subvp_time },
  { "ve", N_ ("Variance exploding"), N_ ("The signal stays, the noise grows (Song et al. 2021)"), { "sigma_min", "sigma_max" }, { 0.01, 50 }, 1e-5, 1, 0, FALSE, ve_signal, ve_noise, ve_drift, ve_diffusion, ve_time },
  { "flow", N_ ("Flow matching"), N_ ("A straight line from image to noise (Lipman et al. 2023, Liu et al. 2023)"), { NULL, NULL }, { 0, 0 }, 1e-3, 1, 1000, TRUE, flow_signal, flow_noise, flow_drift, flow_diffusion, flow_time },
};

const SfNoiseKind *
sf_noise_kinds (int *n)
{
  *n = G_N_ELEMENTS (kinds);
  return kinds;
}

const SfNoiseKind *
sf_noise_kind_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kinds[i].name, name) == 0)
      return &kinds[i];
  return NULL;
}
