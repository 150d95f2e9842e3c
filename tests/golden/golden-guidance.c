/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guidance by a classifier, and without one. */
#include "denoisers/sf-denoiser-guided.h"
#include "openai.h"
#include "reference.h"
#include "walk.h"

/*** Without a classifier: single calls ***/

static void
run_cfg (Case *c)
{
  JsonNode *cases = case_node (c, "cases");
  g_autoptr (SfTensor) u = case_state (c, "uncond", 0, 4);
  guint n = cases != NULL ? json_array_get_length (json_node_get_array (cases)) : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonArray *row = json_array_get_array_element (json_node_get_array (cases), i);
      SfGuidance guidance = { .kind = sf_guidance_kind_find ("cfg") };
      g_autoptr (SfTensor) x = case_state (c, "cond", 0, 4);

      guidance.scale = json_array_get_double_element (row, 0);
      guidance.rescale = json_array_get_double_element (row, 1);
      guidance.original = json_array_get_boolean_element (row, 2);
      sf_guide (&guidance, x, u, NULL);
      case_compare_state (c, "pred", i, x, 1, TOLERANCE_STATE);
    }
}

/* Calls that share their momentum. */
static void
run_projected (Case *c)
{
  g_autoptr (SfTensor) like = case_state (c, "cond", 0, 4);
  g_autoptr (SfTensor) momentum = sf_tensor_new_like (like, NULL);
  SfGuidance guidance = { .kind = sf_guidance_kind_find ("apg") };

  guidance.scale = case_number (c, "scale", 7.5);
  guidance.original = case_flag (c, "original", FALSE);
  guidance.momentum = case_number (c, "momentum", 0);
  guidance.threshold = case_number (c, "norm_threshold", 0);
  guidance.eta = case_number (c, "eta", 1);
  for (int i = 0; i < case_int (c, "calls", 1); i++)
    {
      g_autoptr (SfTensor) u = case_state (c, "uncond", i, 4);
      g_autoptr (SfTensor) x = case_state (c, "cond", i, 4);

      sf_guide (&guidance, x, u, momentum);
      case_compare_state (c, "pred", i, x, 1, TOLERANCE_STATE);
    }
}

static void
run_named (Case *c)
{
  static const char *const rows[][2] = { { "zero_star", "zero-star" }, { "tangential", "tangential" } };
  const char *name = case_text (c, "name", "");
  SfGuidance guidance = { .scale = case_number (c, "scale", 7.5), .original = case_flag (c, "original", FALSE) };
  g_autoptr (SfTensor) u = case_state (c, "uncond", 0, 4);
  g_autoptr (SfTensor) x = case_state (c, "cond", 0, 4);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i][0], name))
      guidance.kind = sf_guidance_kind_find (rows[i][1]);
  if (guidance.kind == NULL)
    {
      case_fail (c, "unknown guidance %s", name);
      return;
    }
  sf_guide (&guidance, x, u, NULL);
  case_compare_state (c, "pred", 0, x, 1, TOLERANCE_STATE);
}

/*** With a classifier: whole runs ***/

typedef struct
{
  Case *c;
  const Mix *mix;
  int y;       /* class, of a classifier that is exact … */
  double pull; /* … or, without one, the middle of its normal distribution */
  double scale;
  int call;
} Classifier;

static gboolean
gradient (const SfTensor *y, const SfNoiseLevel *level, SfTensor *out, gpointer data, const SfProgress *progress, GError **error)
{
  Classifier *self = data;
  g_autoptr (SfTensor) x = sf_tensor_copy (y, error);

  for (gsize i = 0; i < sf_tensor_size (x); i++)
    {
      x->data[i] = (SfReal) (level->a * y->data[i]);
      out->data[i] = (SfReal) (self->pull - x->data[i]);
    }
  if (self->y != MIX_ALL)
    mix_gradient (self->mix, self->y, x, level->a, level->a * level->sigma, out);
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    out->data[i] = (SfReal) (self->scale * out->data[i]);
  if (case_tensor (self->c, "grad") != NULL)
    case_compare_state (self->c, "grad", self->call++, out, 1, TOLERANCE_STATE);
  return TRUE;
}

static void
run_classifier (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  const char *sampler = case_text (c, "sampler", "");
  SfClip clip = { .kind = case_flag (c, "clip", TRUE) ? SF_CLIP_STATIC : SF_CLIP_NONE };
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  Classifier classifier = { c, mix, case_int (c, "y", MIX_ALL), case_number (c, "pull", 0), case_number (c, "scale", 1) };
  g_autofree SfNoiseLevel *levels = process != NULL ? openai_levels (c, process) : NULL;

  if (levels == NULL)
    return;
  openai_set_model (c, mix, process);
  options.eta = case_number (c, "eta", 0);
  if (g_str_equal (sampler, "p_sample"))
    {
      options.gradient = gradient;
      options.gradient_data = &classifier;
      if (mix->head != SF_PREDICTION_PREVIOUS) /* where the mean is what the network gives, and is not clipped */
        options.clip = clip;
      walk (c, openai_large (c) ? "ddpm-large" : "ddpm", mix, process, levels, process->n, &options);
    }
  else if (g_str_equal (sampler, "ddim_sample"))
    {
      g_autoptr (SfDenoiser) guided = sf_denoiser_classified_new (g_steal_pointer (&denoiser), gradient, &classifier, &clip);

      walk_with (c, "ddim", mix, guided, process, levels, process->n, &options);
    }
  else
    case_fail (c, "unknown sampler %s", sampler);
}

/* DPM-Solver++ 2M of its authors, steps of equal time. */
static void
run_dpm (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_dpmsolver_process (c, "schedule.");
  const char *type = case_text (c, "type", "");
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  Classifier classifier = { c, mix, case_int (c, "y", MIX_ALL), 0, case_number (c, "scale", 1) };
  int n = case_int (c, "steps", 0);
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);
  g_autoptr (SfDenoiser) guided = NULL;

  if (process == NULL)
    return;
  if (g_str_equal (type, "classifier"))
    guided = sf_denoiser_classified_new (g_steal_pointer (&denoiser), gradient, &classifier, &(SfClip) { 0 });
  else if (g_str_equal (type, "classifier-free"))
    {
      SfGuidance guidance = { SF_GUIDANCE };
      Mix *conditional = mix_new (c);

      guidance.kind = sf_guidance_kind_find ("cfg");
      guidance.scale = classifier.scale;
      conditional->y = classifier.y;
      guided = sf_denoiser_guided_new (&guidance, &conditional->parent, g_steal_pointer (&denoiser), NULL);
    }
  else
    {
      case_fail (c, "unknown guidance %s", type);
      return;
    }
  for (int k = 0; k <= n; k++)
    levels[k] = sf_noise_process_level (process, (process->n - 1) * (1 - (double) k / n));
  options.full_order_last = n >= 10; /* the authors lower it for fewer */
  walk_with (c, "dpmpp-2m", mix, guided, process, levels, n, &options);
}

static void
run (Case *c)
{
  if (case_has (c, "cases"))
    run_cfg (c);
  else if (case_has (c, "calls"))
    run_projected (c);
  else if (case_has (c, "name"))
    run_named (c);
  else if (case_has (c, "sampler"))
    run_classifier (c);
  else if (case_has (c, "type"))
    run_dpm (c);
  else
    case_fail (c, "unknown function");
}

const GoldenGroup golden_guidance = { "guidance", run };
