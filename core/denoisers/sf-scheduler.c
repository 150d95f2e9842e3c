/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-scheduler.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-betas.h"

#define MAX_TIMESTEPS 100000

static const SfSchedulerClass classes[] = {
  { "DDPMScheduler", SF_SCHEDULER_CHAIN, "leading", "linear", 1e-4, 0.02, TRUE, "ddim", 50 },
  { "DDPMParallelScheduler", SF_SCHEDULER_CHAIN, "leading", "linear", 1e-4, 0.02, TRUE, "ddim", 50 },
  { "DDIMScheduler", SF_SCHEDULER_CHAIN, "leading", "linear", 1e-4, 0.02, TRUE, "ddim", 50 },
  { "DDIMParallelScheduler", SF_SCHEDULER_CHAIN, "leading", "linear", 1e-4, 0.02, TRUE, "ddim", 50 },
  { "PNDMScheduler", SF_SCHEDULER_CHAIN, "leading", "linear", 1e-4, 0.02, FALSE, "plms", 50 },
  { "LCMScheduler", SF_SCHEDULER_DISTILLED, "lcm", "scaled_linear", 0.00085, 0.012, FALSE, "lcm", 4 },
  { "TCDScheduler", SF_SCHEDULER_DISTILLED, "lcm", "scaled_linear", 0.00085, 0.012, FALSE, "tcd", 4 },
  { "EulerDiscreteScheduler", SF_SCHEDULER_SIGMA, "linspace", "linear", 1e-4, 0.02, FALSE, "euler", 30 },
  { "EulerAncestralDiscreteScheduler", SF_SCHEDULER_SIGMA, "linspace", "linear", 1e-4, 0.02, FALSE, "euler-ancestral", 30 },
  { "HeunDiscreteScheduler", SF_SCHEDULER_SIGMA, "linspace", "linear", 0.00085, 0.012, FALSE, "heun", 20 },
  { "LMSDiscreteScheduler", SF_SCHEDULER_SIGMA, "linspace", "linear", 1e-4, 0.02, FALSE, "lms", 30 },
  { "KDPM2DiscreteScheduler", SF_SCHEDULER_SIGMA, "linspace", "linear", 0.00085, 0.012, FALSE, "dpm2", 20 },
  { "KDPM2AncestralDiscreteScheduler", SF_SCHEDULER_SIGMA, "linspace", "linear", 0.00085, 0.012, FALSE, "dpm2-ancestral", 20 },
  { "DPMSolverMultistepScheduler", SF_SCHEDULER_MULTISTEP, "linspace", "linear", 1e-4, 0.02, FALSE, "dpmpp-2m", 20 },
  { "DPMSolverSinglestepScheduler", SF_SCHEDULER_MULTISTEP, "linspace", "linear", 1e-4, 0.02, FALSE, "dpmpp-2s", 20 },
  { "UniPCMultistepScheduler", SF_SCHEDULER_MULTISTEP, "linspace", "linear", 1e-4, 0.02, FALSE, "unipc", 20 },
  { "DEISMultistepScheduler", SF_SCHEDULER_MULTISTEP, "linspace", "linear", 1e-4, 0.02, FALSE, "deis", 20 },
  { "FlowMatchEulerDiscreteScheduler", SF_SCHEDULER_FLOW, "flow-shift", "linear", 1e-4, 0.02, FALSE, "euler", 28 },
  { "FlowMatchHeunDiscreteScheduler", SF_SCHEDULER_FLOW, "flow-shift", "linear", 1e-4, 0.02, FALSE, "flow-heun", 20 },
  { "ScoreSdeVeScheduler", SF_SCHEDULER_SDE, "exponential", "ve", 0.01, 1348, FALSE, "reverse-diffusion", 200 },
  { "ScoreSdeVpScheduler", SF_SCHEDULER_SDE, "uniform", "vp", 0.1, 20, FALSE, "reverse-diffusion", 200 },
  { "KarrasVeScheduler", SF_SCHEDULER_SDE, "karras", "ve", 0.02, 100, FALSE, "heun", 50 },
};

const SfSchedulerClass *
sf_scheduler_classes (int *n)
{
  *n = G_N_ELEMENTS (classes);
  return classes;
}

