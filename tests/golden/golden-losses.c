/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Losses, likelihoods, averages of parameters and the choice of timesteps. */
#include <math.h>
#include <string.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-bound.h"
#include "diffusion/sf-gaussian.h"
#include "openai.h"
#include "reference.h"
#include "train/sf-ema.h"
#include "train/sf-loss.h"
#include "train/sf-time-sampler.h"

/*** Single functions ***/

static void
run_kl (Case *c)
{
  const GoldenTensor *m1 = case_need (c, "mean1"), *l1 = case_need (c, "logvar1"), *m2 = case_need (c, "mean2"), *l2 = case_need (c, "logvar2");
  const GoldenTensor *z = case_need (c, "cdf_x");

  case_int (c, "n", 0);
  for (gsize i = 0; i < m1->size && i < l1->size && i < m2->size && i < l2->size; i++)
    {
      case_compare_number (c, "kl", i, sf_gaussian_kl (m1->value[i], l1->value[i], m2->value[i], l2->value[i], NULL, NULL), TOLERANCE_TABLE);
      case_compare_number (c, "kl_std", i, sf_gaussian_kl (m1->value[i], l1->value[i], 0, 0, NULL, NULL), TOLERANCE_TABLE);
    }
  for (gsize i = 0; i < z->size; i++)
    case_compare_number (c, "cdf", i, sf_gaussian_cdf (z->value[i]), TOLERANCE_TABLE);
}

static void
run_bins (Case *c)
{
  const GoldenTensor *x = case_need (c, "x"), *m = case_need (c, "mean"), *s = case_need (c, "log_scale");

  case_node (c, "log_scales");
  case_node (c, "offsets");
  for (gsize i = 0; i < x->size && i < m->size && i < s->size; i++)
    case_compare_number (c, "loglik", i, sf_gaussian_log_bin (x->value[i], m->value[i], 2 * s->value[i], NULL, NULL), TOLERANCE_TABLE);
}

/*** The bound ***/

static void
run_bound (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  g_autoptr (SfTensor) x0 = case_state (c, "x0", 0, 4);
  g_autoptr (Replay) noise = replay_new (c, "noise");
  g_autoptr (GError) error = NULL;
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .noise = replay_draw, .noise_data = noise };
  SfClip clip = { .kind = case_flag (c, "clip", TRUE) ? SF_CLIP_STATIC : SF_CLIP_NONE };
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  const SfSampler *sampler = sf_sampler_find (openai_large (c) ? "ddpm-large" : "ddpm");
  int n = process != NULL ? process->n : 0, images = x0->n;
  g_autofree double *nats = g_new0 (double, (n + 1) * images);
  g_autofree double *mse = g_new0 (double, (n + 1) * images);
  g_autofree double *unused = g_new0 (double, (n + 1) * images);
  g_autofree SfNoiseLevel *levels = NULL;

  if (n == 0)
    return;
  openai_set_model (c, mix, process);
  levels = openai_levels (c, process);
  /* The mean of a network that predicts it is not clipped, but the errors are told after clipping. */
  options.clip = mix->head == SF_PREDICTION_PREVIOUS ? (SfClip) { 0 } : clip;
  if (!case_ok (c, sf_bound (sampler, denoiser, process, levels, n, &options, (SfRng) { 0 }, x0, nats, NULL, NULL, &error), &error))
    return;
  options.clip = clip;
  if (!case_ok (c, sf_bound (sampler, denoiser, process, levels, n, &options, (SfRng) { 0 }, x0, unused, mse, NULL, &error), &error))
    return;
  openai_compare_bound (c, nats, mse, levels, n, images, TOLERANCE_STATE);
}

/*** Losses ***/

/* (transfer full): image @i alone. */
static SfTensor *
image_of (const SfTensor *x, int i)
{
  SfTensor *image = sf_tensor_new (1, x->h, x->w, x->c, NULL);

  memcpy (image->data, x->data + i * sf_tensor_size (image), sf_tensor_size (image) * sizeof (SfReal));
  return image;
}

