/* SPDX-License-Identifier: GPL-3.0-or-later */
/* score_sde_pytorch: one step of a predictor or a corrector, and predictor-corrector sampling; Extended-Analytic-DPM:
 * Euler-Maruyama on the reverse SDE and on the ODE.
 */
#include <math.h>

#include "diffusion/sf-langevin.h"
#include "diffusion/sf-sde.h"
#include "mix.h"

/* What a name of the reference means here. */
typedef struct
{
  const char *reference;
  const char *ours;
  SfCorrectorKind corrector;
} Row;

static const Row kinds[] = { { "vp", "vp" }, { "subvp", "sub-vp" }, { "ve", "ve" } };
static const Row predictors[] = {
  { "EulerMaruyamaPredictor", "euler-maruyama" },
  { "ReverseDiffusionPredictor", "reverse-diffusion" },
  { "AncestralSamplingPredictor", "ancestral-sde" },
  { "em", "euler-maruyama" },
  { "reverse", "reverse-diffusion" },
  { "ancestral", "ancestral-sde" },
};
static const Row correctors[] = {
  { "LangevinCorrector", NULL, SF_CORRECTOR_LANGEVIN },
  { "AnnealedLangevinDynamics", NULL, SF_CORRECTOR_ANNEALED },
  { "langevin", NULL, SF_CORRECTOR_LANGEVIN },
  { "ald", NULL, SF_CORRECTOR_ANNEALED },
  { "none", NULL, SF_CORRECTOR_NONE },
};

static const Row *
find (const Row *rows, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (g_strcmp0 (rows[i].reference, name) == 0)
      return &rows[i];
  return NULL;
}
#define FIND(rows, name) find (rows, G_N_ELEMENTS (rows), name)

/* (nullable) */
static SfNoiseProcess *
process_new (Case *c)
{
  g_autoptr (GError) error = NULL;
  gboolean own = !case_has (c, "sde"); /* Extended-Analytic-DPM knows VP alone */
  const char *name = own ? "vp" : case_text (c, "sde", "");
  const Row *row = FIND (kinds, name);
  const SfNoiseKind *kind = row != NULL ? sf_noise_kind_find (row->ours) : NULL;
  SfNoiseProcess *process = NULL;
  double p[2];

  if (kind == NULL)
    {
      case_fail (c, "unknown SDE %s", name);
      return NULL;
    }
  for (int i = 0; i < 2; i++)
    {
      g_autofree char *path = g_strconcat (own ? "" : "kw.", kind->parameters[i], NULL);

      p[i] = case_number (c, path, kind->defaults[i]);
    }
  process = sf_noise_process_new_continuous (kind, p, &error);
  case_ok (c, process != NULL, &error);
  return process;
}

/*** One step ***/

static void
run_predictor (Case *c, const SfSampler *sampler, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels,
               SfSamplerOptions *options, SfTensor *y)
{
  static const char *const names[] = { "out_mean", "out" };

  options->eta = case_flag (c, "ode", FALSE) ? 0 : 1;
  for (options->noisy_end = FALSE; options->noisy_end <= TRUE; options->noisy_end++)
    {
      g_autoptr (SfTensor) x = sf_tensor_copy (y, NULL);
      g_autoptr (GError) error = NULL;

      if (case_ok (c, sf_sample (sampler, denoiser, process, levels, 1, options, (SfRng) { 0 }, x, NULL, &error), &error))
        case_compare_state (c, names[options->noisy_end], 0, x, 1, TOLERANCE_STATE);
    }
}

static void
run_corrector (Case *c, SfCorrectorKind kind, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *level,
               const SfSamplerOptions *options, SfTensor *y)
{
  SfSampling sampling = { .options = options, .process = process, .levels = level, .n = 1 };
  SfCorrector corrector = { .kind = kind, .snr = case_number (c, "snr", 0), .steps = case_int (c, "n_steps", 1) };
  double keep = sf_sde_keep (&sampling, 0);
  g_autoptr (SfTensor) d = sf_tensor_new_like (y, NULL);
  g_autoptr (SfTensor) z = sf_tensor_new_like (y, NULL);

  for (int i = 0; i < corrector.steps; i++)
    {
      double delta;

      sf_denoiser_predict (denoiser, y, level, d, NULL, NULL, NULL);
      options->noise (z, i, options->noise_data);
      delta = sf_langevin_delta (&corrector, level, keep * keep, y, d, z);
      sf_weighted_sum (y, 2, (double[]) { 1 - delta, delta }, (const SfTensor *[]) { y, d });
      if (i == corrector.steps - 1)
        case_compare_state (c, "out_mean", 0, y, level->a, TOLERANCE_STATE);
      sf_weighted_sum (y, 2, (double[]) { 1, level->sigma * sqrt (2 * delta) }, (const SfTensor *[]) { y, z });
    }
  case_compare_state (c, "out", 0, y, level->a, TOLERANCE_STATE);
}

/* score = (D - y) / (sigma^2 a), a difference that cancels: only in double */
static void
compare_score (Case *c, SfDenoiser *denoiser, const SfTensor *y, const SfNoiseLevel *level)
{
  g_autoptr (SfTensor) score = sf_tensor_new_like (y, NULL);

  if (sizeof (SfReal) < sizeof (double))
    {
      case_implied (c, "score0");
      return;
    }
  sf_denoiser_predict (denoiser, y, level, score, NULL, NULL, NULL);
  sf_weighted_sum (score, 2, (double[]) { 1, -1 }, (const SfTensor *[]) { score, y });
  case_compare_state (c, "score0", 0, score, 1 / (level->sigma * level->sigma * level->a), TOLERANCE_STATE);
}

