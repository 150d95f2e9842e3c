/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusers' scheduler classes as samplers. */
#include <string.h>

#include "reference.h"
#include "walk.h"

static const struct
{
  const char *cls;
  const char *sampler;
  gboolean ordered; /* has "solver_order" */
} rows[] = {
  { "DDIMScheduler", "ddim" },
  { "PNDMScheduler", "pndm" },
  { "LCMScheduler", "lcm" },
  { "TCDScheduler", "tcd" },
  { "EulerDiscreteScheduler", "euler" },
  { "EulerAncestralDiscreteScheduler", "euler-ancestral" },
  { "HeunDiscreteScheduler", "heun" },
  { "KDPM2DiscreteScheduler", "dpm2" },
  { "KDPM2AncestralDiscreteScheduler", "dpm2-ancestral" },
  { "LMSDiscreteScheduler", "lms" },
  { "DPMSolverMultistepScheduler", "dpmpp-3m", TRUE },
  { "DPMSolverSinglestepScheduler", "dpmpp-3s", TRUE },
  { "UniPCMultistepScheduler", "unipc", TRUE },
  { "DEISMultistepScheduler", "deis", TRUE },
  { "FlowMatchEulerDiscreteScheduler", "euler" },
  { "FlowMatchHeunDiscreteScheduler", "flow-heun" },
};

/* The row as the arguments vary it: eps form, SDE.  The descriptors of our list are some of these. */
static SfSampler
vary_sampler (Case *c, const char *cls, const char *name)
{
  SfSampler sampler = *sf_sampler_find (name);
  const char *algorithm = case_text (c, "kw.algorithm_type", NULL);

  if (g_str_equal (cls, "FlowMatchEulerDiscreteScheduler") && case_flag (c, "kw.stochastic_sampling", FALSE))
    return *sf_sampler_find ("flow-stochastic");
  if (g_str_equal (cls, "PNDMScheduler") && case_flag (c, "kw.skip_prk_steps", FALSE))
    return *sf_sampler_find ("plms");
  if (g_str_equal (cls, "UniPCMultistepScheduler") && !case_flag (c, "kw.predict_x0", TRUE))
    sampler.output = SF_OUTPUT_NOISE;
  if (algorithm == NULL || g_str_equal (cls, "DEISMultistepScheduler"))
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

/* The classes with solver_order can lower it at the end, which no other does. */
static void
read_order (Case *c, const char *cls, gboolean ordered, SfSamplerOptions *options)
{
  JsonNode *uncorrected = case_node (c, "kw.disable_corrector");

  options->euler_last = case_flag (c, "kw.euler_at_final", FALSE);
  options->full_order_last = !case_flag (c, "kw.lower_order_final", TRUE) || !ordered;
  options->solver = find_solver (c, cls);
  if (ordered)
    options->order = case_int (c, "kw.solver_order", 2);
  if (uncorrected != NULL && JSON_NODE_HOLDS_ARRAY (uncorrected))
    for (guint i = 0; i < json_array_get_length (json_node_get_array (uncorrected)); i++)
      options->uncorrected |= 1ull << json_array_get_int_element (json_node_get_array (uncorrected), i);
}

gboolean
reference_diffusers_sampler (Case *c, const char *cls, SfSampler *sampler, SfSamplerOptions *options)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].cls, cls))
      {
        *sampler = vary_sampler (c, cls, rows[i].sampler);
        read_order (c, cls, rows[i].ordered, options);
        options->clip = reference_clip (c, cls);
        options->clip.keep_noise = sampler->raw_noise;
        /* Thresholds are for estimates of the image; UniPC does not apply them where it estimates the noise. */
        if (sampler->output == SF_OUTPUT_NOISE && g_str_equal (cls, "UniPCMultistepScheduler"))
          options->clip.kind = SF_CLIP_NONE;
        return TRUE;
      }
  case_fail (c, "unknown scheduler %s", cls);
  return FALSE;
}
