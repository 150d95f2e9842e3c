/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which timesteps and sigmas are visited. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-posterior.h"
#include "diffusion/sf-schedule.h"
#include "diffusion/sf-timesteps.h"
#include "reference.h"

static void
append (GArray *array, double value)
{
  g_array_append_val (array, value);
}

static void
compare (Case *c, const char *name, GArray *values)
{
  case_compare_array (c, name, (const double *) (gpointer) values->data, values->len, TOLERANCE_TABLE);
}

/* (transfer full) (nullable) */
static SfNoiseLevel *
fill (Case *c, const char *row, const SfNoiseProcess *process, const SfScheduleOptions *options, int n)
{
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);
  g_autoptr (GError) error = NULL;
  int made = sf_schedule_fill (sf_schedule_find (row), process, options, n, levels, &error);

  if (!case_ok (c, made > 0, &error))
    return NULL;
  if (made < n)
    case_fail (c, "%d steps, not %d", made, n);
  return made == n ? g_steal_pointer (&levels) : NULL;
}

static void
compare_sigmas (Case *c, const SfNoiseLevel *levels, int n)
{
  g_autoptr (GArray) sigmas = g_array_new (FALSE, FALSE, sizeof (double));

  for (int k = 0; k < n; k++)
    append (sigmas, levels[k].sigma);
  compare (c, "sigmas", sigmas);
}

/*** improved-diffusion: sections ***/

static void
run_sections (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  SfNoiseLevel before = sf_noise_level_clean ();

  if (process == NULL)
    return;
  case_compare_array (c, "timesteps", process->label, process->n, 0);
  case_compare_array (c, "betas", process->beta, process->n, TOLERANCE_TABLE);
  for (int t = 0; t < process->n; t++)
    {
      SfNoiseLevel level = sf_noise_process_level (process, t);

      case_compare_number (c, "posterior_variance", t, before.a * before.a * sf_posterior (&level, &before).small, TOLERANCE_TABLE);
      before = level;
    }
}

/*** Analytic-DPM: trajectories, which count from 1 and rise ***/

static void
run_trajectory (Case *c)
{
  const char *type = case_text (c, "typ", "");
  int total = case_int (c, "N", 0), n = case_int (c, "K", 0);
  gboolean optimal = g_str_equal (type, "dp_seg");
  SfScheduleOptions options = { .repeats = TRUE };
  g_autoptr (SfNoiseProcess) process = NULL;
  g_autofree SfNoiseLevel *levels = NULL;
  const char *row = type;

  process = sf_noise_process_new_named (optimal && g_str_equal (case_text (c, "schedule", ""), "cosine") ? "cosine" : "openai-linear", total, 0, 0, NULL);
  if (process == NULL)
    {
      case_fail (c, "no process of %d timesteps", total);
      return;
    }
  if (optimal)
    {
      const GoldenTensor *gamma = case_need (c, "ms_eps"), *betas = case_need (c, "betas");

      if (gamma->size != (gsize) total + 1 || betas->size != gamma->size)
        return;
      options.gamma = gamma->value + 1;
      case_compare (c, "betas", process->beta, betas->value + 1, total, TOLERANCE_TABLE);
      for (int i = 0; i < 3; i++) /* how the reference made Gamma */
        case_has (c, (const char *[]) { "ms_scale", "ms_var", "bad_from" }[i]);
      row = "optimal";
    }
  else if (g_str_equal (type, "linear"))
    {
      options.offset = 1;
      row = "strided";
    }
  else if (g_str_equal (type, "linear_ddim"))
    {
      options.stride = total / n;
      n = (total + options.stride - 1) / options.stride;
      row = "leading";
    }
  else if (g_str_equal (type, "quad_ddim"))
    row = "quadratic";
  else if (g_str_has_prefix (type, "power"))
    {
      options.rho = atof (type + strlen ("power"));
      row = "power";
    }
  else
    {
      case_fail (c, "unknown trajectory %s", type);
      return;
    }
  if ((levels = fill (c, row, process, &options, n)) == NULL)
    return;
  for (int k = 0; k < n; k++)
    case_compare_number (c, "timesteps", k, levels[n - 1 - k].t + 1, 0);
  if (case_need (c, "timesteps")->size != (gsize) n)
    case_fail (c, "%d timesteps are too few", n);
}

/*** diffusers ***/