static void
run_step (Case *c, SfDenoiser *denoiser, const SfNoiseProcess *process, const char *what, SfSamplerOptions *options)
{
  const Row *predictor = FIND (predictors, what), *corrector = FIND (correctors, what);
  SfNoiseLevel levels[] = { sf_noise_process_level (process, case_number (c, "t", 0)), sf_noise_level_clean () };
  g_autoptr (SfTensor) y = case_state (c, "x", 0, 4);

  case_number (c, "x_scale", 1); /* of the tensor x */
  sf_weighted_sum (y, 1, (double[]) { 1 / levels[0].a }, (const SfTensor *[]) { y });
  compare_score (c, denoiser, y, &levels[0]);
  if (predictor != NULL)
    run_predictor (c, sf_sampler_find (predictor->ours), denoiser, process, levels, options, y);
  else if (corrector != NULL)
    run_corrector (c, corrector->corrector, denoiser, process, levels, options, y);
  else
    case_fail (c, "unknown predictor or corrector %s", what);
}

/*** Sampling ***/

/* @n times from 1 to eps, and then the clean image. */
static SfNoiseLevel *
levels_new (const SfNoiseProcess *process, double eps, int n)
{
  SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);

  for (int k = 0; k < n; k++)
    levels[k] = sf_noise_process_level (process, n > 1 ? 1 + (eps - 1) * k / (n - 1) : 1);
  levels[n] = sf_noise_level_clean ();
  return levels;
}

static void
run_predictor_corrector (Case *c, Mix *mix, const SfNoiseProcess *process, const SfSampler *sampler, SfSamplerOptions *options)
{
  int n = options->sde_steps;
  const Row *corrector = FIND (correctors, case_text (c, "corrector", "none"));
  g_autofree SfNoiseLevel *levels = levels_new (process, case_number (c, "eps", 1e-3), n);
  g_autoptr (SfTensor) y = case_state (c, "noise", 0, 4);
  Replay *noise = options->noise_data;
  double prior = g_str_equal (process->kind->name, "ve") ? levels[0].sigma : 1 / levels[0].a;
  g_autoptr (GError) error = NULL;

  if (corrector == NULL || sampler == NULL)
    {
      case_fail (c, "unknown predictor or corrector");
      return;
    }
  mix->trajectory = "model_x";
  mix->scaled = TRUE;
  options->corrector = (SfCorrector) { corrector->corrector, case_number (c, "snr", 0), case_int (c, "n_steps", 0) };
  options->noisy_end = !case_flag (c, "denoise", TRUE);
  g_array_remove_index (noise->rows, 0); /* the prior's */
  sf_weighted_sum (y, 1, &prior, (const SfTensor *[]) { y });
  if (case_ok (c, sf_sample (sampler, &mix->parent, process, levels, n, options, (SfRng) { 0 }, y, NULL, &error), &error))
    case_compare_state (c, "out", 0, y, 1, TOLERANCE_STATE);
}

typedef struct
{
  Case *c;
  gsize step;
} Trajectory;

static gboolean
compare_state (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  Trajectory *self = data;

  case_compare_state (self->c, "x", ++self->step, y, level->a, TOLERANCE_STATE);
  return TRUE;
}

static void
run_euler_maruyama (Case *c, SfDenoiser *denoiser, const SfNoiseProcess *process, SfSamplerOptions *options)
{
  int n = case_int (c, "steps", 0);
  g_autofree SfNoiseLevel *levels = levels_new (process, case_number (c, "eps", 1e-3), n);
  g_autoptr (SfTensor) y = case_state (c, "x", 0, 4);
  Trajectory trajectory = { c };
  g_autoptr (GError) error = NULL;

  options->eta = case_flag (c, "ode", FALSE) ? 0 : 1;
  options->state = compare_state;
  options->state_data = &trajectory;
  levels[n] = sf_noise_process_level (process, 0);
  sf_weighted_sum (y, 1, (double[]) { 1 / levels[0].a }, (const SfTensor *[]) { y });
  case_ok (c, sf_sample (sf_sampler_find ("euler-maruyama"), denoiser, process, levels, n, options, (SfRng) { 0 }, y, NULL, &error), &error);
}

static void
run (Case *c)
{
  g_autoptr (SfNoiseProcess) process = process_new (c);
  g_autoptr (Replay) noise = replay_new (c, "noise");
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .noise = replay_draw, .noise_data = noise };
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;
  const char *what = case_text (c, "what", NULL), *name = case_text (c, "predictor", NULL);
  const Row *predictor = FIND (predictors, name);

  if (process == NULL)
    return;
  options.sde_steps = case_int (c, "kw.N", 0);
  mix->head = SF_PREDICTION_EPSILON; /* the reference's score is -epsilon / s */
  if (what != NULL)
    run_step (c, denoiser, process, what, &options);
  else if (name != NULL)
    run_predictor_corrector (c, mix, process, predictor != NULL ? sf_sampler_find (predictor->ours) : NULL, &options);
  else
    run_euler_maruyama (c, denoiser, process, &options);
}

const GoldenGroup golden_sde = { "sde", run };
