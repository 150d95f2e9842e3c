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

typedef struct
{
  const char *class;
  const char *sampler;
  gboolean clips;      /* unless it is told not to */
  gboolean ends_clean; /* likewise */
  double eta;
} Scheduler;

static const Scheduler schedulers[] = {
  { "DDIMScheduler", "ddim", TRUE, TRUE },
  { "PNDMScheduler", "pndm", FALSE, FALSE },
  { "LCMScheduler", "lcm", FALSE, TRUE },
  { "TCDScheduler", "tcd", FALSE, FALSE, 0.3 },
};

static void
run_diffusers (Case *c, Mix *mix, const Scheduler *scheduler)
{
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, scheduler->class, "kw.");
  int n = case_int (c, "steps", 0);
  g_autofree SfNoiseLevel *levels = process != NULL ? reference_diffusers_levels (c, scheduler->class, "kw.", process, &n) : NULL;
  const GoldenTensor *labels = case_need (c, "model_t");
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  gboolean pndm = g_str_equal (scheduler->class, "PNDMScheduler"), plms = pndm && case_flag (c, "kw.skip_prk_steps", FALSE);

  if (levels == NULL)
    return;
  if (!case_flag (c, "kw.set_alpha_to_one", scheduler->ends_clean))
    levels[n] = sf_noise_process_level (process, 0);
  mix->head = reference_prediction (c, "kw.", SF_PREDICTION_EPSILON);
  options.eta = case_number (c, "step.eta", scheduler->eta);
  options.clip = mix->clip = reference_clip (c, scheduler->clips);
  options.clip.keep_noise = !case_flag (c, "step.use_clipped_model_output", FALSE);
  options.full_order_last = TRUE;
  case_compare_array (c, "timesteps", labels->value, labels->size, 0); /* which the model compares */
  case_implied (c, "denoised"); /* with the noise it makes x */
  case_implied (c, "pred_noised");
  walk (c, plms ? "plms" : scheduler->sampler, mix, process, levels, n, &options);
}

static void
run (Case *c)
{
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  const char *class = case_text (c, "cls", NULL);

  for (gsize i = 0; class != NULL && i < G_N_ELEMENTS (schedulers); i++)
    if (g_str_equal (class, schedulers[i].class))
      {
        run_diffusers (c, mix, &schedulers[i]);
        return;
      }
  if (class != NULL)
    case_fail (c, "unknown scheduler %s", class);
  else if (case_has (c, "skip"))
    run_authors (c, mix);
  else
    run_openai (c, mix);
}

const GoldenGroup golden_ddim = { "ddim", run };
