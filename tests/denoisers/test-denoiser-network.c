/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network says, as D: for each prediction and variance; and gradients of a classifier. */
#include "denoisers/sf-denoiser-network.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-model-share.h"
#include "diffusion/sf-betas.h"
#include "files.h"

static SfTensor *
noise (int n, int side, int c)
{
  SfTensor *x = sf_tensor_new (n, side, side, c, NULL);

  sf_rng_normal ((SfRng) { 7, 1 }, 0, x->data, sf_tensor_size (x));
  return x;
}

static SfModel *
load (const char *name)
{
  g_autofree char *path = files_path (name);
  g_autoptr (GError) error = NULL;
  SfModel *model = sf_model_get (path, "linear-1000", TRUE, NULL, &error);

  g_assert_no_error (error);
  return model;
}

/* The network's own answer to a y at level @level, beside @condition (nullable). */
static SfTensor *
ask (SfModel *model, const SfTensor *y, const SfNoiseLevel *level, const SfTensor *condition)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (GError) error = NULL;
  const int more = condition != NULL ? condition->c : 0, c = y->c + more;
  SfTensor *x, *out, *copy;
  double t[4] = { level->t, level->t, level->t, level->t };

  sf_context_begin (cx, NULL, 0);
  x = sf_context_tensor (cx, y->n, y->h, y->w, c);
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] = (int) (i % c) < y->c ? (float) (level->a * y->data[i / c * y->c + i % c]) : condition->data[i / c * more + i % c - y->c];
  out = sf_network_forward (model->network, cx, x, t, NULL);
  copy = out != NULL ? sf_tensor_copy (out, NULL) : NULL;
  sf_tensor_unref (out);
  sf_context_end (cx, &error);
  g_assert_no_error (error);
  return copy;
}

static void
test_predictions (void)
{
  static const NetShape shape = { .out = 6 };
  static const SfVariance variances[] = { SF_VARIANCE_NONE, SF_VARIANCE_LEARNED, SF_VARIANCE_LEARNED_RANGE };
  g_autoptr (SfModel) model = NULL;
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) y = noise (2, 8, 3), d = sf_tensor_new_like (y, NULL), v = sf_tensor_new_like (y, NULL);
  const SfNoiseLevel level = sf_noise_process_level (sf_noise_process_ddpm (), 300.5);
  g_autoptr (SfTensor) out = NULL;

  files_write_unet2d ("six/model.safetensors", &shape);
  files_write_unet2d_config ("six/config.json", &shape);
  model = load ("six");
  out = ask (model, y, &level, NULL);
  for (int p = 0; p < SF_N_PREDICTIONS; p++)
    for (gsize k = 0; p != SF_PREDICTION_PREVIOUS && p != SF_PREDICTION_FLOW && k < G_N_ELEMENTS (variances); k++)
      {
        const SfNetworkUse use = { .network = model->network, .context = cx, .prediction = p, .variance = variances[k] };
        g_autoptr (SfDenoiser) denoiser = sf_denoiser_network_new (&use);
        double state, output;

        sf_prediction_weights (p, &level, NULL, &state, &output);
        g_assert_cmpint (denoiser->variance, ==, variances[k]);
        g_assert_cmpint (denoiser->predicts_v, ==, p == SF_PREDICTION_V);
        g_assert_true (sf_denoiser_predict (denoiser, y, &level, d, k > 0 ? v : NULL, NULL, NULL));
        for (gsize i = 0; i < sf_tensor_size (y); i++)
          {
            double want = state * y->data[i] + output * out->data[i / 3 * 6 + i % 3];

            g_assert_cmpfloat (fabs (d->data[i] - want), <=, 1e-5 * (1 + fabs (want)));
            g_assert_true (k == 0 || v->data[i] == out->data[i / 3 * 6 + 3 + i % 3]);
          }
      }
}

