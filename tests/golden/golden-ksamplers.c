/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k-diffusion: samplers in sigma space, on given sigmas. */
#include "mix.h"
#include "reference.h"

static const struct
{
  const char *function;
  const char *sampler;
} rows[] = {
  { "sample_euler", "euler" },
  { "sample_euler_ancestral", "euler-ancestral" },
  { "sample_heun", "heun" },
  { "sample_dpmpp_2m", "dpmpp-2m" },
};

static const SfSampler *
find_sampler (Case *c)
{
  const char *function = case_text (c, "fn", "");

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].function, function))
      return sf_sampler_find (rows[i].sampler);
  case_fail (c, "unknown sampler %s", function);
  return NULL;
}

static void
run (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_diffusers_process (c, "schedule.");
  const SfSampler *sampler = find_sampler (c);
  const GoldenTensor *sigmas = case_need (c, "sigmas");
  g_autofree SfNoiseLevel *levels = g_new0 (SfNoiseLevel, sigmas->size + 1);
  g_autoptr (SfTensor) y = case_state (c, "x_init", 0, 4);
  g_autoptr (Replay) noise = replay_new (c, "noise");
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .noise = replay_draw, .noise_data = noise };
  g_autoptr (GError) error = NULL;
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;

  if (process == NULL || sampler == NULL || sigmas->size == 0)
    return;
  options.eta = case_number (c, "kw.eta", 1);
  options.noise_scale = case_number (c, "kw.s_noise", 1);
  options.churn = case_number (c, "kw.s_churn", 0);
  options.churn_min = case_number (c, "kw.s_tmin", 0);
  options.churn_max = case_number (c, "kw.s_tmax", G_MAXDOUBLE);
  mix->head = g_str_equal (case_text (c, "pred", "eps"), "v") ? SF_PREDICTION_V : SF_PREDICTION_EPSILON;
  case_node (c, "sigmas"); /* how the reference made the tensor sigmas: the group timesteps */
  for (gsize i = 0; i < sigmas->size; i++)
    levels[i] = sf_noise_process_level_at (process, sigmas->value[i]);
  if (case_ok (c, sf_sample (sampler, denoiser, process, levels, (int) sigmas->size - 1, &options, (SfRng) { 0 }, y, NULL, &error), &error))
    case_compare_state (c, "x", sigmas->size - 1, y, 1, TOLERANCE_STATE);
}

const GoldenGroup golden_ksamplers = { "ksamplers", run };