/* Second evaluations are in the lists of the schedulers: at the next level (Heun), between the two (DPM2). */
static void
compare_doubled (Case *c, const char *cls, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) sigmas = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) middles = g_array_new (FALSE, FALSE, sizeof (double));
  gboolean heun = g_str_has_prefix (cls, "Heun") || g_str_has_prefix (cls, "FlowMatchHeun");
  gboolean ancestral = g_str_equal (cls, "KDPM2AncestralDiscreteScheduler");

  append (times, levels[0].t);
  append (sigmas, levels[0].sigma);
  for (int k = 1; k <= n; k++)
    {
      double sigma = levels[k].sigma, last = levels[k - 1].sigma;
      double middle = ancestral ? sigma : sqrt (last * sigma); /* ancestral steps go down to sigma^2 / last */

      if (k < n)
        append (times, heun ? levels[k].t : sf_noise_process_level_at (process, middle).t);
      if (k < n)
        append (times, levels[k].t);
      append (sigmas, levels[k].sigma);
      if (k < n || !heun)
        append (sigmas, levels[k].sigma);
      append (middles, middle);
      append (middles, middle);
    }
  if (!heun)
    append (sigmas, levels[n].sigma);
  append (middles, 0);
  compare (c, "timesteps", times);
  compare (c, "sigmas", sigmas);
  if (case_tensor (c, "sigmas_interpol") != NULL)
    compare (c, "sigmas_interpol", middles);
}

/* The second level twice, or Runge-Kutta's evaluations of the first three steps: begin, middle, middle, end. */
static void
compare_pndm (Case *c, const SfNoiseLevel *levels, int n, int total)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  gboolean skip = case_flag (c, "kw.skip_prk_steps", FALSE);
  int half = total / n / 2;

  if (!skip && n < 4)
    {
      case_fail (c, "Runge-Kutta needs four steps");
      return;
    }
  for (int k = 0; k < n; k++)
    if (skip)
      {
        append (times, levels[k].t);
        if (k == 1)
          append (times, levels[k].t);
      }
    else if (k < 3)
      {
        append (times, levels[k].t);
        append (times, levels[k + 1].t + half);
        append (times, levels[k + 1].t + half);
        append (times, levels[k + 1].t);
      }
    else
      append (times, levels[k].t);
  compare (c, "timesteps", times);
}

static void
run_diffusers (Case *c)
{
  static const char *const no_matter[] = { "prediction_type", "clip_sample", "clip_sample_range", "set_alpha_to_one", "thresholding",
                                           "dynamic_thresholding_ratio", "sample_max_value", "variance_type", "solver_order",
                                           "solver_type", "algorithm_type", "lower_order_final", "euler_at_final", "predict_x0",
                                           "disable_corrector", "stochastic_sampling", "timestep_scaling", "base_shift", "max_shift",
                                           "base_image_seq_len", "max_image_seq_len" };
  const char *cls = case_text (c, "cls", "");
  int n = case_int (c, "args.0", 0);
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, cls, "kw.");
  g_autofree SfNoiseLevel *levels = process != NULL ? reference_diffusers_levels (c, cls, "kw.", process, &n) : NULL;
  gboolean leading = g_str_equal (case_text (c, "kw.timestep_spacing", "linspace"), "leading");

  /* One level more is made than is reached, unless it is all made anew. */
  gboolean extra = g_str_equal (case_text (c, "kw.interpolation_type", ""), "log_linear") && !case_flag (c, "kw.use_karras_sigmas", FALSE) &&
                   !case_flag (c, "kw.use_exponential_sigmas", FALSE) && !case_flag (c, "kw.use_beta_sigmas", FALSE);

  for (gsize i = 0; i < G_N_ELEMENTS (no_matter); i++)
    {
      g_autofree char *path = g_strconcat ("kw.", no_matter[i], NULL);

      case_has (c, path);
    }
  if (levels == NULL)
    return;
  if (case_tensor (c, "init_noise_sigma") != NULL)
    case_compare_number (c, "init_noise_sigma", 0, !reference_is_sigma_class (cls) ? 1 : leading ? sqrt (1 + levels[0].sigma * levels[0].sigma)
                                                                                                 : levels[0].sigma,
                         TOLERANCE_TABLE);
  if (process->kind != NULL) /* the field's sigma of flow matching is the time */
    for (int k = 0; k <= n; k++)
      levels[k].sigma = levels[k].sigma > 0 ? sf_noise_process_t (process, levels[k].sigma) : 0;
  if (g_str_equal (cls, "PNDMScheduler"))
    compare_pndm (c, levels, n, process->n);
  else if (g_str_has_prefix (cls, "Heun") || g_str_has_prefix (cls, "KDPM2") || g_str_has_prefix (cls, "FlowMatchHeun"))
    compare_doubled (c, cls, process, levels, n);
  else
    {
      g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));

      for (int k = 0; k < n; k++)
        append (times, levels[k].t);
      compare (c, "timesteps", times);
      if (case_tensor (c, "sigmas") != NULL)
        compare_sigmas (c, levels, n + 1 + extra);
    }
}

/*** k-diffusion ***/

