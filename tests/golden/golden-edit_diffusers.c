/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusers' pipelines: from noise, from an image, and inpainting by latent replacement; with guidance. */
#include <math.h>
#include <string.h>

#include "denoisers/sf-denoiser-guided.h"
#include "edit.h"
#include "reference.h"

/*** How many steps of which ***/

static double
element (JsonArray *array, guint i)
{
  return json_array_get_double_element (array, i);
}

/* Steps, evaluations and first label for each number of steps and strength, of scheduler number @s. */
static void
compare_strengths (Case *c, guint s, JsonArray *steps, JsonArray *strengths, gsize *row)
{
  g_autofree char *cls_path = g_strdup_printf ("sched.%u.0", s);
  g_autofree char *prefix = g_strdup_printf ("sched.%u.1.", s);
  const char *cls = case_text (c, cls_path, "");
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, cls, prefix);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  SfSampler sampler;

  if (process == NULL || !reference_diffusers_sampler (c, cls, &sampler, &options))
    return;
  for (guint i = 0; i < json_array_get_length (steps); i++)
    {
      int n = (int) element (steps, i);
      g_autofree SfNoiseLevel *levels = reference_diffusers_levels (c, cls, prefix, process, &n);

      for (guint j = 0; j < json_array_get_length (strengths); j++, ++*row)
        {
          int m = sf_edit_steps (n, element (strengths, j));

          case_compare_number (c, "n", *row, n, 0);
          case_compare_number (c, "strength", *row, element (strengths, j), 0);
          case_compare_number (c, "n_steps", *row, m, 0);
          case_compare_number (c, "n_timesteps", *row, sf_sampler_evaluations (&sampler, m), 0);
          case_compare_number (c, "t0", *row, m > 0 ? levels[n - m].t : -1, TOLERANCE_TABLE);
        }
    }
}

static void
run_strength (Case *c)
{
  JsonArray *steps = json_node_get_array (case_node (c, "steps")), *strengths = json_node_get_array (case_node (c, "strength"));
  guint n = json_array_get_length (json_node_get_array (case_node (c, "sched")));
  gsize row = 0;

  for (guint s = 0; s < n; s++)
    compare_strengths (c, s, steps, strengths, &row);
  if (row != case_need (c, "n")->size)
    case_fail (c, "%" G_GSIZE_FORMAT " rows, not %" G_GSIZE_FORMAT, row, case_need (c, "n")->size);
}

/*** Pipelines ***/

/* (transfer full): with a scale of 1 or less the condition alone, if there is one; @mix is the one that compares. */
static SfDenoiser *
denoiser_new (Case *c, SfPrediction head, Mix **mix)
{
  SfGuidance guidance = { .kind = sf_guidance_kind_find ("cfg"), .scale = case_number (c, "cfg", 1), .rescale = case_number (c, "rescale", 0) };
  int y = case_int (c, "y", MIX_ALL);
  Mix *conditional;

  *mix = mix_new (c);
  (*mix)->head = head;
  (*mix)->parent.predicts_v = head == SF_PREDICTION_V;
  if (guidance.scale <= 1)
    {
      (*mix)->y = y;
      return &(*mix)->parent;
    }
  conditional = mix_new (c);
  conditional->head = head;
  conditional->parent.predicts_v = head == SF_PREDICTION_V;
  conditional->y = y;
  conditional->c = NULL;
  guidance.prediction = head;
  return sf_denoiser_guided_new (&guidance, &conditional->parent, &(*mix)->parent, NULL);
}

/* Deviation of the first latent in sigma space: init_noise_sigma, which for classes in the scale a x0 + s n is 1. */
static double
initial_sigma (Case *c, const char *cls, const SfNoiseLevel *first)
{
  if (!reference_is_sigma_class (cls))
    return 1 / first->a;
  return g_str_equal (case_text (c, "kw.timestep_spacing", "linspace"), "leading") ? hypot (first->sigma, 1) : first->sigma;
}

