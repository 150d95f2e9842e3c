/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-scheduler.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-noise-preset.h"
#include "diffusion/sf-sampler.h"

static SfScheduler *
read_text (const char *text, GError **error)
{
  g_autoptr (JsonObject) object = sf_description_parse (text, -1, "scheduler_config.json", NULL);

  g_assert_nonnull (object);
  return sf_scheduler_new (object, "scheduler_config.json", error);
}

static SfScheduler *
read_good (const char *text)
{
  g_autoptr (GError) error = NULL;
  SfScheduler *scheduler = read_text (text, &error);

  g_assert_no_error (error);
  g_assert_nonnull (scheduler->process);
  return scheduler;
}

/* Every class, with nothing but its name, gives a whole description whose parts exist. */
static void
test_classes (void)
{
  int n;
  const SfSchedulerClass *classes = sf_scheduler_classes (&n);

  for (int i = 0; i < n; i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"_class_name\": \"%s\"}", classes[i].name);
      g_autoptr (SfScheduler) scheduler = read_good (text);
      SfNoiseLevel first;

      g_assert_true (scheduler->cls == sf_scheduler_class_find (classes[i].name));
      g_assert_nonnull (sf_sampler_find (scheduler->sampler));
      g_assert_nonnull (sf_schedule_find (scheduler->schedule));
      g_assert_cmpint (scheduler->steps, >, 0);
      g_assert_true (sf_prediction_check (scheduler->prediction, scheduler->process, NULL));
      first = sf_noise_process_level (scheduler->process, scheduler->process->kind != NULL ? 0.5 : 500);
      g_assert_true (first.sigma > 0 && isfinite (first.sigma));
    }
}

/* Recommended sampler, schedule and steps make levels. */
static void
test_levels (void)
{
  int n;
  const SfSchedulerClass *classes = sf_scheduler_classes (&n);

  for (int i = 0; i < n; i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"_class_name\": \"%s\"}", classes[i].name);
      g_autoptr (SfScheduler) scheduler = read_good (text);
      g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, scheduler->steps + 2);
      g_autoptr (GError) error = NULL;
      int steps = sf_schedule_fill (sf_schedule_find (scheduler->schedule), scheduler->process, &scheduler->options, scheduler->steps, levels, &error);

      g_assert_no_error (error);
      g_assert_cmpint (steps, >, 0);
      for (int k = 0; k < steps; k++)
        g_assert_true (levels[k].sigma > levels[k + 1].sigma);
    }
}

static void
assert_preset (const char *text, const char *preset)
{
  g_autoptr (SfScheduler) scheduler = read_good (text);

  g_assert_true (sf_noise_preset_matches (sf_noise_preset_find (preset), scheduler->process));
}

static void
test_process (void)
{
  assert_preset ("{}", "linear-1000");
  assert_preset ("{\"beta_schedule\": \"squaredcos_cap_v2\"}", "cosine-1000");
  assert_preset ("{\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012}", "scaled-linear-1000");
  assert_preset ("{\"num_train_timesteps\": 4000, \"beta_start\": 2.5e-05, \"beta_end\": 0.005}", "linear-4000");
  assert_preset ("{\"num_train_timesteps\": 4000, \"beta_schedule\": \"squaredcos_cap_v2\", \"rescale_timesteps\": true}", "cosine-4000-rescaled");
}

static void
test_betas (void)
{
  g_autoptr (SfScheduler) trained = read_good ("{\"trained_betas\": [0.1, 0.2, 0.3], \"num_train_timesteps\": 1000}");
  g_autoptr (SfScheduler) pure = read_good ("{\"rescale_betas_zero_snr\": true, \"prediction_type\": \"v_prediction\"}");
  g_autoptr (SfScheduler) sigma = read_good ("{\"_class_name\": \"EulerDiscreteScheduler\", \"rescale_betas_zero_snr\": true, \"prediction_type\": \"v_prediction\","
                                             " \"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012}");
  g_autoptr (SfScheduler) cosine = read_good ("{\"_class_name\": \"EulerDiscreteScheduler\", \"rescale_betas_zero_snr\": true, \"prediction_type\": \"v_prediction\","
                                              " \"beta_schedule\": \"squaredcos_cap_v2\", \"num_train_timesteps\": 10000}"); /* which falls at its end */

  g_assert_cmpint (trained->process->n, ==, 3);
  g_assert_cmpfloat_with_epsilon (trained->process->alpha_bar[2], 0.9 * 0.8 * 0.7, 1e-15);
  g_assert_cmpfloat (pure->process->alpha_bar[999], ==, 0);
  g_assert_cmpfloat_with_epsilon (sigma->process->alpha_bar[999], SF_NOISE_ALPHA_BAR_MIN, 1e-12);
  g_assert_cmpfloat (cosine->process->alpha_bar[9999], ==, SF_NOISE_ALPHA_BAR_MIN);
  g_assert_cmpfloat (cosine->process->alpha_bar[9998], <, SF_NOISE_ALPHA_BAR_MIN);
  g_assert_cmpint (pure->prediction, ==, SF_PREDICTION_V);
}

