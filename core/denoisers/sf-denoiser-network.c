/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-denoiser-network.h"

#include <math.h>
#include <string.h>

#include "tensor/sf-image.h"

#define RATE_SHARE 0.5 /* of the newest evaluation in the rate */

typedef struct
{
  SfDenoiser parent;
  SfNetworkUse use;
  int *classes; /* (nullable) */
} Network;

/* Brings the rate nearer to that of an evaluation, which began at @begin; the first one is all that is known. */
static void
measure (const SfNetworkUse *use, int n, gint64 begin)
{
  double newest = use->work * n / (1e-6 * (g_get_monotonic_time () - begin + 1));

  *use->rate += (*use->rate > 0 ? RATE_SHARE : 1) * (newest - *use->rate);
}

/* What a network is told of @n items at @level. */
static void
tell (const SfNoiseLevel *level, const int *classes, int n_classes, int n, double *t, int *of)
{
  for (int i = 0; i < n; i++)
    {
      t[i] = level->t;
      of[i] = n_classes > 0 ? classes[i % n_classes] : -1;
    }
}

/* a y, with the channels of @condition behind it. */
static SfTensor *
network_input (SfContext *cx, const SfTensor *y, double a, const SfTensor *condition)
{
  int more = condition != NULL ? condition->c : 0;
  SfTensor *x = sf_context_tensor (cx, y->n, y->h, y->w, y->c + more);
  gsize pixels = (gsize) y->h * y->w;

  for (gsize i = 0; x != NULL && i < y->n * pixels; i++)
    {
      float *out = x->data + i * x->c;

      for (int c = 0; c < y->c; c++)
        out[c] = (float) (a * y->data[i * y->c + c]);
      for (int c = 0; c < more; c++)
        out[y->c + c] = condition->data[(i % pixels) * more + c];
    }
  return x;
}

/* D = state y + output * first half; @variance (nullable) = second half. */
static void
read_output (const Network *self, const SfTensor *out, const SfTensor *y, const SfNoiseLevel *level, SfTensor *denoised,
             SfTensor *variance)
{
  double state, output;

  sf_prediction_weights (self->use.prediction, level, NULL, &state, &output);
  for (gsize i = 0; i < (gsize) y->n * y->h * y->w; i++)
    for (int c = 0; c < y->c; c++)
      {
        gsize k = i * y->c + c;

        denoised->data[k] = (float) (state * y->data[k] + output * out->data[i * out->c + c]);
        if (variance != NULL)
          variance->data[k] = out->data[i * out->c + y->c + c];
      }
}

static gboolean
network_predict (SfDenoiser *denoiser, const SfTensor *y, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
                 const SfProgress *progress, GError **error)
{
  Network *self = (Network *) denoiser;
  const SfNetworkUse *use = &self->use;
  g_autofree double *t = g_new (double, y->n);
  g_autofree int *classes = g_new (int, y->n);
  gint64 begin = g_get_monotonic_time ();
  SfTensor *out;

  g_return_val_if_fail (use->network->in_channels == y->c + (use->condition != NULL ? use->condition->c : 0), FALSE);

  if (level->sigma <= 0)
    {
      memcpy (denoised->data, y->data, sf_tensor_size (y) * sizeof (float));
      if (variance != NULL)
        memset (variance->data, 0, sf_tensor_size (y) * sizeof (float));
      return TRUE;
    }
  tell (level, self->classes, use->n_classes, y->n, t, classes);
  sf_context_begin (use->context, progress, use->work * y->n);
  out = sf_network_forward (use->network, use->context, network_input (use->context, y, level->a, use->condition), t,
                            use->n_classes > 0 ? classes : NULL);
  if (out != NULL)
    read_output (self, out, y, level, denoised, variance);
  if (out != NULL && use->rate != NULL)
    measure (use, y->n, begin);
  sf_tensor_unref (out);
  return sf_context_end (use->context, error);
}

static void
network_free (SfDenoiser *denoiser)
{
  Network *self = (Network *) denoiser;

  g_free (self->classes);
  g_free (self);
}

SfDenoiser *
sf_denoiser_network_new (const SfNetworkUse *use)
{
  Network *self = g_new0 (Network, 1);

  g_return_val_if_fail (use->prediction != SF_PREDICTION_PREVIOUS, NULL);

  *self = (Network) {
    .parent = {
        .predict = network_predict,
        .free = network_free,
        .variance = use->variance,
        .predicts_v = use->prediction == SF_PREDICTION_V,
    },
    .use = *use,
    .classes = g_memdup2 (use->classes, use->n_classes * sizeof (int)),
  };
  return &self->parent;
}

/*** Upsamplers ***/

gboolean
sf_upsampler_condition (const SfTensor *picture, int factor, SfTensor *condition, const SfProgress *progress, GError **error)
{
  GCancellable *cancellable = sf_progress_cancellable (progress);
  g_autoptr (SfTensor) low = sf_tensor_new (1, MAX (1, picture->h / factor), MAX (1, picture->w / factor), picture->c, error);

  if (low == NULL)
    return FALSE;
  sf_area_resize (picture->data, picture->h, picture->w, picture->c, low->data, low->h, low->w, cancellable);
  sf_bilinear_resize (low->data, low->h, low->w, low->c, condition->data, condition->h, condition->w, cancellable);
  return !sf_progress_stopped (progress, error);
}

/*** Classifiers ***/

/* Gradient of scale * log softmax (logits)[class] with respect to the logits, in place. */
static void
log_softmax_gradient (SfTensor *logits, const int *classes, double scale)
{
  for (int i = 0; i < logits->n; i++)
    {
      float *l = logits->data + (gsize) i * logits->c, most = l[0];
      double sum = 0;

      for (int c = 1; c < logits->c; c++)
        most = MAX (most, l[c]);
      for (int c = 0; c < logits->c; c++)
        sum += exp (l[c] - most);
      for (int c = 0; c < logits->c; c++)
        l[c] = (float) (scale * ((c == classes[i]) - exp (l[c] - most) / sum));
    }
}

gboolean
sf_classifier_gradient (const SfTensor *y, const SfNoiseLevel *level, SfTensor *gradient, gpointer data, const SfProgress *progress,
                        GError **error)
{
  SfClassifierUse *use = data;
  SfContext *cx = use->context;
  g_autofree double *t = g_new (double, y->n);
  g_autofree int *classes = g_new (int, y->n);
  SfTensor *x, *logits, *seed = NULL, *dx = NULL;

  tell (level, use->classes, use->n_classes, y->n, t, classes);
  sf_context_begin (cx, progress, 0);
  sf_context_start_tape (cx);
  x = network_input (cx, y, level->a, NULL);
  logits = sf_network_forward (use->network, cx, x != NULL ? sf_tensor_ref (x) : NULL, t, NULL);
  if (logits != NULL && (seed = sf_context_tensor (cx, logits->n, logits->h, logits->w, logits->c)) != NULL)
    {
      memcpy (seed->data, logits->data, sf_tensor_size (logits) * sizeof (float));
      log_softmax_gradient (seed, classes, use->scale);
      dx = sf_context_gradient (cx, logits, seed, x);
    }
  if (dx != NULL)
    memcpy (gradient->data, dx->data, sf_tensor_size (dx) * sizeof (float));
  sf_tensor_unref (dx);
  sf_tensor_unref (logits);
  sf_tensor_unref (x);
  sf_context_stop_tape (cx);
  return sf_context_end (cx, error);
}
