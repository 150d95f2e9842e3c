/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/sf-loss.h"

#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-error.h"
#include "diffusion/sf-bound.h"
#include "diffusion/sf-posterior.h"

/*** The losses ***/

static double
weight_one (const SfLossOptions *options, double snr, double gain)
{
  return 1;
}

/* min (snr, limit) of the error of D, whatever the network predicts. */
static double
weight_min_snr (const SfLossOptions *options, double snr, double gain)
{
  return CLAMP (snr, options->snr_min, options->snr_max) * gain * gain;
}

static double
weight_p2 (const SfLossOptions *options, double snr, double gain)
{
  return pow (options->p2_offset + snr, -options->p2_power);
}

static const SfLoss losses[] = {
  { "simple", N_ ("Simple"), N_ ("The plain square error of Ho et al. 2020; the best pictures for the least thought"), weight_one, 1, FALSE },
  { "hybrid", N_ ("Hybrid"), N_ ("The plain square error, and a thousandth of the bound for a learned variance; few steps suffice later"), weight_one, 1e-3, TRUE },
  { "vlb", N_ ("Variational bound"), N_ ("Bits per dimension of one timestep; good likelihoods, noisy to train"), NULL, 1, FALSE },
  { "vlb-rescaled", N_ ("Variational bound, whole"), N_ ("Bits per dimension of all timesteps, estimated from one"), NULL, 1, TRUE },
  { "min-snr", N_ ("Min-SNR"), N_ ("Square error with the easy timesteps held back; trains about three times as fast"), weight_min_snr, 1e-3, TRUE },
  { "p2", N_ ("P2 weighting"), N_ ("Square error with less weight on invisible detail; for small data sets"), weight_p2, 1e-3, TRUE },
};

const SfLoss *
sf_losses (int *n)
{
  *n = G_N_ELEMENTS (losses);
  return losses;
}

const SfLoss *
sf_loss_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (losses); i++)
    if (g_strcmp0 (losses[i].name, name) == 0)
      return &losses[i];
  return NULL;
}

/*** One element ***/

/* What is the same for all elements of an image. */
typedef struct
{
  double sigma;
  double gain;                      /* of D per unit of output */
  double target_x0, target_noise;   /* the output that gives D = x0 */
  double square, bound, moment;     /* weights of the three parts */
  gboolean detached;                /* the bound's derivative is not the first half's */
  SfVariance variance;
  SfBoundStep step;
  double log_variance, slope;       /* of p: log variance = log_variance + slope * second half */
} Terms;

/* The loss of one element.  @second: (nullable): the output of the second half; @d, @d_second: (out): derivatives. */
static double
element (const Terms *self, double x0, double noise, double output, const SfReal *second, double *d, double *d_second)
{
  double error = output - self->target_x0 * x0 - self->target_noise * noise;
  double denoised = x0 + self->gain * error;
  double loss = self->square * error * error;

  *d = 2 * self->square * error;
  *d_second = 0;
  if (self->bound != 0)
    {
      double l = self->log_variance + (second != NULL ? self->slope * *second : 0), d_denoised, d_log_variance;

      loss += self->bound * sf_bound_element (&self->step, x0, denoised, l, &d_denoised, &d_log_variance);
      *d += self->detached ? 0 : self->bound * self->gain * d_denoised;
      *d_second = self->bound * self->slope * d_log_variance;
    }
  if (self->moment != 0)
    {
      double noise_error = self->gain * error / self->sigma; /* n - n', as n' = (y - D) / sigma */
      double wanted = self->variance == SF_VARIANCE_SN ? noise * noise : noise_error * noise_error;

      loss += self->moment * (*second - wanted) * (*second - wanted);
      *d_second = 2 * self->moment * (*second - wanted);
    }
  return loss;
}

/*** An image, and all of them ***/

