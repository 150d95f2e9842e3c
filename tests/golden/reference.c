/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "denoisers/sf-scheduler.h"
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

SfDescription
reference_begin_description (Case *c, const char *prefix)
{
  g_autofree char *name = g_strndup (prefix, MAX (strlen (prefix), 1) - 1); /* without the dot */

  return (SfDescription) {
    .object = case_object (c, name),
    .file = case_name (c),
    .asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };
}

gboolean
reference_end_description (Case *c, const char *prefix, SfDescription *config)
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
  SfDescription config = reference_begin_description (c, prefix);
  SfPrediction prediction = sf_scheduler_prediction (&config, fallback);

  reference_end_description (c, prefix, &config);
  return prediction;
}

SfClip
reference_clip (Case *c, const char *cls)
{
  SfDescription config = reference_begin_description (c, "kw.");
  SfClip clip = sf_scheduler_clip (&config, sf_scheduler_class_find (cls));

  reference_end_description (c, "kw.", &config);
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
  config = reference_begin_description (c, prefix);
  process = sf_scheduler_process (&config, row);
  reference_end_description (c, prefix, &config);
  return process;
}