const SfSchedulerClass *
sf_scheduler_class_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++)
    if (g_strcmp0 (classes[i].name, name) == 0)
      return &classes[i];
  return NULL;
}

/*** Words ***/

static const SfWord beta_schedules[] = {
  { "linear", .ours = "linear" },
  { "scaled_linear", .ours = "scaled-linear" },
  { "squaredcos_cap_v2", .ours = "cosine" },
  { "sigmoid", .ours = "sigmoid" },
  { "laplace", .ours = "laplace" },
  { NULL },
};

static const SfWord predictions[] = {
  { "epsilon", SF_PREDICTION_EPSILON },
  { "sample", SF_PREDICTION_SAMPLE },
  { "v_prediction", SF_PREDICTION_V },
  { "flow_prediction", SF_PREDICTION_FLOW },
  { NULL },
};

enum
{
  FIXED_SMALL,
  FIXED_LARGE,
  LEARNED,
  LEARNED_RANGE,
};

static const SfWord variances[] = {
  { "fixed_small", FIXED_SMALL },
  { "fixed_small_log", FIXED_SMALL },
  { "fixed_large", FIXED_LARGE },
  { "fixed_large_log", FIXED_LARGE },
  { "learned", LEARNED },
  { "learned_range", LEARNED_RANGE },
  { NULL },
};

/*** Parts ***/

/* A row of ours failed: its words, for the reader. */
static void
refuse (SfDescription *config, const char *name, GError *error)
{
  if (error != NULL)
    sf_description_refuse (config, name, error->message);
}

static double *
read_betas (SfDescription *config, const SfSchedulerClass *cls, int *n)
{
  g_autofree double *beta = sf_description_numbers (config, "trained_betas", 0, 1, n);
  double start = sf_description_number (config, "beta_start", 1e-12, 1, cls->start);
  double end = sf_description_number (config, "beta_end", 1e-12, 1, cls->end);
  const SfWord *word = sf_description_word (config, "beta_schedule", beta_schedules, cls->betas);
  int timesteps = sf_description_int (config, "num_train_timesteps", 1, MAX_TIMESTEPS, 1000);
  g_autoptr (GError) error = NULL;

  if (beta == NULL)
    {
      *n = timesteps;
      beta = g_new (double, *n);
      if (word == NULL || !sf_betas_fill (sf_betas_find (word->ours), *n, start, end, beta, &error))
        {
          refuse (config, "beta_schedule", error);
          return NULL;
        }
    }
  return g_steal_pointer (&beta);
}

/* Classes that go by sigma take a small alpha_bar for 0; of cosine betas, one larger than the entry before, so that the table falls
 * at its end.
 */
static void
limit_terminal (SfNoiseProcess *process)
{
  int last = process->n - 1;

  if (process->alpha_bar[last] > 0)
    return;
  process->alpha_bar[last] = SF_NOISE_ALPHA_BAR_MIN;
  process->log_alpha_bar[last] = log (SF_NOISE_ALPHA_BAR_MIN);
  process->log_sigma[last] = 0.5 * log (1 / SF_NOISE_ALPHA_BAR_MIN - 1);
}

static SfNoiseProcess *
discrete_process (SfDescription *config, const SfSchedulerClass *cls)
{
  gboolean by_sigma = cls->kind == SF_SCHEDULER_SIGMA || cls->kind == SF_SCHEDULER_MULTISTEP;
  int n = 0;
  g_autofree double *beta = read_betas (config, cls, &n);
  gboolean rescale = sf_description_flag (config, "rescale_betas_zero_snr", FALSE);
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process;

  if (beta == NULL)
    return NULL;
  if (rescale)
    sf_betas_rescale_zero_snr (beta, n, 0);
  process = sf_noise_process_new (beta, n, &error);
  if (process == NULL)
    refuse (config, rescale ? "rescale_betas_zero_snr" : "trained_betas", error);
  else
    {
      if (by_sigma)
        {
          process->interpolation = SF_INTERPOLATE_SIGMA;
          limit_terminal (process);
        }
      if (sf_description_flag (config, "rescale_timesteps", FALSE))
        process->label_scale = 1000.0 / n;
    }
  return process;
}