static void
terms_init (Terms *self, const SfLoss *loss, const SfNoiseProcess *process, const SfLossOptions *o, double t)
{
  SfNoiseLevel r = sf_noise_process_level (process, t);
  SfNoiseLevel s = t >= 1 && process->kind == NULL ? sf_noise_process_level (process, t - 1) : sf_noise_level_clean ();
  gboolean learned = sf_variance_is_learned (o->variance), moment = o->variance != SF_VARIANCE_NONE && !learned;
  gboolean pure = r.sigma >= SF_NOISE_SIGMA_PURE; /* where there is no signal all weights are 1 */
  double state;

  *self = (Terms) { .sigma = r.sigma, .variance = o->variance, .detached = loss->weight != NULL };
  sf_prediction_weights (o->prediction, &r, &s, &state, &self->gain);
  self->target_x0 = (1 - state) / self->gain;
  self->target_noise = -state * r.sigma / self->gain;
  if (loss->weight != NULL)
    self->square = pure ? 1 : loss->weight (o, 1 / (r.sigma * r.sigma), self->gain);
  if (moment)
    self->moment = o->second_weight > 0 ? o->second_weight : 1;
  if (learned || loss->weight == NULL)
    {
      double weight = loss->bound * (loss->per_timestep ? process->n : 1);

      self->bound = SF_BITS (o->second_weight > 0 && loss->weight != NULL ? o->second_weight : weight);
      self->step = sf_bound_step (&r, &s);
      if (learned)
        sf_learned_log_variance (o->variance, &r, &s, sf_posterior_floor (process), &self->log_variance, &self->slope);
      else if (self->step.decoder)
        self->log_variance = sf_posterior_floor (process);
      else
        self->log_variance = o->large ? log (sf_posterior (&r, &s).large) : self->step.log_variance;
    }
}

static double
image_loss (const Terms *self, const SfTensor *x0, const SfTensor *noise, const SfTensor *output, int image, SfTensor *gradient)
{
  gsize c = x0->c, stride = output->c, pixels = (gsize) x0->h * x0->w;
  double scale = 1.0 / (pixels * c), sum = 0;

  for (gsize pixel = image * pixels; pixel < (image + 1) * pixels; pixel++)
    for (gsize i = 0; i < c; i++)
      {
        gsize at = pixel * stride + i;
        const SfReal *second = stride > c ? &output->data[at + c] : NULL;
        double d, d_second;

        sum += element (self, x0->data[pixel * c + i], noise->data[pixel * c + i], output->data[at], second, &d, &d_second);
        if (gradient == NULL)
          continue;
        gradient->data[at] = (SfReal) (scale * d);
        if (second != NULL)
          gradient->data[at + c] = (SfReal) (scale * d_second);
      }
  return scale * sum;
}

static gboolean
check (const SfLoss *self, const SfNoiseProcess *process, const SfLossOptions *options, const double *t, int n, GError **error)
{
  gboolean bound = self->weight == NULL || sf_variance_is_learned (options->variance);
  double most = process->kind != NULL ? process->kind->t_max : process->n - 1;

  if (!sf_prediction_check (options->prediction, process, error))
    return FALSE;
  if (bound && process->kind != NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Loss “%s” with a variational bound does not go with the continuous noise process “%s”"),
                   self->name, process->kind->name);
      return FALSE;
    }
  for (int i = 0; i < n; i++)
    if (!(t[i] >= 0 && t[i] <= most && sf_noise_process_sigma (process, t[i]) > 0))
      {
        g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Loss “%s”: there is no timestep %g; the last one is %g"), self->name, t[i], most);
        return FALSE;
      }
  return TRUE;
}

gboolean
sf_loss (const SfLoss *self, const SfNoiseProcess *process, const SfLossOptions *options, const double *t, const SfTensor *x0,
         const SfTensor *noise, const SfTensor *output, double *loss, SfTensor *gradient, GError **error)
{
  g_return_val_if_fail (sf_tensor_same_shape (x0, noise), FALSE);
  g_return_val_if_fail (output->c == x0->c * (options->variance != SF_VARIANCE_NONE ? 2 : 1), FALSE);
  g_return_val_if_fail (output->n == x0->n && output->h == x0->h && output->w == x0->w, FALSE);
  g_return_val_if_fail (gradient == NULL || sf_tensor_same_shape (gradient, output), FALSE);

  if (!check (self, process, options, t, x0->n, error))
    return FALSE;
  for (int image = 0; image < x0->n; image++)
    {
      Terms terms;

      terms_init (&terms, self, process, options, t[image]);
      loss[image] = image_loss (&terms, x0, noise, output, image, gradient);
    }
  return TRUE;
}