/* What an upsampler is shown: means of 4 x 4 pixels, and between their centres, 4 pixels apart, straight lines. */
static void
test_upsampler_condition (void)
{
  static const float means[2][2] = { { 1, 2 }, { 5, 11 } }, far[] = { 0, 0, 0.125f, 0.375f, 0.625f, 0.875f, 1, 1 };
  g_autoptr (SfTensor) picture = sf_tensor_new (1, 8, 8, 3, NULL), condition = sf_tensor_new_like (picture, NULL);

  for (int y = 0; y < 8; y++)
    for (int x = 0; x < 8; x++)
      for (int c = 0; c < 3; c++)
        picture->data[(y * 8 + x) * 3 + c] = (c + 1) * means[y / 4][x / 4] + ((x + y) % 2 ? 3 : -3);
  g_assert_true (sf_upsampler_condition (picture, 4, condition, NULL, NULL));
  for (int y = 0; y < 8; y++)
    for (int x = 0; x < 8; x++)
      {
        float above = means[0][0] + far[x] * (means[0][1] - means[0][0]), below = means[1][0] + far[x] * (means[1][1] - means[1][0]);

        for (int c = 0; c < 3; c++)
          g_assert_cmpfloat_with_epsilon (condition->data[(y * 8 + x) * 3 + c], (c + 1) * (above + far[y] * (below - above)), 1e-5);
      }
}

/* An upsampler of guided-diffusion sees it behind the state, which alone is multiplied by a. */
static void
test_upsampler (void)
{
  static const NetShape shape = { .in = 6, .out = 6 };
  g_autoptr (SfModel) model = NULL;
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) y = noise (2, 8, 3), d = sf_tensor_new_like (y, NULL), v = sf_tensor_new_like (y, NULL), out = NULL;
  g_autoptr (SfTensor) picture = noise (1, 8, 3), condition = sf_tensor_new_like (picture, NULL), twice = sf_tensor_new_like (y, NULL);
  const SfNoiseLevel level = sf_noise_process_level (sf_noise_process_ddpm (), 400);
  g_autoptr (SfDenoiser) denoiser = NULL;
  double state, output;

  files_write_adm ("upsampler.pt", &shape);
  files_write ("upsampler.json", "{\"format\": \"sfumato-model\", \"architecture\": {\"num_heads\": 1}}");
  model = load ("upsampler.pt");
  g_assert_true (sf_upsampler_condition (picture, 2, condition, NULL, NULL));
  for (int i = 0; i < 2; i++)
    memcpy (twice->data + i * sf_tensor_size (condition), condition->data, sf_tensor_size (condition) * sizeof (float));
  out = ask (model, y, &level, twice);
  denoiser = sf_denoiser_network_new (&(SfNetworkUse) {
      .network = model->network, .context = cx, .prediction = SF_PREDICTION_EPSILON, .variance = SF_VARIANCE_LEARNED_RANGE, .condition = condition });
  g_assert_true (sf_denoiser_predict (denoiser, y, &level, d, v, NULL, NULL));
  sf_prediction_weights (SF_PREDICTION_EPSILON, &level, NULL, &state, &output);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    {
      double want = state * y->data[i] + output * out->data[i / 3 * 6 + i % 3];

      g_assert_cmpfloat (fabs (d->data[i] - want), <=, 1e-5 * (1 + fabs (want)));
      g_assert_true (v->data[i] == out->data[i / 3 * 6 + 3 + i % 3]);
    }
}

/* At sigma 0 there is nothing to ask. */
static void
test_clean (void)
{
  static const NetShape shape = { 0 };
  g_autoptr (SfModel) model = NULL;
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) y = noise (1, 8, 3), d = sf_tensor_new_like (y, NULL);
  g_autoptr (SfDenoiser) denoiser = NULL;
  const SfNoiseLevel clean = sf_noise_level_clean ();

  files_write_unet2d ("clean/model.safetensors", &shape);
  files_write_unet2d_config ("clean/config.json", &shape);
  model = load ("clean");
  denoiser = sf_denoiser_network_new (&(SfNetworkUse) { .network = model->network, .context = cx });
  g_assert_true (sf_denoiser_predict (denoiser, y, &clean, d, NULL, NULL, NULL));
  g_assert_cmpmem (d->data, sf_tensor_size (d) * sizeof (float), y->data, sf_tensor_size (y) * sizeof (float));
}

