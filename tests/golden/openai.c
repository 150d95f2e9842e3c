/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "openai.h"

#include "diffusion/sf-bound.h"
#include "walk.h"

void
openai_set_model (Case *c, Mix *mix, const SfNoiseProcess *process)
{
  static const CaseChoice means[] = {
    { "EPSILON", SF_PREDICTION_EPSILON },
    { "START_X", SF_PREDICTION_SAMPLE },
    { "PREVIOUS_X", SF_PREDICTION_PREVIOUS },
  };
  static const CaseChoice variances[] = {
    { "FIXED_SMALL", MIX_SECOND_NONE },
    { "FIXED_LARGE", MIX_SECOND_NONE },
    { "LEARNED", MIX_SECOND_LOGVAR },
    { "LEARNED_RANGE", MIX_SECOND_RANGE },
  };

  mix->process = process;
  mix->head = case_choice (c, "mean", "EPSILON", means, G_N_ELEMENTS (means));
  walk_set_second (mix, case_choice (c, "var", "FIXED_SMALL", variances, G_N_ELEMENTS (variances)));
}

gboolean
openai_large (Case *c)
{
  return g_str_equal (case_text (c, "var", "FIXED_SMALL"), "FIXED_LARGE");
}

SfNoiseLevel *
openai_levels (Case *c, const SfNoiseProcess *process)
{
  int n = process->n;
  SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);

  for (int k = 0; k < n; k++)
    levels[k] = sf_noise_process_level (process, n - 1 - k);
  levels[n] = sf_noise_level_clean ();
  if (process->label != NULL && case_tensor (c, "timestep_map") != NULL)
    case_compare_array (c, "timestep_map", process->label, n, 0);
  return levels;
}

/* The columns of tensor @name, one for each step, are for each image. */
static void
compare_columns (Case *c, const char *name, const double *got, int n, int images, double tolerance)
{
  for (int image = 0; image < images; image++)
    for (int k = 0; k < n; k++)
      case_compare_number (c, name, (gsize) image * n + k, got[k * images + image], tolerance);
}

void
openai_compare_bound (Case *c, double *nats, double *mse, const SfNoiseLevel *levels, int n, int images, double tolerance)
{
  for (int image = 0; image < images; image++)
    {
      double total = 0;

      for (int k = 0; k <= n; k++)
        total += nats[k * images + image] = SF_BITS (nats[k * images + image]);
      case_compare_number (c, "prior_bpd", image, nats[image], tolerance);
      case_compare_number (c, "total_bpd", image, total, tolerance);
    }
  compare_columns (c, "vb", nats + images, n, images, tolerance);
  compare_columns (c, "xstart_mse", mse, n, images, tolerance);
  for (int k = 0; k < n * images; k++)
    mse[k] /= levels[k / images].sigma * levels[k / images].sigma;
  compare_columns (c, "mse", mse, n, images, tolerance);
}
