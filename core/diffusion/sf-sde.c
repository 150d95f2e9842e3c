/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-sde.h"

#include <math.h>

#include "diffusion/sf-posterior.h"

typedef struct
{
  double keep;
  double variance;
  double ancestral;  /* variance of the noise that ancestral sampling adds in its place */
  gboolean in_sigma; /* x is y = x / a */
  gboolean exact;    /* the step has no such form: the posterior's, sf_sde_posterior() */
} Step;

static double
time_of (const SfSampling *s, const SfNoiseLevel *level)
{
  return s->process->kind->time (s->process->p, level->sigma);
}

static gboolean
is_kind (const SfSampling *s, const char *name)
{
  return s->process->kind != NULL && g_str_equal (s->process->kind->name, name);
}

gboolean
sf_sde_is_exact (const SfSampling *s, int k)
{
  return s->levels[k].sigma >= SF_NOISE_SIGMA_PURE || s->levels[k + 1].sigma == 0;
}

/* From t over dt: keep = 1 + f dt, variance = g^2 dt */
static Step
euler_over (const SfSampling *s, double t, double dt)
{
  const SfNoiseProcess *process = s->process;
  double g = process->kind->diffusion (process->p, t);

  return (Step) { 1 + process->kind->drift (process->p, t) * dt, g * g * dt, g * g * dt };
}

/* Into the clean image, which has no time (t = -1), the step is exact; to time 0 of a process without noise there it is one as others. */
static Step
euler_step (const SfSampling *s, int k)
{
  const SfNoiseLevel *from = &s->levels[k], *to = &s->levels[k + 1];
  double variance = (from->sigma - to->sigma) * (from->sigma + to->sigma), t;

  if (s->process->kind == NULL)
    return (Step) { 1, variance, variance, .in_sigma = TRUE, .exact = sf_sde_is_exact (s, k) };
  if (from->sigma >= SF_NOISE_SIGMA_PURE || (s->options->sde_steps == 0 && to->t < 0))
    return (Step) { .exact = TRUE };
  t = time_of (s, from);
  return euler_over (s, t, s->options->sde_steps > 0 ? 1.0 / s->options->sde_steps : t - time_of (s, to));
}

/* The tables of Song et al. are at times i / (N - 1): beta_i = beta (t_i) / N, sigma_i = sigma (t_i).  A process without one
 * takes Euler's step.
 */
static Step
tabled (const SfSampling *s, int k)
{
  const SfNoiseProcess *process = s->process;
  int n = s->options->sde_steps, last = MAX (n - 1, 1);
  double t = time_of (s, &s->levels[k]), i = floor (t * last + 1e-9); /* t has been a sigma in between */

  if (is_kind (s, "ve"))
    {
      double from = process->kind->noise (process->p, i / last), to = i > 0 ? process->kind->noise (process->p, (i - 1) / last) : 0;
      double variance = (from - to) * (from + to);

      return (Step) { 1, variance, variance * to * to / (from * from) };
    }
  if (is_kind (s, "vp"))
    {
      double beta = euler_over (s, i / last, 1.0 / n).variance;

      return (Step) { sqrt (1 - beta), beta, beta };
    }
  return euler_over (s, t, 1.0 / n);
}

static Step
process_step (const SfSampling *s, int k)
{
  const SfNoiseLevel *from = &s->levels[k], *to = &s->levels[k + 1];
  double variance = from->a * from->a * (from->sigma - to->sigma) * (from->sigma + to->sigma), ratio;

  if (s->process->kind != NULL && s->options->sde_steps > 0)
    return tabled (s, k);
  ratio = s->process->kind == NULL || is_kind (s, "vp") ? 1 : to->sigma * to->a / (from->sigma * from->a);
  return (Step) { from->a / to->a, variance, variance * ratio * ratio, .exact = sf_sde_is_exact (s, k) };
}

void
sf_sde_posterior (const SfSampling *s, int k, SfSamplerStage *stage)
{
  SfPosterior p = sf_posterior (&s->levels[k], &s->levels[k + 1]);

  stage->y = p.keep;
  stage->d[0] = 1 - p.keep;
  stage->noise = sqrt (p.small);
}

/* scale (grow x_r + share variance score) + noise, with score = -(y - D) / (sigma^2 a), and divided by a at the end */
static void
fill (const SfSampling *s, int k, const Step *step, double grow, double share, double scale, double noise, SfSamplerStage *stage)
{
  const SfNoiseLevel *from = &s->levels[k], *to = &s->levels[k + 1];
  double a = step->in_sigma ? 1 : from->a, gain = share * step->variance / (from->sigma * from->sigma * a);

  if (!step->in_sigma)
    {
      scale /= to->a;
      noise /= to->a;
    }
  stage->y = scale * (grow * a - gain);
  stage->d[0] = scale * gain;
  stage->noise = to->sigma > 0 || s->options->noisy_end ? noise : 0;
}

static int
reverse (const SfSampling *s, int k, Step step, SfSamplerStage *stage)
{
  double eta = s->options->eta;

  if (step.exact)
    sf_sde_posterior (s, k, stage);
  else
    fill (s, k, &step, 2 - step.keep, (1 + eta * eta) / 2, 1, eta > 0 ? eta * sqrt (step.variance) : 0, stage);
  return 1;
}

int
sf_sde_euler_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  return reverse (s, k, euler_step (s, k), stages);
}

int
sf_sde_reverse_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  return reverse (s, k, process_step (s, k), stages);
}

int
sf_sde_ancestral_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  Step step = process_step (s, k);

  if (step.exact)
    sf_sde_posterior (s, k, stages);
  else
    fill (s, k, &step, 1, 1, 1 / step.keep, sqrt (step.ancestral), stages);
  return 1;
}

double
sf_sde_keep (const SfSampling *s, int k)
{
  return process_step (s, k).keep;
}
