/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-schedule.h"
#include "diffusion/sf-timesteps.h"

/*** Parameters below a prefix ***/

static double
number (Case *c, const char *prefix, const char *name, double fallback)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_number (c, path, fallback);
}

static gboolean
flag (Case *c, const char *prefix, const char *name)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_flag (c, path, FALSE);
}

static const char *
text (Case *c, const char *prefix, const char *name, const char *fallback)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_text (c, path, fallback);
}

/* (transfer full) (nullable) */
static double *
list (Case *c, const char *path, int *n)
{
  JsonNode *node = case_node (c, path);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  double *values;

  if (array == NULL)
    return NULL;
  *n = (int) json_array_get_length (array);
  values = g_new (double, *n);
  for (int i = 0; i < *n; i++)
    values[i] = json_array_get_double_element (array, i);
  return values;
}

/*** Processes ***/

static SfNoiseProcess *
named_process (Case *c, const char *name, int n, double start, double end)
{
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process = sf_noise_process_new_named (name, n, start, end, &error);

  case_ok (c, process != NULL, &error);
  return process;
}

/* @terminal: alpha_bar of the last timestep after rescale_betas_zero_snr */
static SfNoiseProcess *
diffusers_process (Case *c, const char *prefix, double terminal)
{
  static const char *const names[][2] = {
    { "linear", "linear" },
    { "scaled_linear", "scaled-linear" },
    { "squaredcos_cap_v2", "cosine" },
    { "sigmoid", "sigmoid" },
    { "laplace", "laplace" },
  };
  const char *name = text (c, prefix, "beta_schedule", "linear"), *ours = NULL;
  g_autofree char *path = g_strconcat (prefix, "trained_betas", NULL);
  int n = (int) number (c, prefix, "num_train_timesteps", 1000);
  double start = number (c, prefix, "beta_start", 1e-4), end = number (c, prefix, "beta_end", 0.02);
  g_autofree double *beta = list (c, path, &n);
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (names[i][0], name))
      ours = names[i][1];
  if (ours == NULL || n < 1)
    {
      case_fail (c, "unknown beta schedule %s of %d timesteps", name, n);
      return NULL;
    }
  if (beta == NULL)
    {
      beta = g_new (double, n);
      if (!case_ok (c, sf_betas_fill (sf_betas_find (ours), n, start, end, beta, &error), &error))
        return NULL;
    }
  if (flag (c, prefix, "rescale_betas_zero_snr"))
    sf_betas_rescale_zero_snr (beta, n, terminal);
  process = sf_noise_process_new (beta, n, &error);
  case_ok (c, process != NULL, &error);
  return process;
}

SfNoiseProcess *
reference_diffusers_process (Case *c, const char *prefix)
{
  return diffusers_process (c, prefix, 0);
}

SfNoiseProcess *
reference_dpmsolver_process (Case *c, const char *prefix)
{
  const double log_sigma_max = 5.1;
  g_autoptr (SfNoiseProcess) whole = reference_diffusers_process (c, prefix);
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process;
  int n = whole != NULL ? whole->n : 0;

  while (n > 1 && whole->log_sigma[n - 1] > log_sigma_max)
    n--;
  if (n == 0)
    return NULL;
  process = sf_noise_process_new (whole->beta, n, &error);
  case_ok (c, process != NULL, &error);
  process->interpolation = SF_INTERPOLATE_LOG_ALPHA;
  process->label_scale = 1000.0 / n;
  return process;
}

