/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Likelihoods of a normal distribution, of which they are known in closed form. */
#include "train/sf-likelihood.h"

#include <math.h>

#include "analytic.h"
#include "base/sf-error.h"
#include "diffusion/sf-betas.h"
#include "diffusion/sf-bound.h"
#include "diffusion/sf-gaussian.h"
#include "diffusion/sf-posterior.h"
#include "tensor/sf-pixel.h"

#define SIDE 128
#define ELEMENTS (SIDE * SIDE)
#define MOST_SCORE 5.0 /* standard errors: a chance of 6e-7 each if all is right */
#define RTOL 1e-5
#define LAST_STEP 0.15 /* bits: the decoder's variance is half of the best, which costs 0.11; the rest is chance */

/* (transfer full): draws of @normal, to 8 bits if @quantised. */
static SfTensor *
draws_new (const Normal *normal, gboolean quantised)
{
  SfTensor *x = sf_tensor_new (1, SIDE, SIDE, 1, NULL);

  sf_add_noise (x, normal->deviation, (SfRng) { 21, 0 });
  for (int i = 0; i < ELEMENTS; i++)
    {
      x->data[i] += (SfReal) normal->mean;
      if (quantised)
        x->data[i] = (SfReal) sf_pixel_from_u8 (sf_pixel_to_u8 (x->data[i]));
    }
  return x;
}

/*** The bound ***/

/* All levels of the process, or every @stride-th, down to the clean image. */
static SfNoiseLevel *
chain_new (const SfNoiseProcess *process, int stride, int *n)
{
  SfNoiseLevel *levels = g_new (SfNoiseLevel, process->n + 1);

  *n = 0;
  for (int t = process->n - 1; t >= 0; t -= stride)
    levels[(*n)++] = sf_noise_process_level (process, t);
  levels[*n] = sf_noise_level_clean ();
  return levels;
}

/* With the exact D and the smaller variance the mean of a term is share^2 var (x0 | y) / (2 small), and its deviation over the
 * elements sqrt (2) times that.
 */
static void
test_bound_terms (void)
{
  const SfNoiseProcess *process = sf_noise_process_ddpm ();
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autoptr (SfTensor) x0 = NULL;
  g_autofree double *nats = NULL;
  g_autofree SfNoiseLevel *levels = NULL;
  int n;

  normal->deviation = 0.2;
  x0 = draws_new (normal, FALSE);
  levels = chain_new (process, 10, &n);
  nats = g_new (double, n + 1);
  g_assert_true (sf_bound (sf_sampler_find ("ddpm"), denoiser, process, levels, n, NULL, (SfRng) { 7, 0 }, x0, nats, NULL, NULL, NULL));
  for (int k = 0; k < n - 1; k++)
    {
      SfPosterior p = sf_posterior (&levels[k], &levels[k + 1]);
      double v = normal->deviation * normal->deviation, s2 = levels[k].sigma * levels[k].sigma, spread = v * s2 / (v + s2);
      double want = (1 - p.keep) * (1 - p.keep) * spread / (2 * p.small);

      g_assert_cmpfloat (fabs (nats[k + 1] - want), <, MOST_SCORE * M_SQRT2 * want / sqrt (ELEMENTS));
    }
}

/* Bits per dimension of @x0 in every @stride-th timestep of the DDPM process. */
static double
bound_bits (const char *sampler, SfDenoiser *denoiser, const SfSamplerOptions *options, const SfTensor *x0, int stride)
{
  const SfNoiseProcess *process = sf_noise_process_ddpm ();
  g_autofree double *nats = g_new (double, process->n + 1);
  double bits = 0;
  int n;
  g_autofree SfNoiseLevel *levels = chain_new (process, stride, &n);

  g_assert_true (sf_bound (sf_sampler_find (sampler), denoiser, process, levels, n, options, (SfRng) { 7, 0 }, x0, nats, NULL, NULL, NULL));
  for (int k = 0; k <= n; k++)
    bits += SF_BITS (nats[k]);
  return bits;
}