static void
run_sigmas (Case *c)
{
  const char *name = case_text (c, "name", "");
  int n = case_int (c, "kw.n", 0);
  double beta_min = case_number (c, "kw.beta_min", 0.1), beta_d = case_number (c, "kw.beta_d", 19.9), end = case_number (c, "kw.eps_s", 1e-3);
  SfScheduleOptions options = {
    .sigma_max = case_number (c, "kw.sigma_max", 0),
    .sigma_min = case_number (c, "kw.sigma_min", 0),
    .rho = case_number (c, "kw.rho", g_str_equal (name, "karras") ? 7 : 1),
  };
  g_autoptr (SfNoiseProcess) vp = sf_noise_process_new_continuous (sf_noise_kind_find ("vp"), (double[]) { beta_min, beta_min + beta_d }, NULL);
  g_autofree SfNoiseLevel *levels = NULL;

  if (g_str_equal (name, "vp"))
    options.sigma_min = sf_noise_process_sigma (vp, end);
  else if (!g_str_equal (name, "karras") && !g_str_equal (name, "exponential") && !g_str_equal (name, "polyexponential"))
    {
      case_fail (c, "unknown schedule %s", name);
      return;
    }
  if ((levels = fill (c, g_str_equal (name, "vp") ? "uniform" : name, vp, &options, n)) != NULL)
    compare_sigmas (c, levels, n + 1);
}

static void
run_discrete (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_diffusers_process (c, "kw.");
  const GoldenTensor *sigma = case_need (c, "probe_sigma"), *time = case_need (c, "probe_time");
  int n = case_int (c, "n", 0);
  g_autofree SfNoiseLevel *levels = process != NULL ? fill (c, "uniform", process, NULL, n) : NULL;

  case_node (c, "probe_sigma");
  case_node (c, "probe_time");
  if (levels == NULL)
    return;
  compare_sigmas (c, levels, n + 1);
  for (gsize i = 0; i < sigma->size; i++)
    {
      double t = sf_noise_process_level_at (process, sigma->value[i]).t;

      case_compare_number (c, "probe_t", i, t, TOLERANCE_TABLE);
      case_compare_number (c, "probe_tq", i, rint (t), 0);
    }
  for (gsize i = 0; i < time->size; i++)
    case_compare_number (c, "probe_time_sigma", i, sf_noise_process_level (process, time->value[i]).sigma, TOLERANCE_TABLE);
}

/*** DPM-Solver ***/

static void
run_dpmsolver (Case *c)
{
  static const char *const rows[][2] = { { "time_uniform", "uniform" }, { "time_quadratic", "time-quadratic" }, { "logSNR", "exponential" } };
  g_autoptr (SfNoiseProcess) process = reference_dpmsolver_process (c, "kw.");
  const char *skip = case_text (c, "skip", ""), *row = NULL;
  int n = case_int (c, "N", 1), at = 0, steps;
  g_autofree int *orders = g_new (int, n);
  g_autofree SfNoiseLevel *levels = NULL, *outer = NULL;
  double first;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i][0], skip))
      row = rows[i][1];
  if (row == NULL)
    case_fail (c, "unknown grid %s", skip);
  if (row == NULL || process == NULL)
    return;
  steps = sf_singlestep_orders (n, 3, orders);
  levels = fill (c, row, process, NULL, n + 1);
  outer = fill (c, row, process, NULL, steps + 1);
  if (levels == NULL || outer == NULL)
    return;
  first = 1.0 / process->n;
  case_compare_number (c, "total_N", 0, process->n, 0);
  for (int k = 0; k <= n; k++)
    {
      case_compare_number (c, "t", k, levels[k].t / 1000 + first, TOLERANCE_TABLE);
      case_compare_number (c, "lambda", k, -log (levels[k].sigma), TOLERANCE_TABLE);
      case_compare_number (c, "log_alpha", k, log (levels[k].a), TOLERANCE_TABLE);
    }
  for (int k = 0; k <= steps; k++)
    {
      case_compare_number (c, "single_t", k, (g_str_equal (skip, "logSNR") ? outer[k] : levels[at]).t / 1000 + first, TOLERANCE_TABLE);
      if (k == steps)
        break;
      case_compare_number (c, "single_orders", k, orders[k], 0);
      at += orders[k];
    }
}

/*** RePaint ***/

static void
run_jumps (Case *c)
{
  int n;
  g_autofree int *walk = sf_timesteps_jumps (case_int (c, "kw.t_T", 0), case_int (c, "kw.n_sample", 1), case_int (c, "kw.jump_length", 1),
                                             case_int (c, "kw.jump_n_sample", 1), &n);

  for (int i = 0; i < n; i++)
    case_compare_number (c, "times", i, walk[i], 0);
  if (case_need (c, "times")->size != (gsize) n)
    case_fail (c, "a walk of %d is too short", n);
}

static void
run (Case *c)
{
  static const struct
  {
    const char *parameter; /* that only these cases have */
    void (*run) (Case *c);
  } kinds[] = {
    { "sections", run_sections },
    { "typ", run_trajectory },
    { "cls", run_diffusers },
    { "skip", run_dpmsolver },
    { "kw.t_T", run_jumps },
    { "probe_sigma", run_discrete },
    { "name", run_sigmas },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (case_has (c, kinds[i].parameter))
      {
        kinds[i].run (c);
        return;
      }
  case_fail (c, "unknown kind of case");
}

const GoldenGroup golden_timesteps = { "timesteps", run };
