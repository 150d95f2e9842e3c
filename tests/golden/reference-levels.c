/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The levels of diffusers' scheduler classes. */
#include "reference-private.h"

#include <math.h>
#include <string.h>

#include "denoisers/sf-scheduler.h"
#include "diffusion/sf-schedule.h"
#include "diffusion/sf-timesteps.h"

static gboolean
fill (Case *c, const char *row, const SfNoiseProcess *process, const SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  g_autoptr (GError) error = NULL;
  int made = sf_schedule_fill (sf_schedule_find (row), process, options, *n, levels, &error);

  *n = made;
  return case_ok (c, made > 0, &error);
}

static const char *
spacing_row (Case *c, const char *prefix, const SfSchedulerClass *class, SfScheduleOptions *options)
{
  SfDescription config = reference_begin_description (c, prefix);
  const char *row = sf_scheduler_spacing (&config, class, options);

  reference_end_description (c, prefix, &config);
  return row;
}

/* (nullable): the row of use_karras_sigmas and its kin. */
static const char *
sigma_row (Case *c, const char *prefix)
{
  SfDescription config = reference_begin_description (c, prefix);
  const char *row = sf_scheduler_sigmas (&config);

  reference_end_description (c, prefix, &config);
  return row;
}

/* numpy's linspace of a single point is its first, timestep 0; ours begins with the noise. */
static gboolean
fill_spaced (Case *c, const char *row, const SfNoiseProcess *process, const SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  if (*n > 1 || options->open || (!g_str_equal (row, "linspace") && !g_str_equal (row, "uniform")))
    return fill (c, row, process, options, n, levels);
  levels[0] = sf_noise_process_level (process, 0);
  levels[1] = sf_noise_process_level_at (process, options->sigma_final);
  return TRUE;
}

/* Euler and its kin: the ends of other spacings are those of timestep_spacing. */
static gboolean
fill_sigma (Case *c, const SfSchedulerClass *class, const char *prefix, const SfNoiseProcess *process,
            SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  const char *between = reference_text (c, prefix, "interpolation_type", "linear"), *other = sigma_row (c, prefix);
  int points = *n;

  if (!fill_spaced (c, spacing_row (c, prefix, class, options), process, options, n, levels))
    return FALSE;
  if (g_str_equal (between, "log_linear"))
    {
      g_autofree SfNoiseLevel *spaced = g_memdup2 (levels, *n * sizeof *levels);

      points++;
      if (!fill (c, "exponential", process, options, &points, levels))
        return FALSE;
      for (int k = 0; k < *n; k++)
        levels[k].t = spaced[k].t;
    }
  else if (!g_str_equal (between, "linear"))
    case_fail (c, "unknown interpolation %s", between);
  if (other == NULL)
    return TRUE;
  options->sigma_max = reference_number (c, prefix, "sigma_max", levels[0].sigma);
  options->sigma_min = reference_number (c, prefix, "sigma_min", levels[points - 1].sigma);
  options->rounding = g_str_has_prefix (class->name, "KDPM2") && g_str_equal (other, "karras") ? SF_LABEL_NEAREST : SF_LABEL_EXACT;
  return fill (c, other, process, options, n, levels);
}

/* Whether what final_sigmas_type calls sigma_min is the last of the levels made, and not of the table. */
static gboolean
repeats_last (const SfSchedulerClass *class)
{
  return g_str_equal (class->name, "UniPCMultistepScheduler") || g_str_equal (class->name, "DEISMultistepScheduler");
}

static gboolean
fill_multistep (Case *c, const SfSchedulerClass *class, const char *prefix, const SfNoiseProcess *process,
                SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  const char *other = sigma_row (c, prefix), *row;
  double lambda_min = reference_number (c, prefix, "lambda_min_clipped", -G_MAXDOUBLE);
  gboolean cosine = g_str_equal (reference_text (c, prefix, "beta_schedule", "linear"), "squaredcos_cap_v2");

  options->timesteps = process->n;
  while (options->timesteps > 1 && -process->log_sigma[options->timesteps - 1] < lambda_min)
    options->timesteps--;
  row = spacing_row (c, prefix, class, options);
  if (other != NULL)
    {
      gboolean nearest = g_str_equal (other, "karras") || reference_flag (c, prefix, "use_lu_lambdas");

      row = other;
      options->rounding = nearest ? SF_LABEL_NEAREST : SF_LABEL_TRUNCATED;
    }
  else
    options->open = TRUE;
  if (other != NULL && cosine && g_str_equal (class->name, "DPMSolverMultistepScheduler"))
    options->rounding = SF_LABEL_TRUNCATED;
  if (!fill_spaced (c, row, process, options, n, levels))
    return FALSE;
  if (other != NULL && options->sigma_final > 0 && repeats_last (class))
    levels[*n] = levels[*n - 1];
  return TRUE;
}

