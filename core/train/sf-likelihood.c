/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/sf-likelihood.h"

#include <float.h>
#include <math.h>

#include "diffusion/sf-bound.h"
#include "diffusion/sf-ode.h"
#include "diffusion/sf-sampling.h"

typedef struct
{
  SfDenoiser *denoiser;
  const SfNoiseProcess *process;
  const SfLikelihoodOptions *options;
  SfProgress quiet;                 /* cancels, but reports nothing */
  SfTensor *v;                      /* the probe */
  SfTensor *product, *moved, *back; /* (dD/dy) v; y moved along v, and D there */
  int evaluations;
} Flow;

static void
flow_clear (Flow *self)
{
  sf_tensor_unref (self->v);
  sf_tensor_unref (self->product);
  sf_tensor_unref (self->moved);
  sf_tensor_unref (self->back);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Flow, flow_clear)

static gboolean
denoise (Flow *self, const SfTensor *y, const SfNoiseLevel *level, SfTensor *denoised, GError **error)
{
  self->evaluations++;
  return sf_denoiser_predict (self->denoiser, y, level, denoised, NULL, &self->quiet, error);
}

/* D at y + @h v. */
static gboolean
denoise_moved (Flow *self, const SfTensor *y, const SfNoiseLevel *level, double h, SfTensor *denoised, GError **error)
{
  sf_weighted_sum (self->moved, 2, (double[]) { 1, h }, (const SfTensor *[]) { y, self->v });
  return denoise (self, self->moved, level, denoised, error);
}

/* product = (D (y + h v) - D (y - h v)) / 2h.  D bends over distances like sigma; this h balances that with rounding. */
static gboolean
differentiate (Flow *self, const SfTensor *y, const SfNoiseLevel *level, GError **error)
{
  double h = cbrt ((sizeof (SfReal) == sizeof (double) ? DBL_EPSILON : FLT_EPSILON) * level->sigma * level->sigma);

  if (self->options->jacobian != NULL)
    return self->options->jacobian (y, level, self->v, self->product, self->options->jacobian_data, error);
  if (!denoise_moved (self, y, level, h, self->product, error) || !denoise_moved (self, y, level, -h, self->back, error))
    return FALSE;
  sf_weighted_sum (self->product, 2, (double[]) { 0.5 / h, -0.5 / h }, (const SfTensor *[]) { self->product, self->back });
  return TRUE;
}

/* dz: of minus the log density of each image */
static gboolean
flow_slope (double u, const SfTensor *y, SfTensor *dy, double *dz, gpointer data, GError **error)
{
  Flow *self = data;
  SfNoiseLevel level = sf_noise_process_level_at (self->process, exp (u));
  gsize n = sf_tensor_size (y) / y->n;

  if (!denoise (self, y, &level, dy, error) || !differentiate (self, y, &level, error))
    return FALSE;
  sf_weighted_sum (dy, 2, (double[]) { 1, -1 }, (const SfTensor *[]) { y, dy });
  for (int image = 0; image < y->n; image++)
    {
      dz[image] = n;
      for (gsize i = image * n; i < (image + 1) * n; i++)
        dz[image] -= (double) self->v->data[i] * self->product->data[i];
    }
  return TRUE;
}

static gboolean
flow_allocate (Flow *self, SfRng rng, const SfTensor *x0, GError **error)
{
  if ((self->v = sf_tensor_new_like (x0, error)) == NULL || (self->product = sf_tensor_new_like (x0, error)) == NULL ||
      (self->moved = sf_tensor_new_like (x0, error)) == NULL || (self->back = sf_tensor_new_like (x0, error)) == NULL)
    return FALSE;
  sf_add_noise (self->v, 1, rng);
  if (self->options->probe == SF_PROBE_RADEMACHER)
    for (gsize i = 0; i < sf_tensor_size (self->v); i++)
      self->v->data[i] = self->v->data[i] < 0 ? -1 : 1;
  return TRUE;
}

/* log density of the prior */
static double
prior (const SfNoiseLevel *level, const SfReal *y, gsize n)
{
  double variance = sf_bound_prior_variance (level), square = 0;

  for (gsize i = 0; i < n; i++)
    square += (double) y[i] * y[i];
  return -(n * log (2 * G_PI * variance) + square / variance) / 2;
}

gboolean
sf_log_likelihood (SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *least, const SfNoiseLevel *most,
                   const SfLikelihoodOptions *options, SfRng rng, const SfTensor *x0, double *nats, int *evaluations,
                   const SfProgress *progress, GError **error)
{
  g_auto (Flow) flow = { .denoiser = denoiser, .process = process, .options = options };
  SfOde ode = { .slope = flow_slope, .data = &flow, .rtol = options->rtol, .atol = options->atol };
  g_autoptr (SfTensor) y = sf_tensor_copy (x0, error);
  gsize n = sf_tensor_size (x0) / x0->n;

  g_return_val_if_fail (least->sigma > 0 && most->sigma > least->sigma, FALSE);

  if (progress != NULL)
    flow.quiet.cancellable = progress->cancellable;
  for (int image = 0; image < x0->n; image++)
    nats[image] = 0;
  if (y == NULL || !flow_allocate (&flow, rng, x0, error) ||
      !sf_ode_solve (&ode, log (least->sigma), log (most->sigma), y, nats, x0->n, NULL, progress, error))
    return FALSE;
  for (int image = 0; image < x0->n; image++)
    nats[image] += prior (most, y->data + image * n, n);
  if (evaluations != NULL)
    *evaluations = flow.evaluations;
  return TRUE;
}
