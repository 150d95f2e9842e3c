/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samplers that lead from an image to the noise that gives it: they follow the flow upwards with their order, and back again.
 * Built for double precision.
 */
#include <math.h>
#include <string.h>

#include "analytic.h"
#include "base/sf-error.h"
#include "diffusion/sf-betas.h"
#include "diffusion/sf-sampler.h"

#define SIGMA_MAX 4.0
#define SIGMA_MIN 0.05
#define COARSE 768 /* a multiple of 2 and 3, so that blocks of single steps end alike */
#define SLACK 0.15 /* of the order, for the next term of the error */

/* Where the largest error of a state is after @n steps up and, if @back, down again. */
static double
flow_error (const SfSampler *self, int n, gboolean back)
{
  g_autofree SfNoiseLevel *falling = levels_new ("exponential", SIGMA_MAX, SIGMA_MIN, n + 1);
  g_autofree SfNoiseLevel *rising = g_new (SfNoiseLevel, n + 1);
  /* Single steps end with one of first order where they end above 0, else. */
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .invert = TRUE, .full_order_last = TRUE };
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autoptr (SfTensor) y = sf_tensor_new (1, 4, 4, 2, NULL);
  g_autoptr (SfTensor) image = NULL;
  double worst = 0;

  sf_add_noise (y, 1, (SfRng) { 11, 0 });
  image = sf_tensor_copy (y, NULL);
  for (int k = 0; k <= n; k++)
    rising[k] = falling[n - k];
  options.eta = 0;
  g_assert_true (sf_sample (self, denoiser, sf_noise_process_ddpm (), rising, n, &options, (SfRng) { 0 }, y, NULL, NULL));
  g_assert_cmpint (normal->calls, >=, n);
  if (back)
    g_assert_true (sf_sample (self, denoiser, sf_noise_process_ddpm (), falling, n, &options, (SfRng) { 0 }, y, NULL, NULL));
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    worst = MAX (worst, fabs (y->data[i] - (back ? image->data[i] : normal_flow (normal, image->data[i], SIGMA_MIN, SIGMA_MAX))));
  return worst;
}

static void
test_order (gconstpointer data)
{
  const SfSampler *self = data;

  for (int back = FALSE; back <= TRUE; back++)
    {
      double coarse = flow_error (self, COARSE, back), fine = flow_error (self, 2 * COARSE, back), order = log2 (coarse / fine);

      g_test_message ("%s: error %.2e with %d steps, %.2e with %d: order %.2f", back ? "and back" : "up", coarse, COARSE, fine, 2 * COARSE, order);
      g_assert_cmpfloat (order, >=, self->order - SLACK);
    }
}

/* Fresh noise cannot be inverted, and not every step is good upwards. */
static void
test_refused (gconstpointer data)
{
  const SfSampler *self = data;
  SfNoiseLevel levels[2] = { { .sigma = 1, .a = 1 }, { .sigma = 2, .a = 1 } };
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .invert = TRUE };
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  g_autoptr (SfTensor) y = sf_tensor_new (1, 4, 4, 2, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (sf_sample (self, denoiser, sf_noise_process_ddpm (), levels, 1, &options, (SfRng) { 0 }, y, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, self->name));
  g_assert_cmpint (normal->calls, ==, 0);
}

int
main (int argc, char **argv)
{
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    {
      g_autofree char *order = g_strdup_printf ("/inversion/%s/order", samplers[i]->name);
      g_autofree char *refused = g_strdup_printf ("/inversion/%s/refused", samplers[i]->name);

      if (samplers[i]->inverts)
        g_test_add_data_func (order, samplers[i], test_order);
      if (samplers[i]->stochastic || !samplers[i]->inverts)
        g_test_add_data_func (refused, samplers[i], test_refused);
    }
  return g_test_run ();
}