static SfNoiseProcess *
continuous_process (SfDescription *config, const char *name, const double p[2], double label_scale)
{
  g_autoptr (GError) error = NULL;
  SfNoiseProcess *process = sf_noise_process_new_continuous (sf_noise_kind_find (name), p, &error);

  refuse (config, name, error);
  if (process != NULL)
    process->label_scale = label_scale;
  return process;
}

SfNoiseProcess *
sf_scheduler_process (SfDescription *config, const SfSchedulerClass *cls)
{
  if (cls->kind == SF_SCHEDULER_SDE)
    {
      const SfNoiseKind *kind = sf_noise_kind_find (cls->betas);
      /* KarrasVe counts in [-1, 1] what its network sees in [0, 1]. */
      double scale = g_str_equal (cls->name, "KarrasVeScheduler") ? 0.5 : 1;
      double p[2] = {
        sf_description_number (config, kind->parameters[0], 1e-9, 1e9, cls->start) * scale,
        sf_description_number (config, kind->parameters[1], 1e-9, 1e9, cls->end) * scale,
      };

      return continuous_process (config, kind->name, p, kind->label_scale);
    }
  if (cls->kind == SF_SCHEDULER_FLOW || (cls->kind == SF_SCHEDULER_MULTISTEP && sf_description_flag (config, "use_flow_sigmas", FALSE)))
    return continuous_process (config, "flow", (double[2]) { 0, 0 }, sf_description_int (config, "num_train_timesteps", 1, MAX_TIMESTEPS, 1000));
  return discrete_process (config, cls);
}

SfPrediction
sf_scheduler_prediction (SfDescription *config, SfPrediction fallback)
{
  return (SfPrediction) sf_description_choice (config, "prediction_type", predictions, (int) fallback);
}

SfClip
sf_scheduler_clip (SfDescription *config, const SfSchedulerClass *cls)
{
  gboolean dynamic = sf_description_flag (config, "thresholding", FALSE), fixed = sf_description_flag (config, "clip_sample", cls->clips);
  double range = sf_description_number (config, "clip_sample_range", 0, G_MAXFLOAT, 1), most = sf_description_number (config, "sample_max_value", 0, G_MAXFLOAT, 1);
  double quantile = sf_description_number (config, "dynamic_thresholding_ratio", 0, 1, 0.995);

  if (g_str_equal (cls->name, "TCDScheduler")) /* which has these members, and uses none of them */
    return (SfClip) { .kind = SF_CLIP_NONE };
  if (dynamic)
    return (SfClip) { .kind = SF_CLIP_DYNAMIC, .quantile = quantile, .max = most };
  return (SfClip) { .kind = fixed ? SF_CLIP_STATIC : SF_CLIP_NONE, .range = range };
}

const char *
sf_scheduler_spacing (SfDescription *config, const SfSchedulerClass *cls, SfScheduleOptions *options)
{
  /* The multistep solvers round their times, the others of sigma do not. */
  const SfWord spacings[] = {
    { "linspace", .ours = cls->kind == SF_SCHEDULER_SIGMA ? "uniform" : "linspace" },
    { "leading", .ours = "leading" },
    { "trailing", .ours = "trailing" },
    { NULL },
  };
  const SfWord *word;

  if (cls->kind != SF_SCHEDULER_CHAIN && cls->kind != SF_SCHEDULER_SIGMA && cls->kind != SF_SCHEDULER_MULTISTEP)
    return cls->spacing;
  options->offset = sf_description_int (config, "steps_offset", 0, MAX_TIMESTEPS, 0);
  word = sf_description_word (config, "timestep_spacing", spacings, cls->spacing);
  return word != NULL ? word->ours : cls->spacing;
}

const char *
sf_scheduler_sigmas (SfDescription *config)
{
  /* In the order in which they count. */
  static const char *const rows[][2] = {
    { "use_karras_sigmas", "karras" },
    { "use_lu_lambdas", "exponential" },
    { "use_exponential_sigmas", "exponential" },
    { "use_beta_sigmas", "beta" },
  };
  const char *row = NULL;

  for (gsize i = G_N_ELEMENTS (rows); i-- > 0;)
    if (sf_description_flag (config, rows[i][0], FALSE))
      row = rows[i][1];
  return row;
}

/*** The whole ***/