/* (transfer full): what the network gives of each image at its timestep: the first half and, if @mix has one, the second. */
static SfTensor *
network_output (const Mix *mix, const SfNoiseProcess *process, const double *t, const SfTensor *x0, const SfTensor *noise)
{
  int c = x0->c, both = mix->second != MIX_SECOND_NONE ? 2 * c : c;
  SfTensor *output = sf_tensor_new (x0->n, x0->h, x0->w, both, NULL);

  for (int i = 0; i < x0->n; i++)
    {
      SfNoiseLevel level = sf_noise_process_level (process, t[i]);
      g_autoptr (SfTensor) x = image_of (x0, i);
      g_autoptr (SfTensor) z = image_of (noise, i);
      g_autoptr (SfTensor) first = sf_tensor_new_like (x, NULL);
      g_autoptr (SfTensor) second = sf_tensor_new_like (x, NULL);
      gsize n = sf_tensor_size (x);

      for (gsize k = 0; k < n; k++)
        x->data[k] = (SfReal) (level.a * (x->data[k] + level.sigma * z->data[k]));
      mix_head (mix, mix->head, MIX_ALL, x, level.a, level.a * level.sigma, level.t, first);
      if (both > c)
        mix_second (mix, mix->second, x, level.a, level.a * level.sigma, level.t, second);
      for (gsize k = 0; k < n; k++)
        {
          output->data[(i * n + k) / c * both + k % c] = first->data[k];
          if (both > c)
            output->data[(i * n + k) / c * both + c + k % c] = second->data[k];
        }
    }
  return output;
}

/* (transfer full): the first @c channels. */
static SfTensor *
first_half (const SfTensor *x, int c)
{
  SfTensor *half = sf_tensor_new (x->n, x->h, x->w, c, NULL);

  for (gsize i = 0; i < sf_tensor_size (half); i++)
    half->data[i] = x->data[i / c * x->c + i % c];
  return half;
}

/* Compares @kind's loss with the tensor @name, and its parts with "mse" and "vb" where there are such. */
static void
compare_loss (Case *c, const char *kind, const char *name, const SfNoiseProcess *process, SfLossOptions options, const Mix *mix)
{
  const GoldenTensor *t = case_need (c, "t");
  g_autoptr (SfTensor) x0 = case_state (c, "x0", 0, 4);
  g_autoptr (SfTensor) noise = case_state (c, "noise", 0, 4);
  g_autoptr (SfTensor) output = network_output (mix, process, t->value, x0, noise);
  g_autoptr (SfTensor) first = first_half (output, x0->c);
  g_autofree double *loss = g_new0 (double, x0->n);
  g_autofree double *mse = g_new0 (double, x0->n);
  g_autoptr (GError) error = NULL;

  case_node (c, "t");
  if (t->size != (gsize) x0->n)
    {
      case_fail (c, "there are not as many timesteps as images");
      return;
    }
  if (case_tensor (c, "model_out") != NULL)
    case_compare_state (c, "model_out", 0, output, 1, TOLERANCE_STATE);
  if (!case_ok (c, sf_loss (sf_loss_find (kind), process, &options, t->value, x0, noise, output, loss, NULL, &error), &error))
    return;
  case_compare_array (c, name, loss, x0->n, TOLERANCE_STATE);
  if (g_str_equal (name, "mse") || case_tensor (c, "mse") == NULL)
    return;
  options.variance = SF_VARIANCE_NONE;
  if (!case_ok (c, sf_loss (sf_loss_find (kind), process, &options, t->value, x0, noise, first, mse, NULL, &error), &error))
    return;
  case_compare_array (c, "mse", mse, x0->n, TOLERANCE_STATE);
  for (int i = 0; i < x0->n && case_tensor (c, "vb") != NULL; i++)
    case_compare_number (c, "vb", i, loss[i] - mse[i], TOLERANCE_STATE);
}

