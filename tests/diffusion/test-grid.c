/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every sampler with every schedule, every prediction, few steps and many: finite, at the right end, with as many evaluations as
 * its descriptor says, and without drawing noise where none is injected.
 */
#include <math.h>
#include <string.h>

#include "analytic.h"
#include "base/sf-error.h"
#include "diffusion/sf-betas.h"
#include "diffusion/sf-sampler.h"

static const int step_counts[] = { 1, 2, 3, 4, 10, 50 };

static void
count_draws (SfTensor *z, guint64 draw, gpointer data)
{
  ++*(int *) data;
  for (gsize i = 0; i < sf_tensor_size (z); i++)
    z->data[i] = 0.5;
}

/* The schedule is made for one process, and the network must say something about it. */
static const SfNoiseProcess *
process_for (SfPrediction prediction)
{
  static SfNoiseProcess *flow;

  if (prediction != SF_PREDICTION_FLOW)
    return sf_noise_process_ddpm ();
  if (flow == NULL)
    flow = sf_noise_process_new_continuous (sf_noise_kind_find ("flow"), (double[2]) { 0 }, NULL);
  return flow;
}

/* All images are the same one: wherever a sampler goes, its end is that image.  The least a sampler must get right. */
static void
run_one (const SfSampler *self, const SfSchedule *schedule, SfPrediction prediction, int n, double eta)
{
  const SfNoiseProcess *process = process_for (prediction);
  SfScheduleOptions ends = { .sigma_max = 8, .sigma_min = 0.03 };
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);
  int draws = 0;
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .noise = count_draws, .noise_data = &draws };
  gboolean noisy = self->stochastic && (eta > 0 || !self->uses_eta || self->always);
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) network = network_new (normal, prediction, process);
  g_autoptr (SfTensor) y = sf_tensor_new (2, 1, 2, 3, NULL);
  g_autoptr (GError) error = NULL;

  normal->deviation = 0;
  options.eta = eta;
  if (!sf_schedule_fill (schedule, process, &ends, n, levels, &error))
    {
      g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
      return;
    }
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    y->data[i] = (SfReal) (0.3 + levels[0].sigma * ((int) i - 4) / 4);
  if (!sf_sample (self, network, process, levels, n, &options, (SfRng) { 0 }, y, NULL, &error))
    {
      g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
      g_assert_nonnull (strstr (error->message, self->name));
      return;
    }
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    g_assert_cmpfloat_with_epsilon (y->data[i], normal->mean, 2e-4);
  if (self->evaluations > 0)
    g_assert_cmpint (normal->calls, ==, sf_sampler_evaluations (self, n));
  if (!noisy)
    g_assert_cmpint (draws, ==, 0);
}

static void
test_grid (gconstpointer data)
{
  int n_schedules;
  const SfSchedule *const *schedules = sf_schedules (&n_schedules);

  for (int i = 0; i < n_schedules; i++)
    for (int prediction = 0; prediction < SF_N_PREDICTIONS; prediction++)
      for (gsize n = 0; n < G_N_ELEMENTS (step_counts); n++)
        for (int eta = 0; eta <= 1; eta++)
          run_one (data, schedules[i], prediction, step_counts[n], eta);
}

int
main (int argc, char **argv)
{
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("/sampler/%s/grid", samplers[i]->name);

      g_test_add_data_func (path, samplers[i], test_grid);
    }
  return g_test_run ();
}
