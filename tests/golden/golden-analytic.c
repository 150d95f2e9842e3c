/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Analytic-DPM and Extended-Analytic-DPM: Gamma, sampling and the variational bound.  Their index n is our timestep n - 1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-bound.h"
#include "diffusion/sf-gamma.h"
#include "diffusion/sf-sampling.h"
#include "diffusion/sf-schedule.h"
#include "reference.h"
#include "walk.h"

/* The chain of "schedule" and "N", and how the network is told of it: n, or n - 1 with "shift1". */
static SfNoiseProcess *
make_process (Case *c)
{
  static const char *const names[][2] = { { "linear", "openai-linear" }, { "cosine", "cosine" }, { "vpsde", "vp" } };
  const char *name = case_text (c, "schedule", ""), *ours = NULL;
  double start = case_number (c, "beta_min", 0), end = case_number (c, "beta_max", 0);
  int n = case_int (c, "N", 0), shift = case_flag (c, "shift1", FALSE);
  g_autofree double *beta = g_new0 (double, n + 1);
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (names[i][0], name))
      ours = names[i][1];
  if (ours == NULL)
    {
      case_fail (c, "unknown schedule %s", name);
      return NULL;
    }
  process = sf_noise_process_new_named (ours, n, start, end, &error);
  if (!case_ok (c, process != NULL, &error))
    return NULL;
  memcpy (beta + 1, process->beta, n * sizeof (double));
  case_compare_array (c, "betas", beta, n + 1, TOLERANCE_TABLE);
  process->label = g_new (double, n);
  for (int t = 0; t < n; t++)
    process->label[t] = t + 1 - shift;
  return process;
}

/* What a trajectory is called here; the last row fits every power. */
static const struct
{
  const char *name, *schedule;
  int offset;
} trajectories[] = {
  { "linear", "strided", 1 },
  { "linear_ddim", "leading", 0 },
  { "quad_ddim", "quadratic", 0 },
  { "dp_seg", "optimal", 0 },
  { "power", "power", 0 },
};

/* (transfer full) (nullable): the trajectory of "K" indices, from the last to the first and then to 0; compares it. */
static SfNoiseLevel *
make_levels (Case *c, const SfNoiseProcess *process, const double *gamma, int *n)
{
  const GoldenTensor *steps = case_tensor (c, "steps"), *r = case_tensor (c, "r"), *s = case_tensor (c, "s");
  const char *type = case_text (c, "kw.steps_type", case_text (c, "steps_type", "linear"));
  SfScheduleOptions options = { .repeats = TRUE, .gamma = gamma };
  g_autofree SfNoiseLevel *levels = NULL;
  g_autoptr (GError) error = NULL;
  gsize i = 0;

  while (i < G_N_ELEMENTS (trajectories) - 1 && !g_str_equal (type, trajectories[i].name))
    i++;
  *n = case_int (c, "K", 0);
  if (*n < 1 || !g_str_has_prefix (type, trajectories[i].name))
    {
      case_fail (c, "unknown trajectory %s of %d steps", type, *n);
      return NULL;
    }
  options.offset = trajectories[i].offset;
  options.rho = atof (type + strlen (trajectories[i].name));
  if (g_str_equal (type, "linear_ddim"))
    {
      options.stride = process->n / *n;
      *n = (process->n + options.stride - 1) / options.stride;
    }
  levels = g_new (SfNoiseLevel, *n + 1);
  *n = sf_schedule_fill (sf_schedule_find (trajectories[i].schedule), process, &options, *n, levels, &error);
  if (!case_ok (c, *n > 0, &error))
    return NULL;
  for (int k = 0; k < *n; k++)
    {
      double from = rint (sf_noise_process_t (process, levels[k].sigma)) + 1;

      if (steps != NULL)
        case_compare_number (c, "steps", *n - k, from, 0);
      if (r != NULL)
        case_compare_number (c, "r", k, from, 0);
      if (s != NULL && k > 0)
        case_compare_number (c, "s", k - 1, from, 0);
    }
  return g_steal_pointer (&levels);
}

/*** Gamma ***/

static double
sample_variance (const double *x, int n)
{
  double mean = 0, sum = 0;

  for (int i = 0; i < n; i++)
    mean += x[i] / n;
  for (int i = 0; i < n; i++)
    sum += (x[i] - mean) * (x[i] - mean);
  return sum / (n - 1);
}

/* Kept by the reference in single precision. */
#define TOLERANCE_GAMMA MAX (TOLERANCE_STATE, 2e-7)