static void
test_continuous (void)
{
  g_autoptr (SfScheduler) ve = read_good ("{\"_class_name\": \"ScoreSdeVeScheduler\", \"sigma_max\": 50}");
  g_autoptr (SfScheduler) karras = read_good ("{\"_class_name\": \"KarrasVeScheduler\"}");
  g_autoptr (SfScheduler) vp = read_good ("{\"_class_name\": \"ScoreSdeVpScheduler\"}");
  g_autoptr (SfScheduler) flow = read_good ("{\"_class_name\": \"FlowMatchEulerDiscreteScheduler\", \"shift\": 3.0}");
  g_autoptr (SfScheduler) multistep = read_good ("{\"_class_name\": \"UniPCMultistepScheduler\", \"use_flow_sigmas\": true, \"prediction_type\": \"flow_prediction\", \"flow_shift\": 5.0}");

  g_assert_cmpstr (ve->process->kind->name, ==, "ve");
  g_assert_cmpfloat (ve->process->p[1], ==, 50);
  g_assert_cmpint (ve->prediction, ==, SF_PREDICTION_SCORE);
  g_assert_cmpfloat (ve->low, ==, 0);
  g_assert_cmpfloat (karras->process->p[1], ==, 50); /* 100 of [-1, 1] in [0, 1] */
  g_assert_cmpint (vp->prediction, ==, SF_PREDICTION_EPSILON);
  g_assert_cmpfloat (vp->low, ==, -1);
  g_assert_cmpint (flow->prediction, ==, SF_PREDICTION_FLOW);
  g_assert_cmpfloat (flow->options.shift, ==, 3);
  g_assert_cmpint (multistep->prediction, ==, SF_PREDICTION_FLOW);
  g_assert_cmpfloat (multistep->options.shift, ==, 5);
}

static void
test_variance (void)
{
  static const struct
  {
    const char *text;
    SfVariance variance;
    gboolean large;
  } rows[] = {
    { "{}", SF_VARIANCE_NONE, FALSE },
    { "{\"variance_type\": null}", SF_VARIANCE_NONE, FALSE },
    { "{\"variance_type\": \"fixed_small_log\"}", SF_VARIANCE_NONE, FALSE },
    { "{\"variance_type\": \"fixed_large\"}", SF_VARIANCE_NONE, TRUE },
    { "{\"variance_type\": \"learned\"}", SF_VARIANCE_LEARNED, FALSE },
    { "{\"variance_type\": \"learned_range\"}", SF_VARIANCE_LEARNED_RANGE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SfScheduler) scheduler = read_good (rows[i].text);

      g_assert_cmpint (scheduler->variance, ==, rows[i].variance);
      g_assert_cmpint (scheduler->fixed_large, ==, rows[i].large);
    }
}

static void
test_clip (void)
{
  g_autoptr (SfScheduler) usual = read_good ("{}"), off = read_good ("{\"clip_sample\": false}");
  g_autoptr (SfScheduler) range = read_good ("{\"clip_sample_range\": 3.0}");
  g_autoptr (SfScheduler) dynamic = read_good ("{\"thresholding\": true, \"dynamic_thresholding_ratio\": 0.9, \"sample_max_value\": 2.0}");
  g_autoptr (SfScheduler) never = read_good ("{\"_class_name\": \"TCDScheduler\", \"clip_sample\": true, \"thresholding\": true}");

  g_assert_cmpint (usual->clip.kind, ==, SF_CLIP_STATIC);
  g_assert_cmpint (off->clip.kind, ==, SF_CLIP_NONE);
  g_assert_cmpfloat (range->clip.range, ==, 3);
  g_assert_cmpint (dynamic->clip.kind, ==, SF_CLIP_DYNAMIC);
  g_assert_cmpfloat (dynamic->clip.quantile, ==, 0.9);
  g_assert_cmpfloat (dynamic->clip.max, ==, 2);
  g_assert_cmpint (never->clip.kind, ==, SF_CLIP_NONE);
}

