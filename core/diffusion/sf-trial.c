/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-trial.h"

#include <math.h>
#include <string.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-mixture.h"
#include "diffusion/sf-schedule.h"

#define SEED 11
#define FLOW_STEPS 120 /* right to 1e-6 */

/* The mixture's denoiser, which counts. */
typedef struct
{
  SfDenoiser parent;
  SfDenoiser *mixture;
  int evaluations;
} Counter;

static gboolean
predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
         const SfProgress *progress, GError **error)
{
  Counter *self = (Counter *) denoiser;

  self->evaluations++;
  return sf_denoiser_predict (self->mixture, x, level, denoised, NULL, progress, error);
}

static gboolean
run (const SfSampler *self, SfDenoiser *denoiser, int steps, SfStateFunc state, gpointer data, SfTensor *y, GError **error)
{
  const SfScheduleOptions ends = { .sigma_max = SF_TRIAL_SIGMA_MAX, .sigma_min = SF_TRIAL_SIGMA_MIN };
  const SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .state = state, .state_data = data };
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, steps + 1);

  return sf_schedule_fill (sf_schedule_find ("karras"), sf_noise_process_ddpm (), &ends, steps, levels, error) &&
         sf_sample (self, denoiser, sf_noise_process_ddpm (), levels, steps, &options, (SfRng) { SEED, 1000 }, y, NULL, error);
}

struct _SfTrialGround
{
  SfDenoiser *mixture;
  SfTensor *start, *end; /* where the flow leads them, in one last jump from sigma_min as samplers do */
  double floor;          /* distance of so many ideal draws */
};

SfTrialGround *
sf_trial_ground_new (int points, GError **error)
{
  const SfNoiseLevel last = { .sigma = SF_TRIAL_SIGMA_MIN, .a = 1 };
  g_autoptr (SfTrialGround) self = g_new0 (SfTrialGround, 1);

  self->mixture = sf_denoiser_mixture_new ();
  if ((self->start = sf_tensor_new (points, 1, 1, 2, error)) == NULL || (self->end = sf_tensor_copy (self->start, error)) == NULL)
    return NULL;
  sf_mixture_draw (self->end, 0, (SfRng) { SEED, 3 });
  self->floor = sf_mixture_distance (self->end);
  sf_mixture_draw (self->start, SF_TRIAL_SIGMA_MAX, (SfRng) { SEED, 1 });
  memcpy (self->end->data, self->start->data, sf_tensor_size (self->start) * sizeof (SfReal));
  sf_mixture_flow (self->end, SF_TRIAL_SIGMA_MAX, SF_TRIAL_SIGMA_MIN, FLOW_STEPS);
  if (!sf_denoiser_predict (self->mixture, self->end, &last, self->end, NULL, NULL, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
sf_trial_ground_free (SfTrialGround *self)
{
  if (self == NULL)
    return;
  sf_denoiser_free (self->mixture);
  sf_tensor_unref (self->start);
  sf_tensor_unref (self->end);
  g_free (self);
}

static double
root_mean_square (const SfTensor *a, const SfTensor *b)
{
  gsize n = sf_tensor_size (a);
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (a->data[i] - b->data[i]) * (a->data[i] - b->data[i]);
  return sqrt (2 * sum / n); /* per point, not per coordinate */
}

gboolean
sf_sampler_try (const SfSampler *self, int steps, const SfTrialGround *ground, SfTrial *trial, GError **error)
{
  Counter counter = { .parent = { .predict = predict }, .mixture = ground->mixture };
  g_autoptr (SfTensor) y = sf_tensor_copy (ground->start, error);

  g_return_val_if_fail (steps > 0, FALSE);

  if (y == NULL || !run (self, &counter.parent, steps, NULL, NULL, y, error))
    return FALSE;
  *trial = (SfTrial) { .evaluations = counter.evaluations, .of_distribution = self->stochastic };
  trial->error = self->stochastic ? sf_mixture_distance (y) : root_mean_square (y, ground->end);
  trial->floor = self->stochastic ? ground->floor : 0;
  return TRUE;
}

typedef struct
{
  SfPathFunc func;
  gpointer data;
} Follower;

static gboolean
forward_state (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  const Follower *follower = data;

  follower->func (y, level->sigma, follower->data);
  return TRUE;
}

gboolean
sf_sampler_follow (const SfSampler *self, int steps, int points, SfPathFunc func, gpointer data, GError **error)
{
  Follower follower = { func, data };
  g_autoptr (SfDenoiser) mixture = sf_denoiser_mixture_new ();
  g_autoptr (SfTensor) y = sf_tensor_new (points, 1, 1, 2, error);

  if (y == NULL)
    return FALSE;
  sf_mixture_draw (y, SF_TRIAL_SIGMA_MAX, (SfRng) { SEED, 1 });
  func (y, SF_TRIAL_SIGMA_MAX, data);
  if (!run (self, mixture, steps, forward_state, &follower, y, error))
    return FALSE;
  func (y, 0, data);
  return TRUE;
}
