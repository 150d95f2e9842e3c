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

typedef struct
{
  const char *cls;
  const char *sampler;
  Shape shape;
} Row;

static const Row rows[] = {
  { "EulerDiscreteScheduler", "euler" },
  { "EulerAncestralDiscreteScheduler", "euler-ancestral" },
  { "HeunDiscreteScheduler", "heun", SHAPE_HEUN },
  { "KDPM2DiscreteScheduler", "dpm2", SHAPE_MIDDLE },
  { "KDPM2AncestralDiscreteScheduler", "dpm2-ancestral", SHAPE_MIDDLE },
  { "LMSDiscreteScheduler", "lms" },
  { "DPMSolverMultistepScheduler", "dpmpp-3m" },
  { "DPMSolverSinglestepScheduler", "dpmpp-3s" },
  { "UniPCMultistepScheduler", "unipc" },
  { "DEISMultistepScheduler", "deis" },
  { "FlowMatchEulerDiscreteScheduler", "euler" },
  { "FlowMatchHeunDiscreteScheduler", "flow-heun", SHAPE_HEUN },
};

static const Row *
find_row (const char *cls)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].cls, cls))
      return &rows[i];
  return NULL;
}

/* The sampler of the class as its arguments vary it: eps form, SDE.  The descriptors of our list are some of these. */
static SfSampler
vary_sampler (Case *c, const Row *row)
{
  SfSampler sampler = *sf_sampler_find (row->sampler);
  const char *algorithm = case_text (c, "kw.algorithm_type", NULL);

  if (g_str_equal (row->cls, "FlowMatchEulerDiscreteScheduler") && case_flag (c, "kw.stochastic_sampling", FALSE))
    return *sf_sampler_find ("flow-stochastic");
  if (g_str_equal (row->cls, "UniPCMultistepScheduler") && !case_flag (c, "kw.predict_x0", TRUE))
    sampler.output = SF_OUTPUT_NOISE;
  if (algorithm == NULL || g_str_equal (row->cls, "DEISMultistepScheduler"))
    return sampler;
  if (g_str_has_prefix (algorithm, "sde-"))
    {
      sampler.uses_eta = sampler.stochastic = TRUE;
      algorithm += strlen ("sde-");
    }
  if (g_str_equal (algorithm, "dpmsolver"))
    sampler.output = SF_OUTPUT_NOISE;
  else if (!g_str_equal (algorithm, "dpmsolver++"))
    case_fail (c, "unknown algorithm %s", algorithm);
  return sampler;
}

static SfSolver
find_solver (Case *c, const char *cls)
{
  static const struct
  {
    const char *name;
    SfSolver solver;
  } solvers[] = { { "midpoint", SF_SOLVER_MIDPOINT }, { "heun", SF_SOLVER_TAYLOR }, { "bh1", SF_SOLVER_BH1 }, { "bh2", SF_SOLVER_BH2 }, { "logrho", SF_SOLVER_DEFAULT } };
  const char *name = case_text (c, "kw.solver_type", NULL);

  for (gsize i = 0; name != NULL && i < G_N_ELEMENTS (solvers); i++)
    if (g_str_equal (solvers[i].name, name))
      return solvers[i].solver;
  if (name != NULL)
    case_fail (c, "unknown solver type %s", name);
  return g_str_has_prefix (cls, "DPMSolver") ? SF_SOLVER_MIDPOINT : SF_SOLVER_DEFAULT;
}

/* The classes with solver_order can lower it at the end, which LMS does not. */
static void
read_order (Case *c, const char *cls, SfSamplerOptions *options)
{
  JsonNode *uncorrected = case_node (c, "kw.disable_corrector");
  gboolean lower = case_flag (c, "kw.lower_order_final", TRUE);

  options->euler_last = case_flag (c, "kw.euler_at_final", FALSE);
  options->solver = find_solver (c, cls);
  if (g_str_equal (cls, "LMSDiscreteScheduler"))
    options->full_order_last = TRUE;
  else if (find_row (cls)->shape == SHAPE_ONE && g_str_has_suffix (cls, "stepScheduler"))
    {
      options->order = case_int (c, "kw.solver_order", 2);
      options->full_order_last = !lower;
    }
  if (uncorrected != NULL && JSON_NODE_HOLDS_ARRAY (uncorrected))
    for (guint i = 0; i < json_array_get_length (json_node_get_array (uncorrected)); i++)
      options->uncorrected |= 1ull << json_array_get_int_element (json_node_get_array (uncorrected), i);
}

/* Thresholds are for estimates of the image; UniPC does not apply them where it estimates the noise. */
static void
read_clip (Case *c, const SfSampler *sampler, SfClip *clip)
{
  double quantile = case_number (c, "kw.dynamic_thresholding_ratio", 0.995), max = case_number (c, "kw.sample_max_value", 1);
  double range = case_number (c, "kw.clip_sample_range", 1);

  if (case_flag (c, "kw.thresholding", FALSE) && !(sampler->output == SF_OUTPUT_NOISE && g_str_equal (sampler->name, "unipc")))
    *clip = (SfClip) { SF_CLIP_DYNAMIC, .range = 1, .quantile = quantile, .max = max };
  else if (case_flag (c, "kw.clip_sample", FALSE))
    *clip = (SfClip) { SF_CLIP_STATIC, .range = range };
}

/* Label and sigma of each level as the class lists them: s of flow matching, those of two evaluations. */
static void
compare_levels (Case *c, Shape shape, gboolean flow, const SfNoiseLevel *levels, int n)
{
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
      const SfNoiseLevel *level = &levels[MIN ((int) (i + each - 1) / each, n)];

      case_compare_number (c, "sigmas", i, flow ? level->sigma / (1 + level->sigma) : level->sigma, TOLERANCE_TABLE);
    }
}

static void
run (Case *c)
{
  const char *cls = case_text (c, "cls", "");
  const Row *row = find_row (cls);
  g_autoptr (SfNoiseProcess) process = row != NULL ? reference_scheduler_process (c, cls, "kw.") : NULL;
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

  if (levels == NULL)
    {
      case_fail (c, "unknown scheduler %s", cls);
      return;
    }
  mix = mix_new (c);
  denoiser = &mix->parent;
  mix->head = reference_prediction (c, "kw.", flow ? SF_PREDICTION_FLOW : SF_PREDICTION_EPSILON);
  mix->trajectory = "x";
  mix->scaled = !sigma_space;
  sampler = vary_sampler (c, row);
  read_order (c, cls, &options);
  read_clip (c, &sampler, &options.clip);
  options.churn = case_number (c, "step.s_churn", 0);
  options.churn_min = case_number (c, "step.s_tmin", 0);
  options.churn_max = case_number (c, "step.s_tmax", G_MAXDOUBLE);
  options.noise_scale = case_number (c, "step.s_noise", 1);
  compare_levels (c, row->shape, flow, levels, n);
  if (!sigma_space)
    for (gsize i = 0; i < sf_tensor_size (y); i++)
      y->data[i] = (SfReal) (y->data[i] / levels[0].a);
  if (case_ok (c, sf_sample (&sampler, denoiser, process, levels, n, &options, (SfRng) { 0 }, y, NULL, &error), &error))
    case_compare_state (c, "x", case_need (c, "x")->dim[0] - 1, y, sigma_space ? 1 : levels[n].a, TOLERANCE_STATE);
  if (mix->call != (int) case_need (c, "model_t")->size)
    case_fail (c, "%d evaluations", mix->call);
}

const GoldenGroup golden_df_samplers = { "df_samplers", run };
