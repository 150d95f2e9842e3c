/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "denoisers/sf-scheduler.h"
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

/* The parameters below @prefix, as the core reads a scheduler_config.json. */
static SfDescription
begin_description (Case *c, const char *prefix)
{
  g_autofree char *name = g_strndup (prefix, MAX (strlen (prefix), 1) - 1); /* without the dot */

  return (SfDescription) {
    .object = case_object (c, name),
    .file = case_name (c),
    .asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };
}

/* FALSE, and the case fails, with the error of the reader.  What it asked for has been asked for in the case. */
static gboolean
end_description (Case *c, const char *prefix, SfDescription *config)
{
  g_autoptr (GHashTable) asked = config->asked;
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, asked);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      g_autofree char *path = g_strconcat (prefix, name, NULL);

      case_node (c, path);
    }
  return case_ok (c, sf_description_end (config, &error), &error);
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

SfNoiseProcess *
reference_diffusers_process (Case *c, const char *prefix)
{
  return reference_scheduler_process (c, "DDPMScheduler", prefix);
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
  SfDescription config = begin_description (c, prefix);
  SfPrediction prediction = sf_scheduler_prediction (&config, fallback);

  end_description (c, prefix, &config);
  return prediction;
}

SfClip
reference_clip (Case *c, gboolean fallback)
{
  SfDescription config = begin_description (c, "kw.");
  SfClip clip = sf_scheduler_clip (&config, fallback);

  end_description (c, "kw.", &config);
  return clip;
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
  const SfSchedulerClass *row = sf_scheduler_class_find (cls);

  return row != NULL && row->kind == SF_SCHEDULER_SIGMA;
}

SfNoiseProcess *
reference_scheduler_process (Case *c, const char *cls, const char *prefix)
{
  const SfSchedulerClass *row = sf_scheduler_class_find (cls);
  SfDescription config;
  SfNoiseProcess *process;

  if (row == NULL)
    {
      case_fail (c, "unknown scheduler %s", cls);
      return NULL;
    }
  config = begin_description (c, prefix);
  process = sf_scheduler_process (&config, row);
  end_description (c, prefix, &config);
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

static const char *
spacing_row (Case *c, const char *prefix, const char *cls, SfScheduleOptions *options)
{
  SfDescription config = begin_description (c, prefix);
  const char *row = sf_scheduler_spacing (&config, sf_scheduler_class_find (cls), options);

  end_description (c, prefix, &config);
  return row;
}

/* (nullable): the row of use_karras_sigmas and its kin. */
static const char *
sigma_row (Case *c, const char *prefix)
{
  SfDescription config = begin_description (c, prefix);
  const char *row = sf_scheduler_sigmas (&config);

  end_description (c, prefix, &config);
  return row;
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
fill_sigma (Case *c, const char *cls, const char *prefix, const SfNoiseProcess *process,
            SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  const char *between = text (c, prefix, "interpolation_type", "linear"), *other = sigma_row (c, prefix);
  int points = *n;

  if (!fill_spaced (c, spacing_row (c, prefix, cls, options), process, options, n, levels))
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

static gboolean
fill_multistep (Case *c, const char *cls, const char *prefix, const SfNoiseProcess *process,
                SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  const char *other = sigma_row (c, prefix), *row;
  double lambda_min = number (c, prefix, "lambda_min_clipped", -G_MAXDOUBLE);
  gboolean cosine = g_str_equal (text (c, prefix, "beta_schedule", "linear"), "squaredcos_cap_v2");

  options->timesteps = process->n;
  while (options->timesteps > 1 && -process->log_sigma[options->timesteps - 1] < lambda_min)
    options->timesteps--;
  row = spacing_row (c, prefix, cls, options);
  if (other != NULL)
    {
      gboolean nearest = g_str_equal (other, "karras") || flag (c, prefix, "use_lu_lambdas");

      row = other;
      options->rounding = nearest ? SF_LABEL_NEAREST : SF_LABEL_TRUNCATED;
    }
  else
    options->open = TRUE;
  if (other != NULL && cosine && g_str_equal (cls, "DPMSolverMultistepScheduler"))
    options->rounding = SF_LABEL_TRUNCATED;
  return fill_spaced (c, row, process, options, n, levels);
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
  gboolean repeat_last = deis || g_str_equal (text (c, prefix, "final_sigmas_type", "zero"), "sigma_min");
  double step = 1 / process->label_scale;
  g_autofree double *even = g_new (double, n);

  options->shift = flow_shift (c, prefix, "flow_shift");
  options->terminal = unipc ? number (c, prefix, "shift_terminal", 0) : 0;
  if (repeat_last && !unipc && !deis)
    {
      case_fail (c, "final_sigmas_type of %s with use_flow_sigmas", cls);
      return FALSE;
    }
  for (int k = 0; k < n; k++)
    even[k] = unipc ? sf_linspace (1, step, k, n) : 1 - sf_linspace (1, step, n - k, n);
  fill_shifted (given != NULL ? given : even, n, process, options, levels);
  if (unipc && levels[0].sigma > time_sigma (almost))
    levels[0] = sf_noise_process_level (process, almost);
  for (int k = 0; k < n; k++)
    levels[k].t = trunc (levels[k].t);
  if (repeat_last)
    levels[n] = levels[n - 1];
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
  const SfSchedulerClass *row = sf_scheduler_class_find (cls);
  const char *end = text (c, prefix, "final_sigmas_type", g_str_equal (cls, "DEISMultistepScheduler") ? "sigma_min" : "zero");
  const char *type = text (c, prefix, "timestep_type", "discrete");
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
  else if (row->kind == SF_SCHEDULER_CHAIN)
    {
      if (!flag_or (c, prefix, "set_alpha_to_one", !g_str_equal (cls, "PNDMScheduler")))
        options.sigma_final = exp (process->log_sigma[0]);
      ok = fill_spaced (c, spacing_row (c, prefix, cls, &options), process, &options, n, levels);
    }
  else if (row->kind == SF_SCHEDULER_DISTILLED)
    {
      options.original = (int) number (c, prefix, "original_inference_steps", 50);
      options.strength = case_number (c, "call.strength", 1);
      ok = fill (c, row->spacing, process, &options, n, levels);
    }
  else if (row->kind == SF_SCHEDULER_SIGMA)
    ok = fill_sigma (c, cls, prefix, process, &options, n, levels);
  else if (row->kind == SF_SCHEDULER_FLOW)
    ok = fill_flow (c, cls, prefix, sigmas, process, &options, n, levels);
  else
    ok = flow ? fill_multistep_flow (c, cls, prefix, sigmas, process, &options, *n, levels)
              : fill_multistep (c, cls, prefix, process, &options, n, levels);
  if (g_str_equal (type, "continuous") && reference_prediction (c, prefix, SF_PREDICTION_EPSILON) == SF_PREDICTION_V)
    for (int k = 0; ok && k < *n; k++)
      levels[k].t = 0.25 * log (levels[k].sigma);
  else if (!g_str_equal (type, "discrete") && !g_str_equal (type, "continuous"))
    case_fail (c, "unknown timestep_type %s", type);
  return ok ? g_steal_pointer (&levels) : NULL;
}
