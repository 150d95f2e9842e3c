/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every sampler that follows the probability flow converges with the order that its descriptor says: halving the steps divides
 * the error by 2^order.  Built for double precision, so that rounding does not hide the error of high orders.
 */
#include <math.h>

#include "analytic.h"
#include "diffusion/sf-betas.h"
#include "diffusion/sf-mixture.h"
#include "diffusion/sf-sampler.h"

#define SIGMA_MAX 4.0
#define SIGMA_MIN 0.05

/* Many steps: the paths of the mixture part, and terms of the error cancel, before the order shows.  The slack is what is left of the
 * next term.  A multiple of 2 and 3, so that blocks of single steps end alike.
 */
#define COARSE 768
#define SLACK 0.15

/* A target whose flow is known. */
typedef struct
{
  const char *name;
  SfDenoiser *(*denoiser) (void);
  void (*flow) (SfTensor *y, double from, double to);
  SfTensor *start, *exact; /* made at their first use */
} Target;

static SfDenoiser *
normal_denoiser (void)
{
  return &normal_new ()->parent;
}

static void
normal_flow_all (SfTensor *y, double from, double to)
{
  g_autoptr (SfDenoiser) normal = normal_denoiser ();

  for (gsize i = 0; i < sf_tensor_size (y); i++)
    y->data[i] = (SfReal) normal_flow ((Normal *) normal, y->data[i], from, to);
}

static void
mixture_flow_all (SfTensor *y, double from, double to)
{
  sf_mixture_flow (y, from, to, 4000);
}

static Target targets[] = {
  { "normal", normal_denoiser, normal_flow_all, NULL, NULL },
  { "mixture", sf_denoiser_mixture_new, mixture_flow_all, NULL, NULL },
};

/* At sigma_max, and where the flow takes it, with D of that: the last jump, from sigma_min to 0, is one evaluation for every sampler
 * and is taken as it is, so that it does not hide the error of the steps before.
 */
static void
target_prepare (Target *self)
{
  const SfNoiseLevel last = { .sigma = SIGMA_MIN, .a = 1 };
  g_autoptr (SfDenoiser) denoiser = self->denoiser ();

  if (self->start != NULL)
    return;
  self->start = sf_tensor_new (1, 8, 8, 2, NULL);
  sf_mixture_draw (self->start, SIGMA_MAX, (SfRng) { 11, 1000 });
  self->exact = sf_tensor_copy (self->start, NULL);
  self->flow (self->exact, SIGMA_MAX, SIGMA_MIN);
  g_assert_true (sf_denoiser_predict (denoiser, self->exact, &last, self->exact, NULL, NULL, NULL));
}

/* Root mean square error after @n steps or, of a sampler that chooses them, with @tolerance. */
static double
flow_error (const SfSampler *self, Target *target, const char *schedule, int n, double tolerance)
{
  g_autofree SfNoiseLevel *levels = levels_new (schedule, SIGMA_MAX, SIGMA_MIN, n);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  g_autoptr (SfDenoiser) denoiser = target->denoiser ();
  g_autoptr (SfTensor) y = NULL;
  g_autoptr (GError) error = NULL;
  double sum = 0;

  target_prepare (target);
  y = sf_tensor_copy (target->start, NULL);
  options.eta = 0;
  options.relative_tolerance = options.absolute_tolerance = tolerance;
  g_assert_true (sf_sample (self, denoiser, sf_noise_process_ddpm (), levels, n, &options, (SfRng) { 0 }, y, NULL, &error));
  g_assert_no_error (error);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    sum += pow (y->data[i] - target->exact->data[i], 2);
  return sqrt (sum / sf_tensor_size (y));
}

static void
test_order (gconstpointer data)
{
  static const char *const schedules[] = { "exponential", "karras", "cosine" };
  const SfSampler *self = data;

  for (gsize t = 0; t < G_N_ELEMENTS (targets); t++)
    for (gsize i = 0; i < G_N_ELEMENTS (schedules); i++)
      {
        double coarse = flow_error (self, &targets[t], schedules[i], COARSE, 0), fine = flow_error (self, &targets[t], schedules[i], 2 * COARSE, 0);
        double order = log2 (coarse / fine);

        g_test_message ("%s, %s: error %.2e with %d steps, %.2e with %d: order %.2f", targets[t].name, schedules[i], coarse, COARSE, fine, 2 * COARSE,
                        order);
        g_assert_cmpfloat (fine, <, 0.02);
        g_assert_cmpfloat (order, >=, self->order - SLACK);
      }
}

/* The error of samplers that choose their steps goes with the tolerance, and is no more than a few times that.  (With some
 * tolerances between these one step is too long, where the estimate of its error passes through 0.)
 */
static void
test_tolerance (gconstpointer data)
{
  static const double tolerances[] = { 1e-3, 1e-8 };
  const SfSampler *self = data;

  for (gsize t = 0; t < G_N_ELEMENTS (targets); t++)
    for (gsize i = 0; i < G_N_ELEMENTS (tolerances); i++)
      {
        double error = flow_error (self, &targets[t], "karras", 10, tolerances[i]);

        g_test_message ("%s: error %.2e with tolerance %.0e", targets[t].name, error, tolerances[i]);
        g_assert_cmpfloat (error, <, 10 * tolerances[i]);
      }
}

int
main (int argc, char **argv)
{
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    if (samplers[i]->order > 0)
      {
        g_autofree char *path = g_strdup_printf ("/sampler/%s/%s", samplers[i]->name, samplers[i]->own_loop ? "tolerance" : "order");

        g_test_add_data_func (path, samplers[i], samplers[i]->own_loop ? test_tolerance : test_order);
      }
  n = g_test_run ();
  for (gsize t = 0; t < G_N_ELEMENTS (targets); t++)
    {
      sf_tensor_unref (targets[t].start);
      sf_tensor_unref (targets[t].exact);
    }
  return n;
}