/* (transfer full) (nullable): what is kept, from a mask of what is repainted. */
static SfTensor *
mask_of (Case *c, const char *pipe, const SfTensor *image)
{
  SfTensor *mask;

  if (g_str_equal (pipe, "img2img"))
    return NULL;
  if (g_str_equal (pipe, "text2img"))
    return sf_tensor_new (1, image->h, image->w, 1, NULL);
  case_node (c, "mask"); /* one number per pixel: the tensor has them */
  mask = case_state (c, "mask", 0, 4);
  for (gsize i = 0; i < sf_tensor_size (mask); i++)
    mask->data[i] = mask->data[i] >= 0.5 ? 0 : 1;
  return mask;
}

/* What an argument says about the whole list of steps, of which the last @m are run. */
static void
shorten_options (const char *cls, int n, int m, SfSamplerOptions *options)
{
  if (n >= 15 && (g_str_equal (cls, "DPMSolverMultistepScheduler") || g_str_equal (cls, "DEISMultistepScheduler")))
    options->full_order_last = TRUE;
  options->uncorrected >>= n - m;
}

static void
run_pipeline (Case *c, const char *pipe)
{
  gboolean from_noise = g_str_equal (pipe, "text2img");
  const char *cls = case_text (c, "cls", "");
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, cls, "kw.");
  int n = case_int (c, "steps", 0);
  g_autofree SfNoiseLevel *levels = process != NULL ? reference_diffusers_levels (c, cls, "kw.", process, &n) : NULL;
  g_autoptr (SfTensor) image = case_state (c, from_noise ? "latents" : "image", 0, 4);
  g_autoptr (SfTensor) mask = mask_of (c, pipe, image);
  g_autoptr (Replay) own = replay_new (c, "noise");
  g_autoptr (Replay) kept = replay_new (c, from_noise ? "latents" : "init_noise");
  Comparison comparison = { .c = c, .own = own, .kept = kept, .model_x = "model_x", .x = "x" };
  SfSamplerOptions options = comparison_options (&comparison);
  SfEdit edit = { .mask = mask, .keep = SF_KEEP_ONE_NOISE, .strength = case_number (c, "strength", 1), .repeats = 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfDenoiser) denoiser = NULL;
  SfSampler sampler;
  Mix *mix;

  if (levels == NULL || !reference_diffusers_sampler (c, cls, &sampler, &options))
    return;
  denoiser = denoiser_new (c, reference_prediction (c, "kw.", process->kind != NULL ? SF_PREDICTION_FLOW : SF_PREDICTION_EPSILON), &mix);
  comparison.copies = denoiser == &mix->parent ? 1 : 2; /* of one batch with and without the condition */
  comparison.results = g_str_equal (sampler.name, "unipc") ? RESULTS_DOWN : RESULTS_EACH; /* what it corrects is not returned */
  comparison.in_sigma = reference_is_sigma_class (cls);
  if (comparison.in_sigma)
    levels[n].a = 1; /* the result is the image, even if its sigma is not 0 */
  edit.pure_sigma = initial_sigma (c, cls, &levels[0]);
  case_int (c, "hw", 0); /* of the tensors */
  case_implied (c, "noise_step");
  options.eta = case_number (c, "eta", 0);
  if (!g_str_equal (cls, "DDIMScheduler")) /* the others do not take it */
    options.eta = 1;
  shorten_options (cls, n, sf_edit_steps (n, edit.strength), &options);
  if (!case_ok (c, sf_edit (&edit, &sampler, denoiser, process, levels, n, &options, (SfRng) { 0 }, image, NULL, &error), &error))
    return;
  comparison_end (&comparison);
  case_compare_number (c, "n_evals", 0, mix->call, 0);
  case_compare_state (c, "out", 0, image, 1, TOLERANCE_STATE);
}

static void
run (Case *c)
{
  const char *pipe = case_text (c, "pipe", NULL);

  if (pipe == NULL)
    run_strength (c);
  else if (g_str_equal (pipe, "text2img") || g_str_equal (pipe, "img2img") || g_str_equal (pipe, "inpaint"))
    run_pipeline (c, pipe);
  else
    case_fail (c, "unknown pipeline %s", pipe);
}

const GoldenGroup golden_edit_diffusers = { "edit_diffusers", run };