static void
run_gamma (Case *c, Mix *mix, const SfNoiseProcess *process)
{
  g_autoptr (SfTensor) data = case_state (c, "x0", 0, 4);
  g_autoptr (Replay) noise = replay_new (c, "noise");
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .noise = replay_draw, .noise_data = noise };
  int n = process->n, images = case_int (c, "M", data->n);
  g_autofree double *gamma = g_new0 (double, n + 1);
  g_autofree double *variance = g_new0 (double, n + 1);
  g_autofree double *each = g_new0 (double, (gsize) n *images);
  g_autoptr (GError) error = NULL;

  if (!case_ok (c, sf_estimate_gamma (&mix->parent, process, data, &options, (SfRng) { 0 }, gamma + 1, each, NULL, &error), &error))
    return;
  for (int t = 0; t < n; t++)
    variance[t + 1] = sample_variance (each + t * images, images);
  case_compare_array (c, "ms_eps", gamma, n + 1, TOLERANCE_GAMMA);
  case_compare_array (c, "vars_ms", variance, n + 1, TOLERANCE_GAMMA);
  case_compare_array (c, "ms_eps_each", each, (gsize) n * images, TOLERANCE_GAMMA);
}

/*** Sampling ***/

/* What the parameters of either code mean. */
typedef struct
{
  const char *sampler;
  SfSamplerOptions options;
  gboolean limited; /* "sigma2" is what the rules for the last steps have left of it */
} Plan;

/* The deviation of noise whose mean size is @pixels steps of 8 bits. */
static double
deviation_of_pixels (double pixels)
{
  return pixels * 2 / 255 * sqrt (G_PI / 2);
}

/* Analytic-DPM: "fn" is the function, "kw" what it is given. */
static Plan
plan_of_function (Case *c)
{
  const char *function = case_text (c, "fn", "");
  Plan plan = { .options = { SF_SAMPLER_OPTIONS }, .limited = TRUE };
  gboolean small = case_flag (c, "kw.small_sigma", FALSE), naive = g_str_has_suffix (function, "_naive");

  if (g_str_equal (function, "ddpm_ms"))
    plan.sampler = "analytic-ddpm";
  else if (g_str_equal (function, "ddim_ms"))
    plan.sampler = "analytic-ddim";
  else if (g_str_equal (function, "ddim_naive"))
    plan.sampler = "ddim";
  else if (g_str_equal (function, "ddpm_naive"))
    plan.sampler = small ? "ddpm" : "ddpm-large";
  else
    case_fail (c, "unknown function %s", function);
  if (!naive)
    plan.options.gamma = case_need (c, "ms_eps")->value + 1;
  plan.options.eta = case_number (c, "kw.eta", 0);
  plan.options.clip.kind = case_flag (c, "kw.clip_denoise", TRUE) ? SF_CLIP_STATIC : SF_CLIP_NONE;
  plan.options.deviation_max_steps = case_int (c, "kw.clip_sigma_idx", 0);
  plan.options.deviation_max = deviation_of_pixels (case_number (c, "kw.clip_pixel", 2));
  return plan;
}

/* Extended-Analytic-DPM: "typ" is what the network gives, "rev" the variance, "forward" the process. */
static Plan
plan_of_type (Case *c, Mix *mix)
{
  static const CaseChoice types[] = {
    { "eps", MIX_SECOND_NONE },
    { "eps_eps2", MIX_SECOND_EPS2 },
    { "eps_epsc", MIX_SECOND_EPSC },
    { "eps_iddpm", MIX_SECOND_RANGE },
  };
  static const CaseChoice forwards[] = { { "ddpm", FALSE }, { "ddim", TRUE } };
  enum
  {
    SMALL,
    LARGE,
    OPTIMAL
  };
  static const CaseChoice variances[] = { { "small", SMALL }, { "large", LARGE }, { "optimal", OPTIMAL } };
  int second = case_choice (c, "typ", NULL, types, G_N_ELEMENTS (types));
  int variance = case_choice (c, "rev", NULL, variances, G_N_ELEMENTS (variances));
  gboolean ddim = case_choice (c, "forward", "ddpm", forwards, G_N_ELEMENTS (forwards));
  Plan plan = { .options = { SF_SAMPLER_OPTIONS } };

  walk_set_second (mix, second);
  if (variance == OPTIMAL && second != MIX_SECOND_RANGE)
    plan.sampler = ddim ? "analytic-ddim" : "analytic-ddpm";
  else
    plan.sampler = ddim ? "ddim" : variance == LARGE ? "ddpm-large"
                                                     : "ddpm";
  if (case_tensor (c, "ms_eps") != NULL)
    plan.options.gamma = case_need (c, "ms_eps")->value + 1;
  plan.options.spread = case_flag (c, "avg_cov", FALSE) ? SF_SPREAD_IMAGE : SF_SPREAD_ELEMENT;
  plan.options.eta = case_number (c, "eta", 0);
  plan.options.clip.kind = case_flag (c, "clip", TRUE) ? SF_CLIP_STATIC : SF_CLIP_NONE;
  plan.options.deviation_max_steps = case_int (c, "clip_sigma_idx", 0);
  plan.options.deviation_max = deviation_of_pixels (case_number (c, "clip_pixel", 2));
  return plan;
}