/*** Flow matching: sigma is the time ***/

static double
time_sigma (double t)
{
  return t / (1 - t);
}

/* k of the shift: of @name, or the dynamic one of call.mu. */
static double
flow_shift (Case *c, const char *prefix, const char *name)
{
  const char *type = reference_text (c, prefix, "time_shift_type", "exponential");
  gboolean linear = g_str_equal (type, "linear");
  double shift = reference_number (c, prefix, name, 1), mu = case_number (c, "call.mu", 0);

  if (!linear && !g_str_equal (type, "exponential"))
    case_fail (c, "unknown shift %s", type);
  if (!reference_flag (c, prefix, "use_dynamic_shifting"))
    return shift;
  return linear ? mu : exp (mu);
}

/* @list, of times, shifted and stretched. */
static void
fill_shifted (const double *list, int n, const SfNoiseProcess *process, const SfScheduleOptions *options, SfNoiseLevel *levels)
{
  double last = sf_time_shift (list[n - 1], options->shift);
  double stretch = options->terminal > 0 ? (1 - options->terminal) / (1 - last) : 0;

  for (int k = 0; k < n; k++)
    {
      double t = sf_time_shift (list[k], options->shift);

      levels[k] = sf_noise_process_level (process, stretch > 0 ? 1 - stretch * (1 - t) : t);
    }
  levels[n] = sf_noise_level_clean ();
}

/* use_flow_sigmas of the multistep solvers, whose labels are cut to whole numbers: computed as there to the last bit. */
static gboolean
fill_multistep_flow (Case *c, const SfSchedulerClass *class, const char *prefix, const double *given, const SfNoiseProcess *process,
                     SfScheduleOptions *options, int n, SfNoiseLevel *levels)
{
  const double almost = 1 - 1e-6; /* UniPC's first level */
  gboolean unipc = g_str_equal (class->name, "UniPCMultistepScheduler"), deis = g_str_equal (class->name, "DEISMultistepScheduler");
  gboolean to_min = deis || g_str_equal (reference_text (c, prefix, "final_sigmas_type", "zero"), "sigma_min");
  double step = 1 / process->label_scale;
  g_autoptr (SfNoiseProcess) unused = reference_diffusers_process (c, prefix); /* which the betas describe all the same */
  g_autofree double *even = g_new (double, n);

  options->shift = flow_shift (c, prefix, "flow_shift");
  options->terminal = unipc ? reference_number (c, prefix, "shift_terminal", 0) : 0;
  for (int k = 0; k < n; k++)
    even[k] = unipc ? sf_linspace (1, step, k, n) : 1 - sf_linspace (1, step, n - k, n);
  fill_shifted (given != NULL ? given : even, n, process, options, levels);
  if (unipc && levels[0].sigma > time_sigma (almost))
    levels[0] = sf_noise_process_level (process, almost);
  for (int k = 0; k < n; k++)
    levels[k].t = trunc (levels[k].t);
  if (to_min && repeats_last (class))
    levels[n] = levels[n - 1];
  else if (to_min && unused != NULL) /* its least sigma is taken for a time */
    levels[n] = sf_noise_process_level (process, exp (unused->log_sigma[0]));
  return TRUE;
}

static gboolean
fill_flow (Case *c, const char *prefix, const double *given, const SfNoiseProcess *process,
           SfScheduleOptions *options, int *n, SfNoiseLevel *levels)
{
  const char *other = sigma_row (c, prefix);
  double low = 1 / process->label_scale;

  options->shift = flow_shift (c, prefix, "shift");
  options->terminal = reference_number (c, prefix, "shift_terminal", 0);
  if (!reference_flag (c, prefix, "use_dynamic_shifting")) /* the low end has been shifted before */
    low = sf_time_shift (low, options->shift);
  options->sigma_min = time_sigma (sf_time_shift (low, options->shift));
  if (given != NULL)
    fill_shifted (given, *n, process, options, levels);
  else if (!fill (c, "flow-shift", process, options, n, levels))
    return FALSE;
  if (other == NULL)
    return TRUE;
  *options = (SfScheduleOptions) { .sigma_max = levels[0].sigma, .sigma_min = levels[*n - 1].sigma };
  return fill (c, other, process, options, n, levels);
}