/* (transfer full) (nullable): indices of @spec: a number, a list, "25", "10,15,20" or "ddim50". */
static int *
section_indices (Case *c, JsonNode *spec, int total, int *n)
{
  g_autofree int *keep = g_new (int, total);
  g_autofree int *counts = NULL;
  g_autoptr (GError) error = NULL;
  const char *string = JSON_NODE_HOLDS_VALUE (spec) ? json_node_get_string (spec) : NULL;
  int n_counts = 1;

  if (string != NULL && g_str_has_prefix (string, "ddim"))
    *n = sf_timesteps_ddim (total, atoi (string + strlen ("ddim")), keep, &error);
  else
    {
      if (string != NULL)
        {
          g_auto (GStrv) parts = g_strsplit (string, ",", -1);

          n_counts = (int) g_strv_length (parts);
          counts = g_new (int, n_counts + 1);
          for (int i = 0; i < n_counts; i++)
            counts[i] = atoi (parts[i]);
        }
      else
        {
          JsonArray *array = JSON_NODE_HOLDS_ARRAY (spec) ? json_node_get_array (spec) : NULL;

          n_counts = array != NULL ? (int) json_array_get_length (array) : 1;
          counts = g_new (int, n_counts + 1);
          for (int i = 0; i < n_counts; i++)
            counts[i] = (int) (array != NULL ? json_array_get_int_element (array, i) : json_node_get_int (spec));
        }
      *n = sf_timesteps_sections (total, counts, n_counts, keep, &error);
    }
  return case_ok (c, *n > 0, &error) ? g_steal_pointer (&keep) : NULL;
}

SfNoiseProcess *
reference_openai_process (Case *c)
{
  const char *name = case_text (c, "schedule", "linear");
  JsonNode *sections = case_node (c, "sections");
  int total = case_int (c, "T", 1000), n = 0;
  g_autofree int *keep = NULL;
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process, *part;

  if (!g_str_equal (name, "linear") && !g_str_equal (name, "cosine"))
    {
      case_fail (c, "unknown schedule %s", name);
      return NULL;
    }
  process = named_process (c, g_str_equal (name, "linear") ? "openai-linear" : name, total, 0, 0);
  if (process == NULL)
    return NULL;
  if (case_flag (c, "rescale", FALSE))
    process->label_scale = 1000.0 / total;
  if (sections == NULL)
    return process;
  keep = section_indices (c, sections, total, &n);
  part = keep != NULL ? sf_noise_process_respace (process, keep, n, &error) : NULL;
  if (keep != NULL)
    case_ok (c, part != NULL, &error);
  sf_noise_process_unref (process);
  return part;
}

SfPrediction
reference_prediction (Case *c, const char *prefix, SfPrediction fallback)
{
  static const struct
  {
    const char *name;
    SfPrediction prediction;
  } rows[] = {
    { "epsilon", SF_PREDICTION_EPSILON },
    { "sample", SF_PREDICTION_SAMPLE },
    { "v_prediction", SF_PREDICTION_V },
    { "flow_prediction", SF_PREDICTION_FLOW },
  };
  const char *name = text (c, prefix, "prediction_type", NULL);

  for (gsize i = 0; name != NULL && i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].name, name))
      return rows[i].prediction;
  if (name != NULL)
    case_fail (c, "unknown prediction type %s", name);
  return fallback;
}

/*** diffusers' schedulers ***/

typedef enum
{
  KIND_UNKNOWN,
  KIND_CHAIN,     /* whole timesteps of the chain */
  KIND_DISTILLED,
  KIND_SIGMA,     /* state in sigma space */
  KIND_MULTISTEP, /* by sigma, state a x0 + s n */
  KIND_FLOW,
} Kind;

static const struct
{
  const char *cls;
  Kind kind;
  const char *spacing;
} classes[] = {
  { "DDPMScheduler", KIND_CHAIN, "leading" },
  { "DDIMScheduler", KIND_CHAIN, "leading" },
  { "PNDMScheduler", KIND_CHAIN, "leading" },
  { "LCMScheduler", KIND_DISTILLED, "lcm" },
  { "TCDScheduler", KIND_DISTILLED, "lcm" },
  { "EulerDiscreteScheduler", KIND_SIGMA, "linspace" },
  { "EulerAncestralDiscreteScheduler", KIND_SIGMA, "linspace" },
  { "HeunDiscreteScheduler", KIND_SIGMA, "linspace" },
  { "LMSDiscreteScheduler", KIND_SIGMA, "linspace" },
  { "KDPM2DiscreteScheduler", KIND_SIGMA, "linspace" },
  { "KDPM2AncestralDiscreteScheduler", KIND_SIGMA, "linspace" },
  { "DPMSolverMultistepScheduler", KIND_MULTISTEP, "linspace" },
  { "DPMSolverSinglestepScheduler", KIND_MULTISTEP, "linspace" },
  { "UniPCMultistepScheduler", KIND_MULTISTEP, "linspace" },
  { "DEISMultistepScheduler", KIND_MULTISTEP, "linspace" },
  { "FlowMatchEulerDiscreteScheduler", KIND_FLOW, "flow-shift" },
  { "FlowMatchHeunDiscreteScheduler", KIND_FLOW, "flow-shift" },
};