/* improved-diffusion */
static void
run_training (Case *c)
{
  static const char *const rows[][2] = {
    { "MSE", "simple" },
    { "RESCALED_MSE", "hybrid" },
    { "KL", "vlb" },
    { "RESCALED_KL", "vlb-rescaled" },
  };
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  const char *loss = case_text (c, "loss", "");
  SfLossOptions options = { SF_LOSS_OPTIONS, .large = openai_large (c) };

  openai_set_model (c, mix, process);
  options.prediction = mix->head;
  options.variance = denoiser->variance;
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i][0], loss))
      {
        if (process != NULL)
          compare_loss (c, rows[i][1], "loss", process, options, mix);
        return;
      }
  case_fail (c, "unknown loss %s", loss);
}

/* denoising-diffusion-pytorch, which calls Jabri's schedule sigmoid. */
static void
run_lucidrains (Case *c)
{
  static const struct
  {
    const char *name;
    SfPrediction head;
  } objectives[] = { { "pred_noise", SF_PREDICTION_EPSILON }, { "pred_x0", SF_PREDICTION_SAMPLE }, { "pred_v", SF_PREDICTION_V } };
  static const char *const schedules[][2] = { { "linear", "openai-linear" }, { "cosine", "cosine" }, { "sigmoid", "sigmoid-jabri" } };
  const char *objective = case_text (c, "objective", ""), *schedule = case_text (c, "schedule", ""), *betas = NULL;
  g_autoptr (SfNoiseProcess) process = NULL;
  g_autoptr (GError) error = NULL;
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  SfLossOptions options = { SF_LOSS_OPTIONS, .prediction = SF_N_PREDICTIONS };

  for (gsize i = 0; i < G_N_ELEMENTS (objectives); i++)
    if (g_str_equal (objectives[i].name, objective))
      options.prediction = mix->head = objectives[i].head;
  for (gsize i = 0; i < G_N_ELEMENTS (schedules); i++)
    if (g_str_equal (schedules[i][0], schedule))
      betas = schedules[i][1];
  if (options.prediction == SF_N_PREDICTIONS || betas == NULL)
    {
      case_fail (c, "unknown objective %s or schedule %s", objective, schedule);
      return;
    }
  process = sf_noise_process_new_named (betas, case_int (c, "T", 1000), 0, 0, &error);
  if (!case_ok (c, process != NULL, &error))
    return;
  options.snr_max = case_number (c, "gamma", 5);
  if (!case_flag (c, "min_snr", FALSE))
    options.snr_max = INFINITY;
  case_compare_array (c, "alphas_cumprod", process->alpha_bar, process->n, TOLERANCE_TABLE);
  for (int t = 0; t < process->n; t++)
    {
      SfNoiseLevel level = sf_noise_process_level (process, t);
      double state, gain;

      sf_prediction_weights (options.prediction, &level, NULL, &state, &gain);
      case_compare_number (c, "loss_weight", t, sf_loss_find ("min-snr")->weight (&options, 1 / (level.sigma * level.sigma), gain), TOLERANCE_TABLE);
    }
  compare_loss (c, "min-snr", "loss", process, options, mix);
}

/* Min-SNR's authors: a name that ends in "_" goes on with the limit. */
typedef struct
{
  const char *name, *loss;
  SfPrediction of;         /* what the weight is meant for */
  double snr_min, snr_max; /* 0: the limit */
} SnrWeight;

static const SnrWeight image_weights[] = {
  { "constant", "simple" },
  { "snr", "min-snr", SF_PREDICTION_SAMPLE, -1, INFINITY },
  { "inv_snr", "p2" },
  { "trunc_snr", "min-snr", SF_PREDICTION_SAMPLE, 1, INFINITY },
  { "min_snr_", "min-snr", SF_PREDICTION_SAMPLE, -1, 0 },
  { "max_snr_", "min-snr", SF_PREDICTION_SAMPLE, 0, INFINITY },
};
static const SnrWeight other_weights[] = {
  { "min_snr_", "min-snr", SF_PREDICTION_EPSILON, -1, 0 },
  { "vmin_snr_", "min-snr", SF_PREDICTION_V, -1, 0 },
  { "max_snr_", "min-snr", SF_PREDICTION_EPSILON, 0, INFINITY },
  { "", "simple" }, /* the reference knows no other name, and weighs by 1 */
};

