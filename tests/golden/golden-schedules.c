/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Betas, what follows from them, and the continuous processes. */
#include <math.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-posterior.h"
#include "reference.h"

#define TOLERANCE_FLOAT 3e-5 /* of a product in float32 */

/* Names of improved-diffusion, Analytic-DPM and denoising-diffusion-pytorch, then of Ho et al., which come with beta_start. */
static const char *const names[][2] = {
  { "linear", "openai-linear" },
  { "cosine", "cosine" },
  { "sigmoid", "sigmoid-jabri" },
  { "vpsde", "vp" },
};
static const char *const names_with_range[][2] = {
  { "linear", "linear" },
  { "quad", "scaled-linear" },
  { "warmup10", "warmup10" },
  { "warmup50", "warmup50" },
  { "const", "const" },
  { "jsd", "jsd" },
};

static SfNoiseProcess *
named_process (Case *c)
{
  gboolean range = case_has (c, "beta_start");
  const char *name = case_text (c, "name", "");
  gsize n = range ? G_N_ELEMENTS (names_with_range) : G_N_ELEMENTS (names);
  double start = case_number (c, range ? "beta_start" : "beta_min", 0), end = case_number (c, range ? "beta_end" : "beta_max", 0);
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process;

  for (gsize i = 0; i < n; i++)
    {
      const char *const *row = range ? names_with_range[i] : names[i];

      if (!g_str_equal (row[0], name))
        continue;
      process = sf_noise_process_new_named (row[1], case_int (c, "T", 0), start, end, &error);
      case_ok (c, process != NULL, &error);
      return process;
    }
  case_fail (c, "unknown schedule %s", name);
  return NULL;
}

/*** Tables of discrete processes ***/

static double
beta (const SfNoiseProcess *p, int t)
{
  return p->beta[t];
}

static double
alpha_bar (const SfNoiseProcess *p, int t)
{
  return t < 0 ? 1 : t < p->n ? p->alpha_bar[t]
                              : 0;
}

static double
alpha_bar_before (const SfNoiseProcess *p, int t)
{
  return alpha_bar (p, t - 1);
}

static double
alpha_bar_after (const SfNoiseProcess *p, int t)
{
  return alpha_bar (p, t + 1);
}

static double
log_noise (const SfNoiseProcess *p, int t)
{
  return log (-expm1 (p->log_alpha_bar[t]));
}

static double
inverse_signal (const SfNoiseProcess *p, int t)
{
  return 1 / sf_noise_process_level (p, t).a;
}

static double
sigma (const SfNoiseProcess *p, int t)
{
  return sf_noise_process_level (p, t).sigma;
}

/* From level t to the one before, in the scale a x0 + s n. */
static SfPosterior
posterior (const SfNoiseProcess *p, int t, SfNoiseLevel *from, SfNoiseLevel *to)
{
  *from = sf_noise_process_level (p, t);
  *to = t > 0 ? sf_noise_process_level (p, t - 1) : sf_noise_level_clean ();
  return sf_posterior (from, to);
}

static double
posterior_variance (const SfNoiseProcess *p, int t)
{
  SfNoiseLevel from, to;

  return posterior (p, t, &from, &to).small * to.a * to.a;
}

static double
posterior_log_variance (const SfNoiseProcess *p, int t)
{
  return log (posterior_variance (p, MAX (t, 1)));
}

static double
weight_of_image (const SfNoiseProcess *p, int t)
{
  SfNoiseLevel from, to;

  return (1 - posterior (p, t, &from, &to).keep) * to.a;
}

static double
weight_of_state (const SfNoiseProcess *p, int t)
{
  SfNoiseLevel from, to;

  return posterior (p, t, &from, &to).keep * to.a / from.a;
}

static const struct
{
  const char *tensor;
  double (*value) (const SfNoiseProcess *p, int t);
  double tolerance;
} tables[] = {
  { "betas", beta, TOLERANCE_TABLE },
  { "alphas_cumprod", alpha_bar, TOLERANCE_TABLE },
  { "alphas_cumprod_f32", alpha_bar, TOLERANCE_FLOAT },
  { "alphas_cumprod_prev", alpha_bar_before, TOLERANCE_TABLE },
  { "alphas_cumprod_next", alpha_bar_after, TOLERANCE_TABLE },
  { "log_one_minus_alphas_cumprod", log_noise, TOLERANCE_TABLE },
  { "sqrt_recip_alphas_cumprod", inverse_signal, TOLERANCE_TABLE },
  { "sqrt_recipm1_alphas_cumprod", sigma, TOLERANCE_TABLE },
  { "posterior_variance", posterior_variance, TOLERANCE_TABLE },
  { "posterior_log_variance_clipped", posterior_log_variance, TOLERANCE_TABLE },
  { "posterior_mean_coef1", weight_of_image, TOLERANCE_TABLE },
  { "posterior_mean_coef2", weight_of_state, TOLERANCE_TABLE },
};