static void
test_recommended (void)
{
  static const struct
  {
    const char *text, *sampler, *schedule;
    int offset;
  } rows[] = {
    { "{\"timestep_spacing\": \"trailing\"}", "ddim", "trailing", 0 },
    { "{\"steps_offset\": 1}", "ddim", "leading", 1 },
    { "{\"_class_name\": \"EulerDiscreteScheduler\"}", "euler", "uniform", 0 },
    { "{\"_class_name\": \"EulerDiscreteScheduler\", \"use_karras_sigmas\": true}", "euler", "karras", 0 },
    { "{\"_class_name\": \"HeunDiscreteScheduler\", \"use_beta_sigmas\": true}", "heun", "beta", 0 },
    { "{\"_class_name\": \"DPMSolverMultistepScheduler\"}", "dpmpp-2m", "linspace", 0 },
    { "{\"_class_name\": \"DPMSolverMultistepScheduler\", \"solver_order\": 3}", "dpmpp-3m", "linspace", 0 },
    { "{\"_class_name\": \"DPMSolverMultistepScheduler\", \"algorithm_type\": \"sde-dpmsolver++\"}", "dpmpp-2m-sde", "linspace", 0 },
    { "{\"_class_name\": \"DPMSolverMultistepScheduler\", \"use_lu_lambdas\": true}", "dpmpp-2m", "exponential", 0 },
    { "{\"_class_name\": \"DPMSolverMultistepScheduler\", \"use_lu_lambdas\": true, \"use_beta_sigmas\": true}", "dpmpp-2m", "exponential", 0 },
    { "{\"_class_name\": \"DPMSolverMultistepScheduler\", \"use_lu_lambdas\": true, \"use_karras_sigmas\": true}", "dpmpp-2m", "karras", 0 },
    { "{\"_class_name\": \"LCMScheduler\"}", "lcm", "lcm", 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SfScheduler) scheduler = read_good (rows[i].text);

      g_assert_cmpstr (scheduler->sampler, ==, rows[i].sampler);
      g_assert_cmpstr (scheduler->schedule, ==, rows[i].schedule);
      g_assert_cmpint (scheduler->options.offset, ==, rows[i].offset);
    }
}

/* What is wrong is refused by name, never guessed. */
static void
test_bad (void)
{
  static const struct
  {
    const char *text, *part;
  } rows[] = {
    { "{\"_class_name\": \"DanceScheduler\"}", "DanceScheduler" },
    { "{\"_class_name\": 3}", "_class_name" },
    { "{\"beta_schedule\": \"zigzag\"}", "zigzag" },
    { "{\"beta_schedule\": [\"linear\"]}", "beta_schedule" },
    { "{\"beta_start\": \"0.1\"}", "beta_start" },
    { "{\"beta_start\": -1}", "beta_start" },
    { "{\"beta_end\": 2}", "beta_end" },
    { "{\"beta_start\": 0.5, \"beta_end\": 0.1}", "beta_schedule" },
    { "{\"num_train_timesteps\": 0}", "num_train_timesteps" },
    { "{\"num_train_timesteps\": 1e12}", "num_train_timesteps" },
    { "{\"num_train_timesteps\": 10.5}", "num_train_timesteps" },
    { "{\"trained_betas\": []}", "trained_betas" },
    { "{\"trained_betas\": [0.1, \"x\"]}", "trained_betas" },
    { "{\"trained_betas\": [0.1, 1.5]}", "trained_betas" },
    { "{\"prediction_type\": \"guess\"}", "guess" },
    { "{\"variance_type\": \"large\"}", "variance_type" },
    { "{\"timestep_spacing\": \"random\"}", "random" },
    { "{\"clip_sample\": 1}", "clip_sample" },
    { "{\"rescale_betas_zero_snr\": true}", "epsilon" },
    { "{\"_class_name\": \"EulerDiscreteScheduler\", \"timestep_type\": \"continuous\"}", "timestep_type" },
    { "{\"_class_name\": \"ScoreSdeVeScheduler\", \"sigma_min\": 10, \"sigma_max\": 1}", "ve" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (read_text (rows[i].text, &error));
      g_assert_true (g_error_matches (error, SF_ERROR, SF_ERROR_MODEL) || g_error_matches (error, SF_ERROR, SF_ERROR_ARGUMENT));
      if (strstr (error->message, rows[i].part) == NULL)
        g_test_fail_printf ("%s: no “%s” in: %s", rows[i].text, rows[i].part, error->message);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scheduler/classes", test_classes);
  g_test_add_func ("/scheduler/levels", test_levels);
  g_test_add_func ("/scheduler/process", test_process);
  g_test_add_func ("/scheduler/betas", test_betas);
  g_test_add_func ("/scheduler/continuous", test_continuous);
  g_test_add_func ("/scheduler/variance", test_variance);
  g_test_add_func ("/scheduler/clip", test_clip);
  g_test_add_func ("/scheduler/recommended", test_recommended);
  g_test_add_func ("/scheduler/bad", test_bad);
  return g_test_run ();
}