/* Items take the classes in turn, and each class says something else. */
static void
test_classes (void)
{
  static const NetShape shape = { .classes = 5 };
  static const int both[] = { 1, 4 };
  g_autoptr (SfModel) model = NULL;
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) y = noise (2, 8, 3), d = sf_tensor_new_like (y, NULL), one = sf_tensor_new_like (y, NULL);
  const SfNoiseLevel level = sf_noise_process_level (sf_noise_process_ddpm (), 500);
  gsize half = sf_tensor_size (y) / 2;

  files_write_unet2d ("classes/model.safetensors", &shape);
  files_write_unet2d_config ("classes/config.json", &shape);
  model = load ("classes");
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (SfDenoiser) two = sf_denoiser_network_new (&(SfNetworkUse) { .network = model->network, .context = cx, .classes = both, .n_classes = 2 });
      g_autoptr (SfDenoiser) single = sf_denoiser_network_new (&(SfNetworkUse) { .network = model->network, .context = cx, .classes = both + i, .n_classes = 1 });

      g_assert_true (sf_denoiser_predict (two, y, &level, d, NULL, NULL, NULL));
      g_assert_true (sf_denoiser_predict (single, y, &level, one, NULL, NULL, NULL));
      for (gsize k = 0; k < half; k++)
        g_assert_cmpfloat_with_epsilon (one->data[i * half + k], d->data[i * half + k], 1e-5);
      g_assert_cmpint (memcmp (one->data, d->data, 2 * half * sizeof (float)), !=, 0);
    }
}

static void
test_cancelled (void)
{
  static const NetShape shape = { 0 };
  g_autoptr (SfModel) model = NULL;
  g_autoptr (SfContext) cx = sf_context_new (0), small = sf_context_new (4096);
  g_autoptr (SfTensor) y = noise (1, 8, 3), d = sf_tensor_new_like (y, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  const SfNoiseLevel level = sf_noise_process_level (sf_noise_process_ddpm (), 500);
  g_autoptr (GError) error = NULL, memory = NULL;
  g_autoptr (SfDenoiser) denoiser = NULL, starved = NULL;

  files_write_unet2d ("cancelled/model.safetensors", &shape);
  files_write_unet2d_config ("cancelled/config.json", &shape);
  model = load ("cancelled");
  denoiser = sf_denoiser_network_new (&(SfNetworkUse) { .network = model->network, .context = cx });
  starved = sf_denoiser_network_new (&(SfNetworkUse) { .network = model->network, .context = small });
  g_cancellable_cancel (cancellable);
  g_assert_false (sf_denoiser_predict (denoiser, y, &level, d, NULL, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (sf_denoiser_predict (denoiser, y, &level, d, NULL, NULL, NULL)); /* as if nothing had been */
  g_assert_false (sf_denoiser_predict (starved, y, &level, d, NULL, NULL, &memory));
  g_assert_error (memory, SF_ERROR, SF_ERROR_MEMORY);
}

int
main (int argc, char **argv)
{
  int failed;

  g_test_init (&argc, &argv, NULL);
  files_begin ();
  g_test_add_func ("/denoiser-network/predictions", test_predictions);
  g_test_add_func ("/denoiser-network/upsampler-condition", test_upsampler_condition);
  g_test_add_func ("/denoiser-network/upsampler", test_upsampler);
  g_test_add_func ("/denoiser-network/clean", test_clean);
  g_test_add_func ("/denoiser-network/classes", test_classes);
  g_test_add_func ("/denoiser-network/cancelled", test_cancelled);
  failed = g_test_run ();
  files_end ();
  return failed;
}
