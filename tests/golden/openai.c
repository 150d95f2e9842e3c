/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "openai.h"

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