/* No bound is below the entropy of the data.  With a fixed variance fewer steps make it looser; with the exact one, that of
 * Analytic-DPM, the steps of a normal distribution are exact however few they are, and what is left is the last step's.
 */
static void
test_bound_holds (gconstpointer sampler)
{
  static const int strides[] = { 3, 27, 111 }; /* that end at the first timestep */
  const SfNoiseProcess *process = sf_noise_process_ddpm ();
  g_autofree double *gamma = g_new (double, process->n);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .gamma = gamma };
  gboolean analytic = g_str_equal (sampler, "analytic-ddpm");
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autoptr (SfTensor) x0 = NULL;
  double exact = 0, last = 0;

  normal->mean = 0.1;
  normal->deviation = 0.2;
  for (int t = 0; t < process->n; t++)
    {
      double s2 = pow (sf_noise_process_sigma (process, t), 2);

      gamma[t] = s2 / (normal->deviation * normal->deviation + s2);
    }
  x0 = draws_new (normal, TRUE);
  for (int i = 0; i < ELEMENTS; i++)
    exact -= SF_BITS (sf_gaussian_log_bin (x0->data[i], normal->mean, 2 * log (normal->deviation), NULL, NULL)) / ELEMENTS;
  for (gsize i = 0; i < G_N_ELEMENTS (strides); i++)
    {
      double bits = bound_bits (sampler, denoiser, &options, x0, strides[i]);

      g_test_message ("every %d. timestep: %.4f bits per dimension, the data have %.4f", strides[i], bits, exact);
      g_assert_cmpfloat (bits, >, exact);
      if (analytic)
        g_assert_cmpfloat (bits, <, exact + LAST_STEP);
      else
        g_assert_cmpfloat (bits, >, last);
      last = bits;
    }
}