/* The variance of step @k from the state that the reference had, against block or number @k of "sigma2". */
static void
compare_variance (Case *c, Mix *mix, const SfSampling *run, int k)
{
  double scale = run->levels[k + 1].a;
  g_autoptr (SfTensor) y = case_state (c, "x", k, 4);
  g_autoptr (SfTensor) raw = sf_tensor_new_like (y, NULL);
  g_autoptr (SfTensor) second = sf_tensor_new_like (y, NULL);
  g_autoptr (SfTensor) variance = sf_tensor_new_like (y, NULL);
  SfSampling s = *run;
  SfSamplerStage stage = { 0 };
  double limit = s.options->deviation_max > 0 && k + 1 >= s.n - s.options->deviation_max_steps ? s.options->deviation_max : G_MAXDOUBLE;

  for (gsize i = 0; i < sf_tensor_size (y); i++)
    y->data[i] = (SfReal) (y->data[i] / s.levels[k].a);
  mix->c = NULL;
  sf_denoiser_predict (&mix->parent, y, &s.levels[k], raw, s.variance != SF_VARIANCE_NONE ? second : NULL, NULL, NULL);
  mix->c = c;
  mix->call = 0;
  s.state = y;
  s.raw = s.denoised = raw;
  s.second = second;
  s.sampler->plan (&s, k, &stage);
  if (stage.per_element)
    s.sampler->deviation (&s, k, variance, NULL);
  for (gsize i = 0; i < sf_tensor_size (variance); i++)
    {
      double deviation = MIN (scale * (stage.per_element ? variance->data[i] : stage.noise), limit);

      variance->data[i] = (SfReal) (deviation * deviation);
    }
  if (case_need (c, "sigma2")->n_dims > 1)
    case_compare_state (c, "sigma2", k, variance, 1, TOLERANCE_STATE);
  else
    case_compare_number (c, "sigma2", k, stage.noise > 0 ? variance->data[0] : 0, TOLERANCE_STATE);
}

static void
run_sampling (Case *c, Mix *mix, const SfNoiseProcess *process)
{
  int n = 0;
  Plan plan = case_has (c, "fn") ? plan_of_function (c) : plan_of_type (c, mix);
  g_autofree SfNoiseLevel *levels = make_levels (c, process, plan.options.gamma, &n);
  SfSamplerOptions options = plan.options;
  SfSampling s = { .sampler = sf_sampler_find (plan.sampler), .options = &options, .process = process, .levels = levels, .n = n, .variance = mix->parent.variance };

  case_number (c, "ms", 0); /* how the reference made ms_eps */
  if (s.sampler == NULL || levels == NULL)
    return;
  plan.options.clip.keep_noise = options.clip.keep_noise = TRUE;
  if (!plan.limited)
    options.deviation_max = 0;
  for (int k = 0; k < n && case_tensor (c, "sigma2") != NULL; k++)
    compare_variance (c, mix, &s, k);
  walk (c, plan.sampler, mix, process, levels, n, &plan.options);
}

/*** The bound ***/

static void
run_bound (Case *c, Mix *mix, const SfNoiseProcess *process)
{
  int n = 0;
  Plan plan = plan_of_type (c, mix);
  g_autofree SfNoiseLevel *levels = make_levels (c, process, plan.options.gamma, &n);
  g_autoptr (SfTensor) x0 = case_state (c, "x0", 0, 4);
  g_autoptr (Replay) noise = replay_new (c, "noise");
  gsize size = sf_tensor_size (x0) / x0->n, terms = (gsize) (n + 1) * x0->n;
  g_autofree double *nats = g_new0 (double, terms);
  g_autofree double *rising = g_new0 (double, terms);
  g_autofree double *total = g_new0 (double, x0->n);
  g_autoptr (GError) error = NULL;

  case_number (c, "ms", 0);
  if (plan.sampler == NULL || levels == NULL)
    return;
  plan.options.noise = replay_draw;
  plan.options.noise_data = noise;
  plan.options.clip.keep_noise = TRUE;
  if (!case_ok (c, sf_bound (sf_sampler_find (plan.sampler), &mix->parent, process, levels, n, &plan.options, (SfRng) { 0 }, x0, nats, NULL, NULL, &error), &error))
    return;
  for (int k = 0; k <= n; k++)
    for (int i = 0; i < x0->n; i++)
      {
        rising[(n - k) * x0->n + i] = nats[k * x0->n + i] * size;
        total[i] += nats[k * x0->n + i] * size;
      }
  case_compare_array (c, "terms", rising, terms, TOLERANCE_STATE);
  case_compare_array (c, "nelbo", total, x0->n, TOLERANCE_STATE);
}

static void
run (Case *c)
{
  g_autoptr (SfNoiseProcess) process = make_process (c);
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;

  if (process == NULL)
    return;
  if (case_tensor (c, "nelbo") != NULL)
    run_bound (c, mix, process);
  else if (case_tensor (c, "ms_eps_each") != NULL)
    run_gamma (c, mix, process);
  else
    run_sampling (c, mix, process);
}

const GoldenGroup golden_analytic = { "analytic", run };
