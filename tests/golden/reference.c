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
flag_or (Case *c, const char *prefix, const char *name, gboolean fallback)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_flag (c, path, fallback);
}

static gboolean
flag (Case *c, const char *prefix, const char *name)
{
  return flag_or (c, prefix, name, FALSE);
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

/* What is not given. */
typedef struct
{
  const char *schedule;
  double start, end;
} Betas;

static const struct
{
  const char *cls;
  Kind kind;
  const char *spacing;
  Betas usual;
} classes[] = {
  { "DDPMScheduler", KIND_CHAIN, "leading", { "linear", 1e-4, 0.02 } },
  { "DDIMScheduler", KIND_CHAIN, "leading", { "linear", 1e-4, 0.02 } },
  { "PNDMScheduler", KIND_CHAIN, "leading", { "linear", 1e-4, 0.02 } },
  { "LCMScheduler", KIND_DISTILLED, "lcm", { "scaled_linear", 0.00085, 0.012 } },
  { "TCDScheduler", KIND_DISTILLED, "lcm", { "scaled_linear", 0.00085, 0.012 } },
  { "EulerDiscreteScheduler", KIND_SIGMA, "linspace", { "linear", 1e-4, 0.02 } },
  { "EulerAncestralDiscreteScheduler", KIND_SIGMA, "linspace", { "linear", 1e-4, 0.02 } },
  { "HeunDiscreteScheduler", KIND_SIGMA, "linspace", { "linear", 0.00085, 0.012 } },
  { "LMSDiscreteScheduler", KIND_SIGMA, "linspace", { "linear", 1e-4, 0.02 } },
  { "KDPM2DiscreteScheduler", KIND_SIGMA, "linspace", { "linear", 0.00085, 0.012 } },
  { "KDPM2AncestralDiscreteScheduler", KIND_SIGMA, "linspace", { "linear", 0.00085, 0.012 } },
  { "DPMSolverMultistepScheduler", KIND_MULTISTEP, "linspace", { "linear", 1e-4, 0.02 } },
  { "DPMSolverSinglestepScheduler", KIND_MULTISTEP, "linspace", { "linear", 1e-4, 0.02 } },
  { "UniPCMultistepScheduler", KIND_MULTISTEP, "linspace", { "linear", 1e-4, 0.02 } },
  { "DEISMultistepScheduler", KIND_MULTISTEP, "linspace", { "linear", 1e-4, 0.02 } },
  { "FlowMatchEulerDiscreteScheduler", KIND_FLOW, "flow-shift", { "linear", 1e-4, 0.02 } },
  { "FlowMatchHeunDiscreteScheduler", KIND_FLOW, "flow-shift", { "linear", 1e-4, 0.02 } },
};

static gsize
class_of (const char *cls)
{
  gsize i = 0;

  while (i < G_N_ELEMENTS (classes) && !g_str_equal (classes[i].cls, cls))
    i++;
  return i;
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

static SfNoiseProcess *
diffusers_process (Case *c, const char *prefix, const Betas *usual)
{
  static const char *const names[][2] = {
    { "linear", "linear" },
    { "scaled_linear", "scaled-linear" },
    { "squaredcos_cap_v2", "cosine" },
    { "sigmoid", "sigmoid" },
    { "laplace", "laplace" },
  };
  const char *name = text (c, prefix, "beta_schedule", usual->schedule), *ours = NULL;
  g_autofree char *path = g_strconcat (prefix, "trained_betas", NULL);
  int n = (int) number (c, prefix, "num_train_timesteps", 1000);
  double start = number (c, prefix, "beta_start", usual->start), end = number (c, prefix, "beta_end", usual->end);
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
    sf_betas_rescale_zero_snr (beta, n, 0);
  process = sf_noise_process_new (beta, n, &error);
  case_ok (c, process != NULL, &error);
  return process;
}

SfNoiseProcess *
reference_diffusers_process (Case *c, const char *prefix)
{
  return diffusers_process (c, prefix, &classes[0].usual);
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

SfPrediction
reference_head (Case *c, const char *path, SfPrediction fallback)
{
  static const struct
  {
    const char *name;
    SfPrediction prediction;
  } rows[] = {
    { "eps", SF_PREDICTION_EPSILON },
    { "noise", SF_PREDICTION_EPSILON },
    { "x0", SF_PREDICTION_SAMPLE },
    { "x_start", SF_PREDICTION_SAMPLE },
    { "v", SF_PREDICTION_V },
    { "score", SF_PREDICTION_SCORE },
  };
  const char *name = case_text (c, path, NULL);

  for (gsize i = 0; name != NULL && i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].name, name))
      return rows[i].prediction;
  if (name != NULL)
    case_fail (c, "unknown head %s", name);
  return fallback;
}

gboolean
reference_is_sigma_class (const char *cls)
{
  gsize i = class_of (cls);

  return i < G_N_ELEMENTS (classes) && classes[i].kind == KIND_SIGMA;
}

/* Classes that go by sigma take a small alpha_bar for 0; of cosine betas, one larger than the entry before, so that the table falls
 * at its end.
 */
static void
limit_terminal (SfNoiseProcess *process)
{
  int last = process->n - 1;

  if (process->alpha_bar[last] > 0)
    return;
  process->alpha_bar[last] = SF_NOISE_ALPHA_BAR_MIN;
  process->log_alpha_bar[last] = log (SF_NOISE_ALPHA_BAR_MIN);
  process->log_sigma[last] = 0.5 * log (1 / SF_NOISE_ALPHA_BAR_MIN - 1);
}

static gboolean
falls_at_end (const SfNoiseProcess *process)
{
  int last = process->n - 1;

  return last > 0 && process->log_sigma[last] < process->log_sigma[last - 1];
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
  process = diffusers_process (c, prefix, &classes[i].usual);
  if (process != NULL && (kind == KIND_FLOW || (kind == KIND_MULTISTEP && flag (c, prefix, "use_flow_sigmas"))))
    {
      const SfNoiseKind *flow = sf_noise_kind_find ("flow");
      int total = process->n;

      sf_noise_process_unref (process);
      process = sf_noise_process_new_continuous (flow, flow->defaults, &error);
      process->label_scale = total;
    }
  else if (process != NULL && by_sigma)
    {
      process->interpolation = SF_INTERPOLATE_SIGMA;
      limit_terminal (process);
    }
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
  int points = *n;

  if (!fill_spaced (c, spacing_row (c, prefix, usual, TRUE, options), process, options, n, levels))
    return FALSE;
  if (g_str_equal (between, "log_linear"))
    {
      g_autofree SfNoiseLevel *spaced = g_memdup2 (levels, *n * sizeof *levels);

      points++;
      if (!fill (c, "exponential", process, options, &points, levels))
        return FALSE;
      for (int k = 0; k < *n; k++)
        levels[k].t = spaced[k].t;
    }
  else if (!g_str_equal (between, "linear"))
    case_fail (c, "unknown interpolation %s", between);
  if (other == NULL)
    return TRUE;
  options->sigma_max = number (c, prefix, "sigma_max", levels[0].sigma);
  options->sigma_min = number (c, prefix, "sigma_min", levels[points - 1].sigma);
  options->rounding = g_str_has_prefix (cls, "KDPM2") && g_str_equal (other, "karras") ? SF_LABEL_NEAREST : SF_LABEL_EXACT;
  return fill (c, other, process, options, n, levels);
}

/* Whether what final_sigmas_type calls sigma_min is the last of the levels made, and not of the table. */
static gboolean
repeats_last (const char *cls)
{
  return g_str_equal (cls, "UniPCMultistepScheduler") || g_str_equal (cls, "DEISMultistepScheduler");
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
  if (!fill_spaced (c, row, process, options, n, levels))
    return FALSE;
  if (other != NULL && options->sigma_final > 0 && repeats_last (cls))
    levels[*n] = levels[*n - 1];
  return TRUE;
}

/*** Flow matching: sigma is the time ***/

static double
time_sigma (double t)
{
  return t / (1 - t);
}

/* k of the shift: of @name, or the dynamic one of call.mu. */
static double
flow_shift (Case *c, const char *prefix, const char *name)
{
  const char *type = text (c, prefix, "time_shift_type", "exponential");
  gboolean linear = g_str_equal (type, "linear");
  double shift = number (c, prefix, name, 1), mu = case_number (c, "call.mu", 0);

  if (!linear && !g_str_equal (type, "exponential"))
    case_fail (c, "unknown shift %s", type);
  if (!flag (c, prefix, "use_dynamic_shifting"))
    return shift;
  return linear ? mu : exp (mu);
}

/* @list, of times, shifted and stretched. */
static void
fill_shifted (const double *list, int n, const SfNoiseProcess *process, const SfScheduleOptions *options, SfNoiseLevel *levels)
{
  double last = sf_time_shift (list[n - 1], options->shift);
  double stretch = options->terminal > 0 ? (1 - options->terminal) / (1 - last) : 0;

  for (int k = 0; k < n; k++)
    {
      double t = sf_time_shift (list[k], options->shift);

      levels[k] = sf_noise_process_level (process, stretch > 0 ? 1 - stretch * (1 - t) : t);
    }
  levels[n] = sf_noise_level_clean ();
}

/* use_flow_sigmas of the multistep solvers, whose labels are cut to whole numbers: computed as there to the last bit. */
static gboolean
fill_multistep_flow (Case *c, const char *cls, const char *prefix, const double *given, const SfNoiseProcess *process,
                     SfScheduleOptions *options, int n, SfNoiseLevel *levels)
{
  const double almost = 1 - 1e-6; /* UniPC's first level */
  gboolean unipc = g_str_equal (cls, "UniPCMultistepScheduler"), deis = g_str_equal (cls, "DEISMultistepScheduler");
  gboolean to_min = deis || g_str_equal (text (c, prefix, "final_sigmas_type", "zero"), "sigma_min");
  double step = 1 / process->label_scale;
  g_autofree double *even = g_new (double, n);

  options->shift = flow_shift (c, prefix, "flow_shift");
  options->terminal = unipc ? number (c, prefix, "shift_terminal", 0) : 0;
  for (int k = 0; k < n; k++)
    even[k] = unipc ? sf_linspace (1, step, k, n) : 1 - sf_linspace (1, step, n - k, n);
  fill_shifted (given != NULL ? given : even, n, process, options, levels);
  if (unipc && levels[0].sigma > time_sigma (almost))
    levels[0] = sf_noise_process_level (process, almost);
  for (int k = 0; k < n; k++)
    levels[k].t = trunc (levels[k].t);
  if (to_min && repeats_last (cls))
    levels[n] = levels[n - 1];
  else if (to_min)
    {
      /* The least sigma of the betas, of which nothing else is used, is taken for a time. */
      g_autoptr (SfNoiseProcess) unused = diffusers_process (c, prefix, &classes[class_of (cls)].usual);

      levels[n] = sf_noise_process_level (process, unused != NULL ? exp (unused->log_sigma[0]) : 0);
    }
  return TRUE;
}

static gboolean
fill_flow (Case *c, const char *cls, const char *prefix, const double *given, const SfNoiseProcess *process,
           SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  const char *other = sigma_row (c, prefix);
  double low = 1 / process->label_scale;

  options->shift = flow_shift (c, prefix, "shift");
  options->terminal = number (c, prefix, "shift_terminal", 0);
  if (!flag (c, prefix, "use_dynamic_shifting")) /* the low end has been shifted before */
    low = sf_time_shift (low, options->shift);
  options->sigma_min = time_sigma (sf_time_shift (low, options->shift));
  if (given != NULL)
    fill_shifted (given, *n, process, options, levels);
  else if (!fill (c, "flow-shift", process, options, n, levels))
    return FALSE;
  if (other == NULL)
    return TRUE;
  *options = (SfScheduleOptions) { .sigma_max = levels[0].sigma, .sigma_min = levels[*n - 1].sigma };
  return fill (c, other, process, options, n, levels);
}

/* call.timesteps or call.sigmas; these with the last one. */
static void
fill_listed (const SfNoiseProcess *process, const double *times, const double *sigmas, double sigma_final, int *n,
             SfNoiseLevel *levels)
{
  for (int k = 0; k < *n; k++)
    levels[k] = sigmas != NULL ? sf_noise_process_level_at (process, sigmas[k]) : sf_noise_process_level (process, times[k]);
  if (sigmas != NULL)
    --*n;
  else
    levels[*n] = sf_noise_process_level_at (process, sigma_final);
}

SfNoiseLevel *
reference_diffusers_levels (Case *c, const char *cls, const char *prefix, const SfNoiseProcess *process, int *n)
{
  gsize i = class_of (cls);
  const char *end = text (c, prefix, "final_sigmas_type", g_str_equal (cls, "DEISMultistepScheduler") ? "sigma_min" : "zero");
  const char *type = text (c, prefix, "timestep_type", "discrete"), *usual = classes[i].spacing;
  g_autofree double *times = list (c, "call.timesteps", n), *sigmas = list (c, "call.sigmas", n);
  g_autofree SfNoiseLevel *levels = NULL;
  SfScheduleOptions options = { 0 };
  gboolean flow = process->kind != NULL, ok = FALSE;

  if (g_str_equal (end, "sigma_min") && !flow)
    options.sigma_final = exp (process->log_sigma[0]);
  else if (!g_str_equal (end, "sigma_min") && !g_str_equal (end, "zero"))
    case_fail (c, "unknown final_sigmas_type %s", end);
  if (*n < 1)
    {
      case_fail (c, "no number of steps");
      return NULL;
    }
  levels = g_new (SfNoiseLevel, *n + 2);
  if (!flow && (times != NULL || sigmas != NULL))
    {
      fill_listed (process, times, sigmas, options.sigma_final, n, levels);
      ok = TRUE;
    }
  else if (classes[i].kind == KIND_CHAIN)
    {
      if (!flag_or (c, prefix, "set_alpha_to_one", !g_str_equal (cls, "PNDMScheduler")))
        options.sigma_final = exp (process->log_sigma[0]);
      ok = fill_spaced (c, spacing_row (c, prefix, usual, FALSE, &options), process, &options, n, levels);
    }
  else if (classes[i].kind == KIND_DISTILLED)
    {
      options.original = (int) number (c, prefix, "original_inference_steps", 50);
      options.strength = case_number (c, "call.strength", 1);
      ok = fill (c, usual, process, &options, n, levels);
    }
  else if (classes[i].kind == KIND_SIGMA)
    ok = fill_sigma (c, cls, prefix, usual, process, &options, n, levels);
  else if (classes[i].kind == KIND_FLOW)
    ok = fill_flow (c, cls, prefix, sigmas, process, &options, n, levels);
  else
    ok = flow ? fill_multistep_flow (c, cls, prefix, sigmas, process, &options, *n, levels)
              : fill_multistep (c, cls, prefix, usual, process, &options, n, levels);
  if (ok && !flow && falls_at_end (process) && fabs (log (levels[0].sigma) - process->log_sigma[process->n - 1]) < 1e-12)
    levels[0].t = process->n - 1; /* which a search of the table finds earlier */
  if (g_str_equal (type, "continuous") && reference_prediction (c, prefix, SF_PREDICTION_EPSILON) == SF_PREDICTION_V)
    for (int k = 0; ok && k < *n; k++)
      levels[k].t = 0.25 * log (levels[k].sigma);
  else if (!g_str_equal (type, "discrete") && !g_str_equal (type, "continuous"))
    case_fail (c, "unknown timestep_type %s", type);
  return ok ? g_steal_pointer (&levels) : NULL;
}
