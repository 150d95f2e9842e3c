/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ancestral sampling of whole chains (improved-diffusion) and of parts of them (diffusers). */
#include "openai.h"
#include "reference.h"
#include "walk.h"

static void
run_openai (Case *c, Mix *mix)
{
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  g_autofree SfNoiseLevel *levels = NULL;
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  gboolean clip = case_flag (c, "clip", TRUE);

  if (process == NULL)
    return;
  openai_set_model (c, mix, process);
  levels = openai_levels (c, process);
  case_int (c, "keep", 0); /* how the reference thinned the trajectory: x_index */
  case_node (c, "shape");
  mix->clip.kind = clip ? SF_CLIP_STATIC : SF_CLIP_NONE;
  if (mix->head != SF_PREDICTION_PREVIOUS) /* where the mean is what the network gives, and is not clipped */
    options.clip = mix->clip;
  walk (c, openai_large (c) ? "ddpm-large" : "ddpm", mix, process, levels, process->n, &options);
}

/* The sampler of diffusers' variance type. */
static const char *
diffusers_sampler (Case *c, Mix *mix)
{
  static const struct
  {
    const char *type, *name;
    MixSecond second;
  } learned[] = { { "learned_range", "range", MIX_SECOND_RANGE }, { "learned", "var", MIX_SECOND_VARIANCE } };
  const char *type = case_text (c, "kw.variance_type", "fixed_small"), *second = case_text (c, "second", NULL);

  if (g_str_equal (type, "fixed_small") || g_str_equal (type, "fixed_small_log"))
    return "ddpm";
  if (g_str_equal (type, "fixed_large"))
    return "ddpm-large";
  for (gsize i = 0; i < G_N_ELEMENTS (learned); i++)
    if (g_str_equal (type, learned[i].type) && g_strcmp0 (second, learned[i].name) == 0)
      {
        walk_set_second (mix, learned[i].second);
        return "ddpm";
      }
  if (g_str_equal (type, "fixed_large_log"))
    case_fail (c, "variance type fixed_large_log takes the root of a negative number");
  else
    case_fail (c, "unknown variance type %s with second head %s", type, second);
  return NULL;
}

static void
run_diffusers (Case *c, Mix *mix, const char *class)
{
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, class, "kw.");
  const char *sampler = diffusers_sampler (c, mix);
  int n = case_int (c, "steps", 0);
  g_autofree SfNoiseLevel *levels = process != NULL ? reference_diffusers_levels (c, class, "kw.", process, &n) : NULL;
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };

  if (levels == NULL || sampler == NULL)
    return;
  walk_compare_labels (c, levels, n);
  mix->head = reference_prediction (c, "kw.", SF_PREDICTION_EPSILON);
  options.clip = mix->clip = reference_clip (c, class);
  options.noisy_end = levels[n - 1].t > 0; /* the label says whether there is noise, not the target */
  walk (c, sampler, mix, process, levels, n, &options);
}

static void
run (Case *c)
{
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  const char *class = case_text (c, "cls", NULL);

  if (class == NULL)
    run_openai (c, mix);
  else if (g_str_equal (class, "DDPMScheduler"))
    run_diffusers (c, mix, class);
  else
    case_fail (c, "unknown scheduler %s", class);
}

const GoldenGroup golden_ancestral = { "ancestral", run };
