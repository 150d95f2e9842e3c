/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include <math.h>

static double
number (Case *c, const char *prefix, const char *name, double fallback)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_number (c, path, fallback);
}

static const char *
text (Case *c, const char *prefix, const char *name, const char *fallback)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  return case_text (c, path, fallback);
}

/* Until the core has tables of betas by name. */
static SfNoiseProcess *
process_new (Case *c, const char *name, int n, double first, double last)
{
  g_autofree double *beta = g_new (double, n);
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process;

  for (int i = 0; i < n; i++)
    {
      double u = (double) i / (n - 1);

      if (g_str_equal (name, "linear"))
        beta[i] = first + u * (last - first);
      else if (g_str_equal (name, "scaled_linear"))
        beta[i] = pow (sqrt (first) + u * (sqrt (last) - sqrt (first)), 2);
      else
        {
          case_fail (c, "unknown beta schedule %s", name);
          return NULL;
        }
    }
  process = sf_noise_process_new (beta, n, &error);
  case_ok (c, process != NULL, &error);
  return process;
}

SfNoiseProcess *
reference_diffusers_process (Case *c, const char *prefix)
{
  return process_new (c, text (c, prefix, "beta_schedule", "linear"), (int) number (c, prefix, "num_train_timesteps", 1000),
                      number (c, prefix, "beta_start", 1e-4), number (c, prefix, "beta_end", 0.02));
}

SfNoiseProcess *
reference_openai_process (Case *c)
{
  int n = case_int (c, "T", 1000);

  return process_new (c, case_text (c, "schedule", "linear"), n, 0.1 / n, 20.0 / n);
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