static void
read_variance (SfDescription *config, SfScheduler *self)
{
  int kind = sf_description_choice (config, "variance_type", variances, FIXED_SMALL);

  self->fixed_large = kind == FIXED_LARGE;
  self->variance = kind == LEARNED ? SF_VARIANCE_LEARNED : kind == LEARNED_RANGE ? SF_VARIANCE_LEARNED_RANGE
                                                                                 : SF_VARIANCE_NONE;
}

/* "dpmpp-2m" with solver_order and algorithm_type. */
static const char *
pick_sampler (SfDescription *config, const SfSchedulerClass *cls)
{
  int order = sf_description_int (config, "solver_order", 1, 3, 2);
  gboolean sde = g_str_has_prefix (sf_description_text (config, "algorithm_type", ""), "sde-");

  if (g_str_equal (cls->name, "DPMSolverMultistepScheduler"))
    return sde ? (order == 3 ? "dpmpp-3m-sde" : "dpmpp-2m-sde") : (order == 3 ? "dpmpp-3m" : cls->sampler);
  if (g_str_equal (cls->name, "DPMSolverSinglestepScheduler") && order == 3)
    return "dpmpp-3s";
  return cls->sampler;
}

static void
read_recommended (SfDescription *config, SfScheduler *self)
{
  const char *sigmas = sf_scheduler_sigmas (config), *spacing = sf_scheduler_spacing (config, self->cls, &self->options);

  self->steps = self->cls->steps;
  self->sampler = pick_sampler (config, self->cls);
  self->schedule = sigmas != NULL ? sigmas : spacing;
  self->options.open = sigmas == NULL && self->cls->kind == SF_SCHEDULER_MULTISTEP;
  if (self->process != NULL && self->process->kind != NULL)
    self->options.shift = sf_description_number (config, "shift", 1e-3, 1e3, sf_description_number (config, "flow_shift", 1e-3, 1e3, 0));
}

static SfPrediction
usual_prediction (const SfNoiseProcess *process)
{
  const char *kind = process != NULL && process->kind != NULL ? process->kind->name : "discrete";

  return g_str_equal (kind, "flow") ? SF_PREDICTION_FLOW : g_str_equal (kind, "ve") ? SF_PREDICTION_SCORE
                                                                                    : SF_PREDICTION_EPSILON;
}

SfScheduler *
sf_scheduler_new (JsonObject *object, const char *file, GError **error)
{
  SfDescription config = { object, file };
  g_autoptr (SfScheduler) self = g_new0 (SfScheduler, 1);
  const char *name = sf_description_text (&config, "_class_name", "DDPMScheduler"), *type = sf_description_text (&config, "timestep_type", "discrete");

  if ((self->cls = sf_scheduler_class_find (name)) == NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: the scheduler “%s” is not known here"), file, name);
      return NULL;
    }
  if (!g_str_equal (type, "discrete"))
    sf_description_refuse (&config, "timestep_type", _ ("must be discrete; others are not supported"));
  self->process = sf_scheduler_process (&config, self->cls);
  self->prediction = sf_scheduler_prediction (&config, usual_prediction (self->process));
  self->low = self->prediction == SF_PREDICTION_SCORE ? 0 : -1;
  self->high = 1;
  self->clip = sf_scheduler_clip (&config, self->cls);
  read_variance (&config, self);
  read_recommended (&config, self);
  return sf_description_end (&config, error) && sf_prediction_check (self->prediction, self->process, error) ? g_steal_pointer (&self) : NULL;
}

void
sf_scheduler_free (SfScheduler *self)
{
  if (self == NULL)
    return;
  sf_noise_process_unref (self->process);
  g_free (self);
}

void
sf_scheduler_to_range (const SfScheduler *self, SfReal *x, gsize n)
{
  SfReal scale = (SfReal) (self->high - self->low) / 2, middle = (SfReal) (self->high + self->low) / 2;

  for (gsize i = 0; i < n; i++)
    x[i] = middle + scale * x[i];
}

void
sf_scheduler_from_range (const SfScheduler *self, SfReal *x, gsize n)
{
  SfReal scale = (SfReal) (self->high - self->low) / 2, middle = (SfReal) (self->high + self->low) / 2;

  for (gsize i = 0; i < n; i++)
    x[i] = (x[i] - middle) / scale;
}
