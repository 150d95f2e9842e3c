/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-timesteps.h"

/*** Parameters below a prefix ***/

double
reference_number (Case *c, const char *prefix, const char *name, double fallback)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_number (c, path, fallback);
}

gboolean
reference_flag_or (Case *c, const char *prefix, const char *name, gboolean fallback)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_flag (c, path, fallback);
}

gboolean
reference_flag (Case *c, const char *prefix, const char *name)
{
  return reference_flag_or (c, prefix, name, FALSE);
}

const char *
reference_text (Case *c, const char *prefix, const char *name, const char *fallback)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_text (c, path, fallback);
}

double *
reference_list (Case *c, const char *path, int *n)
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

static const ReferenceClass classes[] = {
  { "DDPMScheduler", KIND_CHAIN, "leading", "linear", 1e-4, 0.02 },
  { "DDIMScheduler", KIND_CHAIN, "leading", "linear", 1e-4, 0.02 },
  { "PNDMScheduler", KIND_CHAIN, "leading", "linear", 1e-4, 0.02 },
  { "LCMScheduler", KIND_DISTILLED, "lcm", "scaled_linear", 0.00085, 0.012 },
  { "TCDScheduler", KIND_DISTILLED, "lcm", "scaled_linear", 0.00085, 0.012 },
  { "EulerDiscreteScheduler", KIND_SIGMA, "linspace", "linear", 1e-4, 0.02 },
  { "EulerAncestralDiscreteScheduler", KIND_SIGMA, "linspace", "linear", 1e-4, 0.02 },
  { "HeunDiscreteScheduler", KIND_SIGMA, "linspace", "linear", 0.00085, 0.012 },
  { "LMSDiscreteScheduler", KIND_SIGMA, "linspace", "linear", 1e-4, 0.02 },
  { "KDPM2DiscreteScheduler", KIND_SIGMA, "linspace", "linear", 0.00085, 0.012 },
  { "KDPM2AncestralDiscreteScheduler", KIND_SIGMA, "linspace", "linear", 0.00085, 0.012 },
  { "DPMSolverMultistepScheduler", KIND_MULTISTEP, "linspace", "linear", 1e-4, 0.02 },
  { "DPMSolverSinglestepScheduler", KIND_MULTISTEP, "linspace", "linear", 1e-4, 0.02 },
  { "UniPCMultistepScheduler", KIND_MULTISTEP, "linspace", "linear", 1e-4, 0.02 },
  { "DEISMultistepScheduler", KIND_MULTISTEP, "linspace", "linear", 1e-4, 0.02 },
  { "FlowMatchEulerDiscreteScheduler", KIND_FLOW, "flow-shift", "linear", 1e-4, 0.02 },
  { "FlowMatchHeunDiscreteScheduler", KIND_FLOW, "flow-shift", "linear", 1e-4, 0.02 },
};

const ReferenceClass *
reference_class (const char *cls)
{
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++)
    if (g_str_equal (classes[i].name, cls))
      return &classes[i];
  return NULL;
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
reference_class_process (Case *c, const char *prefix, const ReferenceClass *class)
{
  static const char *const names[][2] = {
    { "linear", "linear" },
    { "scaled_linear", "scaled-linear" },
    { "squaredcos_cap_v2", "cosine" },
    { "sigmoid", "sigmoid" },
    { "laplace", "laplace" },
  };
  const char *name = reference_text (c, prefix, "beta_schedule", class->schedule), *ours = NULL;
  g_autofree char *path = g_strconcat (prefix, "trained_betas", NULL);
  int n = (int) reference_number (c, prefix, "num_train_timesteps", 1000);
  double start = reference_number (c, prefix, "beta_start", class->start), end = reference_number (c, prefix, "beta_end", class->end);
  g_autofree double *beta = reference_list (c, path, &n);
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
  if (reference_flag (c, prefix, "rescale_betas_zero_snr"))
    sf_betas_rescale_zero_snr (beta, n, 0);
  process = sf_noise_process_new (beta, n, &error);
  case_ok (c, process != NULL, &error);
  return process;
}

SfNoiseProcess *
reference_diffusers_process (Case *c, const char *prefix)
{
  return reference_class_process (c, prefix, reference_class ("DDPMScheduler"));
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
  const char *name = reference_text (c, prefix, "prediction_type", NULL);

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
  const ReferenceClass *class = reference_class (cls);

  return class != NULL && class->kind == KIND_SIGMA;
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

gboolean
reference_falls_at_end (const SfNoiseProcess *process)
{
  int last = process->n - 1;

  return last > 0 && process->log_sigma[last] < process->log_sigma[last - 1];
}

SfNoiseProcess *
reference_scheduler_process (Case *c, const char *cls, const char *prefix)
{
  const ReferenceClass *class = reference_class (cls);
  ReferenceKind kind = class != NULL ? class->kind : KIND_UNKNOWN;
  gboolean by_sigma = kind == KIND_SIGMA || kind == KIND_MULTISTEP;
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process;

  if (kind == KIND_UNKNOWN)
    {
      case_fail (c, "unknown scheduler %s", cls);
      return NULL;
    }
  process = reference_class_process (c, prefix, class);
  if (process != NULL && (kind == KIND_FLOW || (kind == KIND_MULTISTEP && reference_flag (c, prefix, "use_flow_sigmas"))))
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