/* call.timesteps or call.sigmas; these with the last one. */
static void
fill_listed (const SfNoiseProcess *process, const double *times, const double *sigmas, double sigma_final, int *n,
             SfNoiseLevel *levels)
{
  for (int k = 0; k < *n; k++)
    levels[k] = sigmas != NULL ? sf_noise_process_level_at (process, sigmas[k]) : sf_noise_process_level (process, times[k]);
  if (sigmas != NULL)
    --*n;
  else
    levels[*n] = sf_noise_process_level_at (process, sigma_final);
}

/* Whether sigma falls at the last timestep. */
static gboolean
falls_at_end (const SfNoiseProcess *process)
{
  int last = process->n - 1;

  return last > 0 && process->log_sigma[last] < process->log_sigma[last - 1];
}

SfNoiseLevel *
reference_diffusers_levels (Case *c, const char *cls, const char *prefix, const SfNoiseProcess *process, int *n)
{
  const SfSchedulerClass *class = sf_scheduler_class_find (cls);
  const char *end = reference_text (c, prefix, "final_sigmas_type", g_str_equal (cls, "DEISMultistepScheduler") ? "sigma_min" : "zero");
  const char *type = reference_text (c, prefix, "timestep_type", "discrete");
  g_autofree double *times = reference_list (c, "call.timesteps", n), *sigmas = reference_list (c, "call.sigmas", n);
  g_autofree SfNoiseLevel *levels = NULL;
  SfScheduleOptions options = { 0 };
  gboolean flow = process->kind != NULL, ok = FALSE;

  if (g_str_equal (end, "sigma_min") && !flow)
    options.sigma_final = exp (process->log_sigma[0]);
  else if (!g_str_equal (end, "sigma_min") && !g_str_equal (end, "zero"))
    case_fail (c, "unknown final_sigmas_type %s", end);
  if (*n < 1)
    {
      case_fail (c, "no number of steps");
      return NULL;
    }
  levels = g_new (SfNoiseLevel, *n + 2);
  if (!flow && (times != NULL || sigmas != NULL))
    {
      fill_listed (process, times, sigmas, options.sigma_final, n, levels);
      ok = TRUE;
    }
  else if (class->kind == SF_SCHEDULER_CHAIN)
    {
      if (!reference_flag_or (c, prefix, "set_alpha_to_one", !g_str_equal (cls, "PNDMScheduler")))
        options.sigma_final = exp (process->log_sigma[0]);
      ok = fill_spaced (c, spacing_row (c, prefix, class, &options), process, &options, n, levels);
    }
  else if (class->kind == SF_SCHEDULER_DISTILLED)
    {
      options.original = (int) reference_number (c, prefix, "original_inference_steps", 50);
      options.strength = case_number (c, "call.strength", 1);
      reference_flag (c, prefix, "set_alpha_to_one"); /* which they have, but do not use */
      if (g_str_equal (cls, "TCDScheduler"))
        options.sigma_final = exp (process->log_sigma[0]);
      ok = fill (c, class->spacing, process, &options, n, levels);
    }
  else if (class->kind == SF_SCHEDULER_SIGMA)
    ok = fill_sigma (c, class, prefix, process, &options, n, levels);
  else if (class->kind == SF_SCHEDULER_FLOW)
    ok = fill_flow (c, prefix, sigmas, process, &options, n, levels);
  else
    ok = flow ? fill_multistep_flow (c, class, prefix, sigmas, process, &options, *n, levels)
              : fill_multistep (c, class, prefix, process, &options, n, levels);
  if (ok && !flow && falls_at_end (process) && fabs (log (levels[0].sigma) - process->log_sigma[process->n - 1]) < 1e-12)
    levels[0].t = process->n - 1; /* which a search of the table finds earlier */
  if (g_str_equal (type, "continuous") && reference_prediction (c, prefix, SF_PREDICTION_EPSILON) == SF_PREDICTION_V)
    for (int k = 0; ok && k < *n; k++)
      levels[k].t = 0.25 * log (levels[k].sigma);
  else if (!g_str_equal (type, "discrete") && !g_str_equal (type, "continuous"))
    case_fail (c, "unknown timestep_type %s", type);
  return ok ? g_steal_pointer (&levels) : NULL;
}
