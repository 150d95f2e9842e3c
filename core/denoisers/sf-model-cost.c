/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-model-cost.h"

#include "arch/sf-network.h"

/* Before anything was measured.  Networks reach 0.6 to 1.6 of the rate of one convolution, the larger ones more.  Weights are read at about
 * 1.2 GB/s where the file was read before; packed ones are made at 0.4 to 4 GB/s, of which most goes into fresh pages of memory. */
#define SHARE 0.8
#define READ_RATE 1e9
#define PACK_RATE 1e9

/* A classifier leads by its gradient, for which the tape keeps nearly all. */
static void
rehearse (const SfModel *self, SfContext *cx, int height, int width)
{
  const gboolean leads = self->kind == SF_MODEL_CLASSIFIER;
  const double t = 0;
  const int class = 0;
  SfTensor *x = sf_context_tensor (cx, 1, height, width, self->in_channels), *y;

  if (leads)
    sf_context_start_tape (cx);
  y = sf_network_forward (self->network, cx, sf_tensor_ref (x), &t, self->n_classes > 0 && !leads ? &class : NULL);
  if (leads && y != NULL)
    sf_tensor_unref (sf_context_gradient (cx, y, sf_context_tensor (cx, y->n, y->h, y->w, y->c), x));
  sf_tensor_unref (y);
  sf_tensor_unref (x);
  sf_context_stop_tape (cx);
}

gboolean
sf_model_measure (const SfModel *self, int height, int width, SfModelCost *cost, GError **error)
{
  g_autoptr (SfContext) cx = sf_context_new_dry ();
  const SfWeights *weights = self->network->weights;

  *cost = (SfModelCost) { .packed = self->network->packed };
  for (int i = 0; i < sf_weights_get_n (weights); i++)
    {
      const SfArray *array = sf_weights_get (weights, sf_weights_get_name (weights, i));

      cost->weights += array->n * sf_dtype_size (array->dtype);
    }
  if (!sf_network_check_size (self->network, height, width, error))
    return FALSE;
  sf_context_begin (cx, NULL, 0);
  rehearse (self, cx, height, width);
  cost->activations = sf_arena_get_peak (sf_context_get_arena (cx));
  cost->work = sf_context_get_work (cx);
  return sf_context_end (cx, error);
}

double
sf_model_predict_seconds (const SfModel *self, const SfModelCost *cost, double work, double speed)
{
  double seconds = 0, rate = self->rate > 0 ? self->rate : SHARE * speed;

  if (rate <= 0)
    return 0;
  if (!g_atomic_int_get (&self->sound)) /* read at the beginning of its first run, and packed in the course of it */
    seconds = cost->weights / READ_RATE + cost->packed / PACK_RATE;
  return seconds + work / rate;
}
