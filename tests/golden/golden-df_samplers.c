/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusers: schedulers that go by sigma, on the levels that they make themselves. */
#include <string.h>

#include "mix.h"
#include "reference.h"

typedef enum
{
  SHAPE_ONE,    /* an evaluation for each level */
  SHAPE_HEUN,   /* levels after the first are there twice, for both evaluations */
  SHAPE_MIDDLE, /* between two of them is the label of the middle of the step */
} Shape;

static Shape
shape_of (const char *cls)
{
  return strstr (cls, "Heun") != NULL ? SHAPE_HEUN : g_str_has_prefix (cls, "KDPM2") ? SHAPE_MIDDLE
                                                                                     : SHAPE_ONE;
}

/* Label and sigma of each level as the class lists them: s of flow matching, those of two evaluations, and one more than is reached
 * after interpolation_type "log_linear".
 */
static void
compare_levels (Case *c, Shape shape, gboolean flow, const SfNoiseLevel *levels, int n)
{
  gboolean unreached = g_str_equal (case_text (c, "kw.interpolation_type", ""), "log_linear");
  const GoldenTensor *times = case_need (c, "timesteps"), *sigmas = case_need (c, "sigmas");
  int each = shape == SHAPE_ONE ? 1 : 2;

  if (times->size != (gsize) (each * (n - 1) + 1) || sigmas->size < (gsize) (each * (n - 1) + 2))
    {
      case_fail (c, "%" G_GSIZE_FORMAT " timesteps and %" G_GSIZE_FORMAT " sigmas of %d steps", times->size, sigmas->size, n);
      return;
    }
  for (gsize i = 0; i < times->size; i++)
    if (shape != SHAPE_MIDDLE || i % 2 == 0) /* those of the middle are compared where they are used: model_t */
      case_compare_number (c, "timesteps", i, levels[shape == SHAPE_MIDDLE ? i / 2 : (i + each - 1) / each].t, TOLERANCE_TABLE);
  for (gsize i = 0; i < sigmas->size; i++)
    {
      const SfNoiseLevel *level = &levels[MIN ((int) (i + each - 1) / each, n + unreached)];

      case_compare_number (c, "sigmas", i, flow ? level->sigma / (1 + level->sigma) : level->sigma, TOLERANCE_TABLE);
    }
}

static void
run (Case *c)
{
  const char *cls = case_text (c, "cls", "");
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, cls, "kw.");
  int n = case_int (c, "steps", 0);
  g_autofree SfNoiseLevel *levels = process != NULL ? reference_diffusers_levels (c, cls, "kw.", process, &n) : NULL;
  gboolean flow = process != NULL && process->kind != NULL, sigma_space = reference_is_sigma_class (cls);
  g_autoptr (SfTensor) y = case_state (c, "x", 0, 4);
  g_autoptr (Replay) noise = replay_new (c, "noise");
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .noise = replay_draw, .noise_data = noise };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfDenoiser) denoiser = NULL;
  SfSampler sampler;
  Mix *mix;

  if (levels == NULL || !reference_diffusers_sampler (c, cls, &sampler, &options))
    return;
  mix = mix_new (c);
  denoiser = &mix->parent;
  mix->head = reference_prediction (c, "kw.", flow ? SF_PREDICTION_FLOW : SF_PREDICTION_EPSILON);
  mix->trajectory = "x";
  mix->scaled = !sigma_space;
  options.churn = case_number (c, "step.s_churn", 0);
  options.churn_min = case_number (c, "step.s_tmin", 0);
  options.churn_max = case_number (c, "step.s_tmax", G_MAXDOUBLE);
  options.noise_scale = case_number (c, "step.s_noise", 1);
  compare_levels (c, shape_of (cls), flow, levels, n);
  if (!sigma_space)
    for (gsize i = 0; i < sf_tensor_size (y); i++)
      y->data[i] = (SfReal) (y->data[i] / levels[0].a);
  if (case_ok (c, sf_sample (&sampler, denoiser, process, levels, n, &options, (SfRng) { 0 }, y, NULL, &error), &error))
    case_compare_state (c, "x", case_need (c, "x")->dim[0] - 1, y, sigma_space ? 1 : levels[n].a, TOLERANCE_STATE);
  if (mix->call != (int) case_need (c, "model_t")->size)
    case_fail (c, "%d evaluations", mix->call);
}

const GoldenGroup golden_df_samplers = { "df_samplers", run };
