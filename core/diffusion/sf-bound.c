/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-bound.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-gaussian.h"
#include "diffusion/sf-posterior.h"
#include "diffusion/sf-sampling.h"

/*** One element ***/

SfBoundStep
sf_bound_step (const SfNoiseLevel *r, const SfNoiseLevel *s)
{
  SfPosterior p = sf_posterior (r, s);

  return (SfBoundStep) { .decoder = s->sigma == 0, .share = 1 - p.keep, .log_variance = log (p.small) };
}

/* The means of q and p are keep y + share x0 and keep y + share D: only their difference matters. */
double
sf_bound_element (const SfBoundStep *self, double x0, double denoised, double log_variance, double *d_denoised,
                  double *d_log_variance)
{
  double nats, dm, dl;

  if (self->decoder)
    {
      nats = -sf_gaussian_log_bin (x0, denoised, log_variance, &dm, &dl);
      dm = -dm;
      dl = -dl;
    }
  else
    nats = sf_gaussian_kl (self->share * x0, self->log_variance, self->share * denoised, log_variance, &dm, &dl);
  if (d_denoised != NULL)
    *d_denoised = self->share * dm;
  if (d_log_variance != NULL)
    *d_log_variance = dl;
  return nats;
}

double
sf_bound_prior_variance (const SfNoiseLevel *level)
{
  return MAX (1 / (level->a * level->a), level->sigma * level->sigma);
}

/*** All of them ***/

typedef struct
{
  SfSampling s;
  SfTensor *y, *denoised;
  SfTensor *second, *deviation; /* (nullable) */
  SfTensor *raw;                /* (nullable) D before it was clipped */
} Bound;

static void
bound_clear (Bound *self)
{
  sf_tensor_unref (self->y);
  sf_tensor_unref (self->denoised);
  sf_tensor_unref (self->second);
  sf_tensor_unref (self->deviation);
  sf_tensor_unref (self->raw);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bound, bound_clear)

static gboolean
bound_allocate (Bound *self, const SfTensor *x0, GError **error)
{
  gboolean deviates = self->s.sampler->deviation != NULL;
  gboolean keeps_raw = self->s.sampler->raw_noise && self->s.options->clip.keep_noise;

  return (self->y = sf_tensor_new_like (x0, error)) != NULL && (self->denoised = sf_tensor_new_like (x0, error)) != NULL &&
         (!keeps_raw || (self->raw = sf_tensor_new_like (x0, error)) != NULL) &&
         (!deviates || (self->deviation = sf_tensor_new_like (x0, error)) != NULL) &&
         (!deviates || self->s.variance == SF_VARIANCE_NONE || (self->second = sf_tensor_new_like (x0, error)) != NULL);
}

/* Fills @stage with what the sampler does at step @k, in logarithms: *@log_variance, and self->deviation if it is per element. */
static gboolean
plan (Bound *self, int k, SfSamplerStage *stage, double *log_variance, GError **error)
{
  const SfNoiseLevel *r = &self->s.levels[k], *s = &self->s.levels[k + 1];
  gboolean learned = sf_variance_is_learned (self->s.variance);
  double keep = sf_posterior (r, s).keep;

  if (self->s.sampler->plan (&self->s, k, stage) != 1 || fabs (stage->y - keep) > 1e-9 || fabs (stage->d[0] - 1 + keep) > 1e-9)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Sampler “%s” has no variational bound; use an ancestral one such as “ddpm”"),
                   self->s.sampler->name);
      return FALSE;
    }
  /* Nothing but a learned variance says how sure the last step is: else it is that of the first posterior. */
  stage->per_element = stage->per_element && (s->sigma > 0 || learned);
  *log_variance = s->sigma > 0 || learned ? log (stage->variance) : sf_posterior_floor (self->s.process);
  return !stage->per_element || self->s.sampler->deviation (&self->s, k, self->deviation, error);
}

static gboolean
step (Bound *self, int k, const SfTensor *x0, double *nats, double *mse, GError **error)
{
  SfSamplerStage stages[SF_MAX_STAGES] = { 0 };
  SfBoundStep term = sf_bound_step (&self->s.levels[k], &self->s.levels[k + 1]);
  gsize n = sf_tensor_size (x0) / x0->n;
  double fixed;

  if (!plan (self, k, stages, &fixed, error))
    return FALSE;
  for (int image = 0; image < x0->n; image++)
    {
      double sum = 0, square = 0;

      for (gsize i = image * n; i < (image + 1) * n; i++)
        {
          double difference = self->denoised->data[i] - x0->data[i];
          double l = fixed + (stages->per_element ? 2 * log (self->deviation->data[i]) : 0);

          sum += sf_bound_element (&term, x0->data[i], self->denoised->data[i], l, NULL, NULL);
          square += difference * difference;
        }
      nats[image] = sum / n;
      if (mse != NULL)
        mse[image] = square / n;
    }
  return TRUE;
}

static void
prior (const SfNoiseLevel *level, const SfTensor *x0, double *nats)
{
  double l1 = 2 * log (level->sigma), l2 = log (sf_bound_prior_variance (level));
  gsize n = sf_tensor_size (x0) / x0->n;

  for (int image = 0; image < x0->n; image++)
    {
      nats[image] = 0;
      for (gsize i = image * n; i < (image + 1) * n; i++)
        nats[image] += sf_gaussian_kl (x0->data[i], l1, 0, l2, NULL, NULL) / n;
    }
}

gboolean
sf_bound (const SfSampler *sampler, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n,
          const SfSamplerOptions *options, SfRng rng, const SfTensor *x0, double *nats, double *mse,
          const SfProgress *progress, GError **error)
{
  static const SfSamplerOptions defaults = { SF_SAMPLER_OPTIONS };
  g_auto (Bound) self = { .s = { .sampler = sampler, .options = options != NULL ? options : &defaults, .process = process, .levels = levels, .n = n, .variance = denoiser->variance } };

  g_return_val_if_fail (n > 0 && levels[n].sigma == 0 && sampler->plan != NULL, FALSE);

  if (!bound_allocate (&self, x0, error))
    return FALSE;
  self.s.state = self.y;
  self.s.denoised = self.denoised;
  self.s.raw = self.raw != NULL ? self.raw : self.denoised;
  self.s.second = self.second;
  prior (&levels[0], x0, nats);
  for (int k = 0; k < n; k++)
    {
      SfProgress part = sf_progress_sub (progress, (double) k / n, (k + 1.0) / n);

      sf_noisy_state (x0, &levels[k], self.s.options, k, rng, self.y);
      rng.stream++;
      if (!sf_denoiser_predict (denoiser, self.y, &levels[k], self.denoised, self.second, &part, error))
        return FALSE;
      if (self.raw != NULL)
        memcpy (self.raw->data, self.denoised->data, sf_tensor_size (x0) * sizeof (SfReal));
      sf_clip (&self.s.options->clip, self.denoised);
      if (!step (&self, k, x0, nats + (k + 1) * x0->n, mse != NULL ? mse + k * x0->n : NULL, error))
        return FALSE;
      sf_progress_set (&part, 1);
    }
  return TRUE;
}