/* The plain loss times the weight, which need not be one that is meant for what the network gives. */
static void
compare_weighted (Case *c, const SnrWeight *row, const SfNoiseProcess *process, const SfLossOptions *options, const Mix *mix)
{
  const GoldenTensor *t = case_need (c, "t");
  g_autoptr (SfTensor) x0 = case_state (c, "x0", 0, 4);
  g_autoptr (SfTensor) noise = case_state (c, "noise", 0, 4);
  g_autoptr (SfTensor) output = network_output (mix, process, t->value, x0, noise);
  g_autofree double *loss = g_new0 (double, x0->n);
  g_autoptr (GError) error = NULL;

  case_node (c, "t");
  if (!case_ok (c, sf_loss (sf_loss_find ("simple"), process, options, t->value, x0, noise, output, loss, NULL, &error), &error))
    return;
  for (int i = 0; i < x0->n; i++)
    {
      SfNoiseLevel level = sf_noise_process_level (process, t->value[i]);
      double state, gain;

      sf_prediction_weights (row->of, &level, NULL, &state, &gain);
      loss[i] *= sf_loss_find (row->loss)->weight (options, 1 / (level.sigma * level.sigma), gain);
    }
  case_compare_array (c, "mse", loss, x0->n, TOLERANCE_STATE);
}

/* (nullable) */
static const SnrWeight *
find_weight (const SnrWeight *rows, int n, const char *weight, double *limit)
{
  for (int i = 0; i < n; i++)
    if (g_str_has_suffix (rows[i].name, "_") ? g_str_has_prefix (weight, rows[i].name) : *rows[i].name == '\0' || g_str_equal (weight, rows[i].name))
      {
        *limit = g_ascii_strtod (weight + strlen (rows[i].name), NULL);
        return &rows[i];
      }
  return NULL;
}

static void
run_min_snr (Case *c)
{
  static const struct
  {
    const char *name;
    SfPrediction head;
  } means[] = { { "EPSILON", SF_PREDICTION_EPSILON }, { "START_X", SF_PREDICTION_SAMPLE }, { "PREVIOUS_X", SF_PREDICTION_PREVIOUS }, { "VELOCITY", SF_PREDICTION_V } };
  const char *mean = case_text (c, "mean", ""), *weight = case_text (c, "weight", "");
  gboolean image = g_str_equal (mean, "START_X");
  double limit = 0;
  const SnrWeight *row = image ? find_weight (image_weights, G_N_ELEMENTS (image_weights), weight, &limit)
                               : find_weight (other_weights, G_N_ELEMENTS (other_weights), weight, &limit);
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  SfLossOptions options = { SF_LOSS_OPTIONS, .prediction = SF_N_PREDICTIONS };

  for (gsize i = 0; i < G_N_ELEMENTS (means); i++)
    if (g_str_equal (means[i].name, mean))
      options.prediction = mix->head = means[i].head;
  if (row == NULL || options.prediction == SF_N_PREDICTIONS)
    {
      case_fail (c, "unknown weight %s of %s", weight, mean);
      return;
    }
  options.p2_offset = 0;
  options.snr_min = row->snr_min != 0 ? row->snr_min : limit;
  options.snr_max = row->snr_max != 0 ? row->snr_max : limit;
  if (process != NULL)
    compare_weighted (c, row, process, &options, mix);
}

/*** Averages, timesteps ***/

/* (transfer full): row @row of @tensor, as one image. */
static SfTensor *
row_of (const GoldenTensor *tensor, gsize row, gsize n)
{
  SfTensor *x = sf_tensor_new (1, 1, (int) n, 1, NULL);

  for (gsize i = 0; i < n && (row + 1) * n <= tensor->size; i++)
    x->data[i] = (SfReal) tensor->value[row * n + i];
  return x;
}

