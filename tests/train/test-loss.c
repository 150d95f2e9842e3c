/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every loss of the table, for every prediction and variance: gradients against central differences, and 0 for the truth. */
#include "train/sf-loss.h"

#include <math.h>

#include "base/sf-error.h"
#include "base/sf-rng.h"
#include "diffusion/sf-posterior.h"

#define T 12
#define C 3
#define STEP 1e-5

static const double times[] = { 0, 1, 5, T - 1 };
#define IMAGES ((int) G_N_ELEMENTS (times))

static SfNoiseProcess *
process_new (void)
{
  double beta[T];

  for (int t = 0; t < T; t++)
    beta[t] = 0.003 + 0.01 * t;
  return sf_noise_process_new (beta, T, NULL);
}

static SfTensor *
random_new (int c, double scale, guint64 stream)
{
  SfTensor *x = sf_tensor_new (IMAGES, 2, 2, c, NULL);
  g_autofree float *z = g_new (float, sf_tensor_size (x));

  sf_rng_normal ((SfRng) { 3, stream }, 0, z, sf_tensor_size (x));
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] = scale * z[i];
  return x;
}

/* (transfer full): the true prediction: a x0 + s n is the state. */
static SfTensor *
truth_new (SfPrediction prediction, const SfNoiseProcess *process, const SfTensor *x0, const SfTensor *noise)
{
  SfTensor *truth = sf_tensor_new_like (x0, NULL);
  gsize n = sf_tensor_size (x0) / IMAGES;

  for (gsize i = 0; i < sf_tensor_size (x0); i++)
    {
      double t = times[i / n], x = x0->data[i], z = noise->data[i];
      SfNoiseLevel r = sf_noise_process_level (process, t), s = t > 0 ? sf_noise_process_level (process, t - 1) : sf_noise_level_clean ();
      double a = r.a, b = r.a * r.sigma, keep = sf_posterior (&r, &s).keep;
      const double values[SF_N_PREDICTIONS] = {
        [SF_PREDICTION_EPSILON] = z,
        [SF_PREDICTION_SAMPLE] = x,
        [SF_PREDICTION_V] = a * z - b * x,
        [SF_PREDICTION_SCORE] = -z / b,
        [SF_PREDICTION_FLOW] = z - x,
        [SF_PREDICTION_PREVIOUS] = s.a * (x + keep * r.sigma * z),
      };

      truth->data[i] = values[prediction];
    }
  return truth;
}

static double
total (const SfLoss *loss, const SfNoiseProcess *process, const SfLossOptions *options, const SfTensor *x0, const SfTensor *noise,
       const SfTensor *output, SfTensor *gradient)
{
  g_autoptr (GError) error = NULL;
  double each[IMAGES], sum = 0;

  g_assert_true (sf_loss (loss, process, options, times, x0, noise, output, each, gradient, &error));
  for (int i = 0; i < IMAGES; i++)
    sum += each[i];
  return sum;
}

/* The central difference of the loss by element @i. */
static double
difference (const SfLoss *loss, const SfNoiseProcess *process, const SfLossOptions *options, const SfTensor *x0, const SfTensor *noise,
            SfTensor *output, gsize i)
{
  double kept = output->data[i], up, down;

  output->data[i] = kept + STEP;
  up = total (loss, process, options, x0, noise, output, NULL);
  output->data[i] = kept - STEP;
  down = total (loss, process, options, x0, noise, output, NULL);
  output->data[i] = kept;
  return (up - down) / (2 * STEP);
}

static void
check_gradient (const SfLoss *loss, SfPrediction prediction, SfVariance variance)
{
  SfLossOptions options = { SF_LOSS_OPTIONS, .prediction = prediction, .variance = variance, .second_weight = 0.3 };
  SfLossOptions first_alone = { SF_LOSS_OPTIONS, .prediction = prediction };
  int c = variance != SF_VARIANCE_NONE ? 2 * C : C;
  g_autoptr (SfNoiseProcess) process = process_new ();
  g_autoptr (SfTensor) x0 = random_new (C, 0.3, 0);
  g_autoptr (SfTensor) noise = random_new (C, 1, 1);
  g_autoptr (SfTensor) truth = truth_new (prediction, process, x0, noise);
  g_autoptr (SfTensor) first = random_new (C, 0.01, 2);
  g_autoptr (SfTensor) output = random_new (c, 0.3, 3);
  g_autoptr (SfTensor) gradient = sf_tensor_new_like (output, NULL);

  for (gsize i = 0; i < sf_tensor_size (first); i++)
    {
      first->data[i] += truth->data[i];
      output->data[i / C * c + i % C] = first->data[i];
    }
  total (loss, process, &options, x0, noise, output, gradient);
  for (gsize i = 0; i < sf_tensor_size (output); i++)
    {
      /* Beside a square error the second half must not teach the first, and a moment never does. */
      gboolean whole = i % c >= C || (loss->weight == NULL && sf_variance_is_learned (variance));
      double want = whole ? difference (loss, process, &options, x0, noise, output, i)
                          : difference (loss, process, &first_alone, x0, noise, first, i / c * C + i % c);

      g_assert_cmpfloat_with_epsilon (gradient->data[i], want, 1e-7 * MAX (1, fabs (want)));
    }
}