static void
test_bound_refused (void)
{
  const SfNoiseProcess *process = sf_noise_process_ddpm ();
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autoptr (SfTensor) x0 = draws_new (normal, TRUE);
  g_autofree double *nats = g_new (double, process->n + 1);
  g_autoptr (GError) error = NULL;
  int n;
  g_autofree SfNoiseLevel *levels = chain_new (process, 100, &n);

  g_assert_false (sf_bound (sf_sampler_find ("euler"), denoiser, process, levels, n, NULL, (SfRng) { 7, 0 }, x0, nats, NULL, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
}

/*** The probability flow ***/

typedef struct
{
  Normal *normal;
  SfNoiseLevel least, most;
  SfTensor *x0;
} Flow;

static void
flow_init (Flow *self)
{
  const SfNoiseProcess *process = sf_noise_process_ddpm ();

  self->normal = normal_new ();
  self->least = sf_noise_process_level (process, 0);
  self->most = sf_noise_process_level (process, process->n - 1);
  self->x0 = draws_new (self->normal, FALSE);
}

static void
flow_clear (Flow *self)
{
  sf_denoiser_free (&self->normal->parent);
  sf_tensor_unref (self->x0);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Flow, flow_clear)

static double
variance_at (const Flow *self, double sigma)
{
  return self->normal->deviation * self->normal->deviation + sigma * sigma;
}

/* log of the factor by which each element's distances grow on the way */
static double
growth (const Flow *self)
{
  return log (variance_at (self, self->most.sigma) / variance_at (self, self->least.sigma)) / 2;
}

/* The log density of x0 in closed form: the flow moves each element by normal_flow(), to the prior N (0, 1 / a^2). */
static double
exact (const Flow *self)
{
  double prior = 1 / (self->most.a * self->most.a), nats = 0;

  for (int i = 0; i < ELEMENTS; i++)
    {
      double y = normal_flow (self->normal, self->x0->data[i], self->least.sigma, self->most.sigma);

      nats += growth (self) - (log (2 * G_PI * prior) + y * y / prior) / 2;
    }
  return nats;
}

static double
measure (const Flow *self, const SfLikelihoodOptions *options, guint64 seed, int *evaluations)
{
  g_autoptr (GError) error = NULL;
  double nats;

  g_assert_true (sf_log_likelihood (&self->normal->parent, sf_noise_process_ddpm (), &self->least, &self->most, options,
                                    (SfRng) { seed, 0 }, self->x0, &nats, evaluations, NULL, &error));
  return nats;
}

/* dD/dy v of the normal distribution. */
static gboolean
multiply (const SfTensor *y, const SfNoiseLevel *level, const SfTensor *v, SfTensor *product, gpointer data, GError **error)
{
  const Normal *normal = data;
  double slope = normal_denoise (normal, 1, level->sigma) - normal_denoise (normal, 0, level->sigma);

  for (gsize i = 0; i < sf_tensor_size (v); i++)
    product->data[i] = (SfReal) (slope * v->data[i]);
  return TRUE;
}

/* D acts on each element alone, so that the estimate with +1 and -1 is exact. */
static void
test_flow (void)
{
  g_auto (Flow) flow = { 0 };
  SfLikelihoodOptions options = { .rtol = RTOL, .atol = RTOL };
  double want, differences, products;
  int many, few;

  flow_init (&flow);
  want = exact (&flow);
  differences = measure (&flow, &options, 1, &many);
  options.jacobian = multiply;
  options.jacobian_data = flow.normal;
  products = measure (&flow, &options, 1, &few);
  g_test_message ("exact %.4f, by differences %.4f in %d evaluations, by products %.4f in %d", want / ELEMENTS, differences / ELEMENTS,
                  many, products / ELEMENTS, few);
  g_assert_cmpfloat_with_epsilon (products, want, 10 * RTOL * ELEMENTS);
  g_assert_cmpfloat_with_epsilon (differences, want, 50 * RTOL * ELEMENTS); /* rounding of float32 in the differences */
  g_assert_cmpint (few, <, many / 2);
}

/* With normal v the error is a random number of known deviation: sqrt (2 d) times the integral of the slope of D. */
static void
test_flow_gaussian (void)
{
  g_auto (Flow) flow = { 0 };
  SfLikelihoodOptions options = { .rtol = RTOL, .atol = RTOL, .probe = SF_PROBE_GAUSSIAN, .jacobian = multiply };
  double deviation, sum = 0, square = 0;
  const int runs = 12;

  flow_init (&flow);
  options.jacobian_data = flow.normal;
  deviation = sqrt (2.0 * ELEMENTS) * (log (flow.most.sigma / flow.least.sigma) - growth (&flow));
  for (int seed = 1; seed <= runs; seed++)
    {
      double score = (measure (&flow, &options, seed, NULL) - exact (&flow)) / deviation;

      sum += score;
      square += score * score;
    }
  g_assert_cmpfloat (fabs (sum), <, MOST_SCORE * sqrt (runs));
  g_assert_cmpfloat (square, >, 0.1 * runs); /* 12 such numbers of deviation 1 have less with a chance of 2e-5 */
  g_assert_cmpfloat (square, <, 4 * runs);
}

static void
test_flow_cancel (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SfProgress progress = { .cancellable = cancellable, .lo = 0, .hi = 1 };
  g_auto (Flow) flow = { 0 };
  SfLikelihoodOptions options = { 0 };
  g_autoptr (GError) error = NULL;
  double nats;

  flow_init (&flow);
  flow.normal->cancellable = cancellable;
  flow.normal->cancel_at = 20;
  g_assert_false (sf_log_likelihood (&flow.normal->parent, sf_noise_process_ddpm (), &flow.least, &flow.most, &options,
                                     (SfRng) { 1, 0 }, flow.x0, &nats, NULL, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (flow.normal->calls, ==, 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bound/terms", test_bound_terms);
  g_test_add_data_func ("/bound/ddpm", "ddpm", test_bound_holds);
  g_test_add_data_func ("/bound/ddpm-large", "ddpm-large", test_bound_holds);
  g_test_add_data_func ("/bound/analytic-ddpm", "analytic-ddpm", test_bound_holds);
  g_test_add_func ("/bound/refused", test_bound_refused);
  g_test_add_func ("/likelihood/flow", test_flow);
  g_test_add_func ("/likelihood/gaussian", test_flow_gaussian);
  g_test_add_func ("/likelihood/cancel", test_flow_cancel);
  return g_test_run ();
}