static gsize
class_of (const char *cls)
{
  gsize i = 0;

  while (i < G_N_ELEMENTS (classes) && !g_str_equal (classes[i].cls, cls))
    i++;
  return i;
}

gboolean
reference_is_sigma_class (const char *cls)
{
  gsize i = class_of (cls);

  return i < G_N_ELEMENTS (classes) && classes[i].kind == KIND_SIGMA;
}

SfNoiseProcess *
reference_scheduler_process (Case *c, const char *cls, const char *prefix)
{
  gsize i = class_of (cls);
  Kind kind = i < G_N_ELEMENTS (classes) ? classes[i].kind : KIND_UNKNOWN;
  gboolean by_sigma = kind == KIND_SIGMA || kind == KIND_MULTISTEP;
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process;

  if (kind == KIND_UNKNOWN)
    {
      case_fail (c, "unknown scheduler %s", cls);
      return NULL;
    }
  process = diffusers_process (c, prefix, by_sigma ? SF_NOISE_ALPHA_BAR_MIN : 0);
  if (process != NULL && (kind == KIND_FLOW || (kind == KIND_MULTISTEP && flag (c, prefix, "use_flow_sigmas"))))
    {
      const SfNoiseKind *flow = sf_noise_kind_find ("flow");
      int total = process->n;

      sf_noise_process_unref (process);
      process = sf_noise_process_new_continuous (flow, flow->defaults, &error);
      process->label_scale = total;
    }
  else if (process != NULL && by_sigma)
    process->interpolation = SF_INTERPOLATE_SIGMA;
  return process;
}

static gboolean
fill (Case *c, const char *row, const SfNoiseProcess *process, const SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  g_autoptr (GError) error = NULL;
  int made = sf_schedule_fill (sf_schedule_find (row), process, options, *n, levels, &error);

  *n = made;
  return case_ok (c, made > 0, &error);
}

/* The row of timestep_spacing: linspace may be fractional. */
static const char *
spacing_row (Case *c, const char *prefix, const char *usual, gboolean fractional, SfScheduleOptions *options)
{
  const char *name = text (c, prefix, "timestep_spacing", usual);

  options->offset = (int) number (c, prefix, "steps_offset", 0);
  if (g_str_equal (name, "linspace"))
    return fractional ? "uniform" : name;
  if (!g_str_equal (name, "leading") && !g_str_equal (name, "trailing"))
    case_fail (c, "unknown spacing %s", name);
  return name;
}

/* (nullable): the row of use_karras_sigmas and its kin. */
static const char *
sigma_row (Case *c, const char *prefix)
{
  return flag (c, prefix, "use_karras_sigmas") ? "karras" : flag (c, prefix, "use_exponential_sigmas") ? "exponential"
                                                        : flag (c, prefix, "use_beta_sigmas")          ? "beta"
                                                                                                       : NULL;
}

/* numpy's linspace of a single point is its first, timestep 0; ours begins with the noise. */
static gboolean
fill_spaced (Case *c, const char *row, const SfNoiseProcess *process, const SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  if (*n > 1 || options->open || (!g_str_equal (row, "linspace") && !g_str_equal (row, "uniform")))
    return fill (c, row, process, options, n, levels);
  levels[0] = sf_noise_process_level (process, 0);
  levels[1] = sf_noise_process_level_at (process, options->sigma_final);
  return TRUE;
}