static void
run_average (Case *c)
{
  const GoldenTensor *start = case_need (c, "start"), *source = case_need (c, "source");
  g_autoptr (SfTensor) average = row_of (start, 0, start->size);
  SfEma ema = { SF_EMA };

  if (case_has (c, "rate"))
    ema.decay = case_number (c, "rate", 0);
  else
    {
      ema.warm_up = case_flag (c, "kw.use_ema_warmup", FALSE) ? SF_EMA_POWER : SF_EMA_RATIONAL;
      ema.decay = case_number (c, "kw.decay", ema.decay);
      ema.min_decay = case_number (c, "kw.min_decay", 0);
      ema.inv_gamma = case_number (c, "kw.inv_gamma", ema.inv_gamma);
      ema.power = case_number (c, "kw.power", ema.power);
      ema.delay = case_int (c, "kw.update_after_step", 0);
    }
  for (int k = 0; k < case_int (c, "updates", 0); k++)
    {
      double decay = sf_ema_decay (&ema, k + 1);
      g_autoptr (SfTensor) x = row_of (source, k, start->size);

      sf_ema_update (average, x, decay);
      if (case_tensor (c, "decay") != NULL)
        case_compare_number (c, "decay", k, decay, TOLERANCE_TABLE);
      for (gsize i = 0; i < start->size; i++)
        case_compare_number (c, "ema", k * start->size + i, average->data[i], TOLERANCE_STATE);
    }
}

static void
run_resampling (Case *c)
{
  const GoldenTensor *t = case_need (c, "ts"), *loss = case_need (c, "losses");
  SfTimeSamplerOptions options = { SF_TIME_SAMPLER_OPTIONS };
  int n = case_int (c, "T", 21), every = case_int (c, "every", 1), updates = case_int (c, "updates", 0);
  g_autofree double *beta = g_new (double, n);
  g_autofree double *p = g_new (double, n);
  g_autoptr (SfNoiseProcess) process = NULL;
  g_autoptr (SfTimeSampler) sampler = NULL;

  options.history = case_int (c, "history", 10);
  options.uniform = case_number (c, "uniform_prob", 0.001);
  for (int k = 0; k < n; k++)
    beta[k] = 0.01; /* only how many there are matters */
  process = sf_noise_process_new (beta, n, NULL);
  sampler = sf_time_sampler_new (sf_time_sampler_kind_find ("loss-second-moment"), process, &options, NULL);
  for (int k = 0; k < updates && k < (int) MIN (t->size, loss->size); k++)
    {
      gboolean warm;

      sf_time_sampler_update (sampler, 1, &t->value[k], &loss->value[k]);
      if ((k + 1) % every != 0)
        continue;
      warm = sf_time_sampler_probabilities (sampler, p);
      case_compare_number (c, "warm", k / every, warm, TOLERANCE_TABLE);
      for (int i = 0; i < n; i++) /* the reference's are not normalised before */
        case_compare_number (c, "weights", (gsize) k / every * n + i, warm ? p[i] : p[i] * n, TOLERANCE_TABLE);
    }
}

static void
run (Case *c)
{
  if (case_tensor (c, "cdf_x") != NULL)
    run_kl (c);
  else if (case_tensor (c, "log_scale") != NULL)
    run_bins (c);
  else if (case_tensor (c, "total_bpd") != NULL)
    run_bound (c);
  else if (case_has (c, "loss"))
    run_training (c);
  else if (case_has (c, "objective"))
    run_lucidrains (c);
  else if (case_has (c, "weight"))
    run_min_snr (c);
  else if (case_tensor (c, "ema") != NULL)
    run_average (c);
  else if (case_tensor (c, "weights") != NULL)
    run_resampling (c);
  else
    case_fail (c, "unknown function");
}

const GoldenGroup golden_losses = { "losses", run };