static void
test_gradient (gconstpointer data)
{
  static const SfPrediction predictions[] = { SF_PREDICTION_EPSILON, SF_PREDICTION_SAMPLE, SF_PREDICTION_V, SF_PREDICTION_SCORE, SF_PREDICTION_PREVIOUS };

  for (gsize i = 0; i < G_N_ELEMENTS (predictions); i++)
    for (SfVariance variance = SF_VARIANCE_NONE; variance <= SF_VARIANCE_NPR; variance++)
      check_gradient (data, predictions[i], variance);
}

/* The square error of the truth is 0, and of the output that is off by 0.1 it is 0.01 for the simple loss. */
static void
test_truth (void)
{
  g_autoptr (SfNoiseProcess) discrete = process_new ();
  const SfNoiseKind *kind = sf_noise_kind_find ("flow");
  g_autoptr (SfNoiseProcess) flow = sf_noise_process_new_continuous (kind, kind->defaults, NULL);
  g_autoptr (SfTensor) x0 = random_new (C, 0.3, 0);
  g_autoptr (SfTensor) noise = random_new (C, 1, 1);

  for (SfPrediction prediction = 0; prediction < SF_N_PREDICTIONS; prediction++)
    {
      const SfNoiseProcess *process = prediction == SF_PREDICTION_FLOW ? flow : discrete;
      SfLossOptions options = { SF_LOSS_OPTIONS, .prediction = prediction };
      g_autoptr (SfTensor) output = truth_new (prediction, discrete, x0, noise);
      const double flow_times[IMAGES] = { 0.01, 0.3, 0.7, 1 };
      double loss[IMAGES];

      for (int wrong = 0; wrong < 2; wrong++)
        {
          for (gsize i = 0; i < sf_tensor_size (output); i++)
            output->data[i] += 0.1 * wrong;
          g_assert_true (sf_loss (sf_loss_find ("simple"), process, &options, process == flow ? flow_times : times, x0, noise, output, loss, NULL, NULL));
          for (int i = 0; i < IMAGES; i++)
            g_assert_cmpfloat_with_epsilon (loss[i], 0.01 * wrong, 1e-12);
        }
    }
}

static void
check_refused (const SfNoiseProcess *process, const char *loss, SfPrediction prediction, double t)
{
  SfLossOptions options = { SF_LOSS_OPTIONS, .prediction = prediction };
  g_autoptr (SfTensor) x = sf_tensor_new (1, 2, 2, C, NULL);
  g_autoptr (GError) error = NULL;
  double value;

  g_assert_false (sf_loss (sf_loss_find (loss), process, &options, &t, x, x, x, &value, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
}

static void
test_refused (void)
{
  const SfNoiseKind *kind = sf_noise_kind_find ("flow");
  g_autoptr (SfNoiseProcess) flow = sf_noise_process_new_continuous (kind, kind->defaults, NULL);
  g_autoptr (SfNoiseProcess) discrete = process_new ();

  check_refused (flow, "vlb", SF_PREDICTION_FLOW, 0.5);
  check_refused (flow, "simple", SF_PREDICTION_EPSILON, 0.5);
  check_refused (flow, "simple", SF_PREDICTION_FLOW, 0);
  check_refused (flow, "simple", SF_PREDICTION_FLOW, 1.1);
  check_refused (discrete, "simple", SF_PREDICTION_FLOW, 1);
  check_refused (discrete, "simple", SF_PREDICTION_EPSILON, T);
  check_refused (discrete, "simple", SF_PREDICTION_EPSILON, -1);
  check_refused (discrete, "simple", SF_PREDICTION_EPSILON, NAN);
}

int
main (int argc, char **argv)
{
  int n;
  const SfLoss *losses = sf_losses (&n);

  g_test_init (&argc, &argv, NULL);
  for (int i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("/loss/%s/gradient", losses[i].name);

      g_test_add_data_func (path, &losses[i], test_gradient);
    }
  g_test_add_func ("/loss/truth", test_truth);
  g_test_add_func ("/loss/refused", test_refused);
  return g_test_run ();
}