/* Euler and its kin: the ends of other spacings are those of timestep_spacing. */
static gboolean
fill_sigma (Case *c, const char *cls, const char *prefix, const char *usual, const SfNoiseProcess *process,
            SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  const char *between = text (c, prefix, "interpolation_type", "linear"), *other = sigma_row (c, prefix);
  int more = *n + 1;

  if (!fill_spaced (c, spacing_row (c, prefix, usual, TRUE, options), process, options, n, levels))
    return FALSE;
  if (g_str_equal (between, "log_linear"))
    {
      g_autofree SfNoiseLevel *spaced = g_memdup2 (levels, (*n + 1) * sizeof *levels);

      if (!fill (c, "exponential", process, options, &more, levels))
        return FALSE;
      for (int k = 0; k < *n; k++)
        levels[k].t = spaced[k].t;
    }
  else if (!g_str_equal (between, "linear"))
    case_fail (c, "unknown interpolation %s", between);
  if (other == NULL)
    return TRUE;
  options->sigma_max = number (c, prefix, "sigma_max", levels[0].sigma);
  options->sigma_min = number (c, prefix, "sigma_min", levels[*n - 1].sigma);
  options->rounding = g_str_has_prefix (cls, "KDPM2") && g_str_equal (other, "karras") ? SF_LABEL_NEAREST : SF_LABEL_EXACT;
  return fill (c, other, process, options, n, levels);
}

static gboolean
fill_multistep (Case *c, const char *cls, const char *prefix, const char *usual, const SfNoiseProcess *process,
                SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  const char *other = sigma_row (c, prefix), *row;
  double lambda_min = number (c, prefix, "lambda_min_clipped", -G_MAXDOUBLE);
  gboolean cosine = g_str_equal (text (c, prefix, "beta_schedule", "linear"), "squaredcos_cap_v2");

  options->timesteps = process->n;
  while (options->timesteps > 1 && -process->log_sigma[options->timesteps - 1] < lambda_min)
    options->timesteps--;
  row = spacing_row (c, prefix, usual, FALSE, options);
  if (flag (c, prefix, "use_lu_lambdas"))
    row = other = "exponential", options->rounding = SF_LABEL_NEAREST;
  else if (other != NULL)
    row = other, options->rounding = g_str_equal (other, "karras") ? SF_LABEL_NEAREST : SF_LABEL_TRUNCATED;
  else
    options->open = TRUE;
  if (other != NULL && cosine && g_str_equal (cls, "DPMSolverMultistepScheduler"))
    options->rounding = SF_LABEL_TRUNCATED;
  return fill_spaced (c, row, process, options, n, levels);
}

static double
flow_sigma (double t, double shift)
{
  return sf_time_shift (t, shift) / (1 - sf_time_shift (t, shift));
}

/* use_flow_sigmas of the multistep solvers. */
static gboolean
fill_multistep_flow (Case *c, const char *cls, const char *prefix, const SfNoiseProcess *process, SfScheduleOptions *options,
                     int *n, SfNoiseLevel *levels)
{
  double step = 1 / process->label_scale;

  options->shift = number (c, prefix, "flow_shift", 1);
  options->rounding = SF_LABEL_TRUNCATED;
  if (g_str_equal (cls, "UniPCMultistepScheduler"))
    {
      const double almost = 1 - 1e-6;

      options->open = TRUE;
      options->sigma_min = flow_sigma (step, options->shift);
      if (!fill (c, "flow-shift", process, options, n, levels))
        return FALSE;
      levels[0] = sf_noise_process_level (process, almost);
      levels[0].t = trunc (levels[0].t);
      return TRUE;
    }
  options->sigma_max = flow_sigma (1 - step, options->shift);
  options->sigma_min = flow_sigma ((1 - step) / *n, options->shift);
  return fill (c, "flow-shift", process, options, n, levels);
}