static void
run_discrete (Case *c)
{
  g_autoptr (SfNoiseProcess) process = case_has (c, "beta_schedule") ? reference_diffusers_process (c, "") : named_process (c);

  case_has (c, "full"); /* whether there are all tables */
  for (gsize i = 0; process != NULL && i < G_N_ELEMENTS (tables); i++)
    if (case_tensor (c, tables[i].tensor) != NULL)
      {
        g_autofree double *values = g_new (double, process->n);

        for (int t = 0; t < process->n; t++)
          values[t] = tables[i].value (process, t);
        case_compare_array (c, tables[i].tensor, values, process->n, tables[i].tolerance);
      }
}

/* Analytic-DPM: tables that begin with the clean image, and steps from each level to each below. */
static void
run_extended (Case *c)
{
  g_autoptr (SfNoiseProcess) process = named_process (c);
  const GoldenTensor *skips = case_tensor (c, "skip_alphas");
  int n = process != NULL ? process->n + 1 : 0;

  for (int t = 0; t < n; t++)
    {
      double log_t = t > 0 ? process->log_alpha_bar[t - 1] : 0;
      SfNoiseLevel from = t > 0 ? sf_noise_process_level (process, t - 1) : sf_noise_level_clean ();

      case_compare_number (c, "betas", t, t > 0 ? process->beta[t - 1] : 0, TOLERANCE_TABLE);
      case_compare_number (c, "cum_alphas", t, exp (log_t), TOLERANCE_TABLE);
      case_compare_number (c, "cum_betas", t, -expm1 (log_t), TOLERANCE_TABLE);
      for (int s = 0; s < n && skips != NULL; s++)
        {
          double ratio = log_t - (s > 0 ? process->log_alpha_bar[s - 1] : 0);
          SfNoiseLevel to = s > 0 ? sf_noise_process_level (process, s - 1) : sf_noise_level_clean ();

          case_compare_number (c, "skip_alphas", s * n + t, s < t ? exp (ratio) : 1, TOLERANCE_TABLE);
          case_compare_number (c, "skip_betas", s * n + t, s < t ? -expm1 (ratio) : 0, TOLERANCE_TABLE);
          case_compare_number (c, "tilde_beta", s * n + t, s < t ? sf_posterior (&from, &to).small * to.a * to.a : 0, TOLERANCE_TABLE);
        }
    }
}

/*** score_sde ***/

static void
run_continuous (Case *c)
{
  static const char *const kinds[][2] = { { "vp", "vp" }, { "subvp", "sub-vp" }, { "ve", "ve" } };
  const char *name = case_text (c, "name", "");
  const SfNoiseKind *kind = NULL;
  const GoldenTensor *times = case_need (c, "t");
  int n = case_int (c, "kw.N", 1000);
  double p[2];

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i][0], name))
      kind = sf_noise_kind_find (kinds[i][1]);
  if (kind == NULL)
    {
      case_fail (c, "unknown process %s", name);
      return;
    }
  for (int i = 0; i < 2; i++)
    {
      g_autofree char *path = g_strconcat ("kw.", kind->parameters[i], NULL);

      p[i] = case_number (c, path, kind->defaults[i]);
    }
  case_node (c, "t");
  for (gsize i = 0; i < times->size; i++)
    {
      double t = times->value[i];

      case_compare_number (c, "mean", i, kind->signal (p, t), TOLERANCE_TABLE);
      case_compare_number (c, "std", i, kind->noise (p, t), TOLERANCE_TABLE);
      case_compare_number (c, "drift", i, kind->drift (p, t), TOLERANCE_TABLE);
      case_compare_number (c, "diffusion", i, kind->diffusion (p, t), TOLERANCE_TABLE);
    }
  if (case_tensor (c, "discrete_betas") != NULL)
    {
      g_autofree double *betas = g_new (double, n);
      g_autoptr (GError) error = NULL;

      if (case_ok (c, sf_betas_fill (sf_betas_find ("linear"), n, p[0] / n, p[1] / n, betas, &error), &error))
        case_compare_array (c, "discrete_betas", betas, n, TOLERANCE_TABLE);
    }
  if (case_tensor (c, "discrete_sigmas") != NULL)
    for (int i = 0; i < n; i++)
      case_compare_number (c, "discrete_sigmas", i, kind->noise (p, (double) i / (n - 1)), TOLERANCE_TABLE);
}

static void
run (Case *c)
{
  if (case_tensor (c, "std") != NULL)
    run_continuous (c);
  else if (case_tensor (c, "cum_alphas") != NULL)
    run_extended (c);
  else
    run_discrete (c);
}

const GoldenGroup golden_schedules = { "schedules", run };
