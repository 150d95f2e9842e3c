/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DDIM of improved-diffusion (sampling and inversion), of its authors and of diffusers; PNDM, LCM and TCD. */
#include "diffusion/sf-schedule.h"
#include "openai.h"
#include "reference.h"
#include "walk.h"

static void
run_openai (Case *c, Mix *mix)
{
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  g_autofree SfNoiseLevel *levels = NULL;
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  gboolean invert = !case_has (c, "eta"); /* ddim_reverse_sample() has none */
  int n;

  if (process == NULL)
    return;
  openai_set_model (c, mix, process);
  levels = openai_levels (c, process);
  n = process->n;
  if (invert)
    for (int k = 0; k < n; k++)
      levels[k] = sf_noise_process_level (process, k);
  options.invert = invert;
  options.eta = case_number (c, "eta", 0);
  options.clip.kind = case_flag (c, "clip", FALSE) ? SF_CLIP_STATIC : SF_CLIP_NONE;
  mix->clip = options.clip;
  walk (c, "ddim", mix, process, levels, invert ? n - 1 : n, &options);
}

static void
run_authors (Case *c, Mix *mix)
{
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  const char *skip = case_text (c, "skip", "");
  int n = case_int (c, "K", 0), quadratic = g_str_equal (skip, "quad");
  g_autofree SfNoiseLevel *levels = NULL;
  SfScheduleOptions spacing = { .repeats = TRUE };
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  g_autoptr (GError) error = NULL;

  if (n < 1 || (!quadratic && !g_str_equal (skip, "uniform")))
    case_fail (c, "unknown sequence %s of %d steps", skip, n);
  if (process == NULL || n < 1)
    return;
  spacing.stride = process->n / n;
  n = quadratic ? n : (process->n + spacing.stride - 1) / spacing.stride;
  levels = g_new (SfNoiseLevel, n + 1);
  n = sf_schedule_fill (sf_schedule_find (quadratic ? "quadratic" : "leading"), process, &spacing, n, levels, &error);
  if (!case_ok (c, n > 0, &error))
    return;
  for (int k = 0; k < n; k++)
    case_compare_number (c, "seq", n - 1 - k, levels[k].t, TOLERANCE_TABLE);
  options.eta = case_number (c, "eta", 0);
  walk (c, "ddim", mix, process, levels, n, &options);
}

/*** diffusers ***/

static void
run_diffusers (Case *c, Mix *mix, const char *cls)
{
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, cls, "kw.");
  int n = case_int (c, "steps", 0);
  g_autofree SfNoiseLevel *levels = process != NULL ? reference_diffusers_levels (c, cls, "kw.", process, &n) : NULL;
  const GoldenTensor *labels = case_need (c, "model_t");
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  SfSampler sampler;

  if (levels == NULL || !reference_diffusers_sampler (c, cls, &sampler, &options))
    return;
  mix->head = reference_prediction (c, "kw.", SF_PREDICTION_EPSILON);
  mix->clip = options.clip;
  options.eta = case_number (c, "step.eta", g_str_equal (cls, "TCDScheduler") ? 0.3 : 0);
  options.time_scale = case_number (c, "kw.timestep_scaling", 0);
  options.clip.keep_noise = !case_flag (c, "step.use_clipped_model_output", FALSE);
  case_compare_array (c, "timesteps", labels->value, labels->size, 0); /* which the model compares */
  case_implied (c, "denoised"); /* with the noise it makes x */
  case_implied (c, "pred_noised");
  walk (c, sampler.name, mix, process, levels, n, &options);
}

static void
run (Case *c)
{
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  const char *cls = case_text (c, "cls", NULL);

  if (cls != NULL)
    run_diffusers (c, mix, cls);
  else if (case_has (c, "skip"))
    run_authors (c, mix);
  else
    run_openai (c, mix);
}

const GoldenGroup golden_ddim = { "ddim", run };