static gboolean
fill_flow (Case *c, const char *cls, const char *prefix, const SfNoiseProcess *process, SfScheduleOptions *options, int *n,
           SfNoiseLevel *levels)
{
  gboolean dynamic = flag (c, prefix, "use_dynamic_shifting");
  const char *type = text (c, prefix, "time_shift_type", "exponential"), *other = sigma_row (c, prefix);
  double shift = number (c, prefix, "shift", 1), mu = case_number (c, "call.mu", 0), step = 1 / process->label_scale;
  g_autofree double *given = list (c, "call.sigmas", n);

  if (!g_str_equal (type, "exponential") && !g_str_equal (type, "linear"))
    case_fail (c, "unknown shift %s", type);
  options->shift = !dynamic ? shift : g_str_equal (type, "linear") ? mu
                                                                   : exp (mu);
  options->terminal = number (c, prefix, "shift_terminal", 0);
  if (given != NULL)
    {
      double last = sf_time_shift (given[*n - 1], options->shift);
      double stretch = options->terminal > 0 ? (1 - options->terminal) / (1 - last) : 1;

      for (int k = 0; k < *n; k++)
        levels[k] = sf_noise_process_level (process, 1 - stretch * (1 - sf_time_shift (given[k], options->shift)));
    }
  else
    {
      /* A static shift is applied to the low end before, too. */
      options->sigma_min = flow_sigma (dynamic ? step : sf_time_shift (step, shift), options->shift);
      if (!fill (c, "flow-shift", process, options, n, levels))
        return FALSE;
    }
  levels[*n] = sf_noise_level_clean ();
  if (other == NULL)
    return TRUE;
  *options = (SfScheduleOptions) { .sigma_max = levels[0].sigma, .sigma_min = levels[*n - 1].sigma };
  return fill (c, other, process, options, n, levels);
}

/* "timesteps" or, for classes that go by sigma, "sigmas" with the last one. */
static SfNoiseLevel *
given_levels (const SfNoiseProcess *process, const double *times, const double *sigmas, double sigma_final, int *n)
{
  SfNoiseLevel *levels = g_new (SfNoiseLevel, *n + 1);

  for (int k = 0; k < *n; k++)
    levels[k] = sigmas != NULL ? sf_noise_process_level_at (process, sigmas[k]) : sf_noise_process_level (process, times[k]);
  if (sigmas != NULL)
    --*n;
  else
    levels[*n] = sf_noise_process_level_at (process, sigma_final);
  return levels;
}

SfNoiseLevel *
reference_diffusers_levels (Case *c, const char *cls, const char *prefix, const SfNoiseProcess *process, int *n)
{
  gsize i = class_of (cls);
  Kind kind = classes[i].kind;
  gboolean deis = g_str_equal (cls, "DEISMultistepScheduler"), ok = FALSE;
  const char *end = text (c, prefix, "final_sigmas_type", deis ? "sigma_min" : "zero"), *usual = classes[i].spacing;
  g_autofree double *times = list (c, "call.timesteps", n);
  g_autofree double *sigmas = kind != KIND_FLOW ? list (c, "call.sigmas", n) : NULL;
  g_autofree SfNoiseLevel *levels = NULL;
  SfScheduleOptions options = { 0 };
  int capacity;

  if (g_str_equal (end, "sigma_min") && process->kind == NULL)
    options.sigma_final = exp (process->log_sigma[0]);
  else if (!g_str_equal (end, "zero") && process->kind == NULL)
    case_fail (c, "unknown final_sigmas_type %s", end);
  if (times != NULL || sigmas != NULL)
    return given_levels (process, times, sigmas, options.sigma_final, n);
  if (kind == KIND_FLOW && case_has (c, "call.sigmas"))
    capacity = (int) json_array_get_length (json_node_get_array (case_node (c, "call.sigmas")));
  else
    capacity = *n;
  if (capacity < 1)
    {
      case_fail (c, "no number of steps");
      return NULL;
    }
  levels = g_new (SfNoiseLevel, capacity + 2);
  switch (kind)
    {
    case KIND_CHAIN:
      ok = fill_spaced (c, spacing_row (c, prefix, usual, FALSE, &options), process, &options, n, levels);
      break;
    case KIND_DISTILLED:
      options.original = (int) number (c, prefix, "original_inference_steps", 50);
      options.strength = case_number (c, "call.strength", 1);
      ok = fill (c, usual, process, &options, n, levels);
      break;
    case KIND_SIGMA:
      ok = fill_sigma (c, cls, prefix, usual, process, &options, n, levels);
      break;
    case KIND_MULTISTEP:
      ok = process->kind != NULL ? fill_multistep_flow (c, cls, prefix, process, &options, n, levels)
                                 : fill_multistep (c, cls, prefix, usual, process, &options, n, levels);
      break;
    default:
      ok = fill_flow (c, cls, prefix, process, &options, n, levels);
      break;
    }
  return ok ? g_steal_pointer (&levels) : NULL;
}
