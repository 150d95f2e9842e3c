/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/sf-ema.h"

#include <math.h>

double
sf_ema_decay (const SfEma *self, int update)
{
  double k = update - self->delay - 1;

  if (self->warm_up == SF_EMA_CONSTANT)
    return self->decay;
  if (k <= 0)
    return 0;
  return CLAMP (self->warm_up == SF_EMA_POWER ? 1 - pow (1 + k / self->inv_gamma, -self->power) : (1 + k) / (10 + k),
                self->min_decay, self->decay);
}

/* As a difference: the two weights in float32 would not add up to 1, and the average would drift. */
void
sf_ema_update (SfTensor *average, const SfTensor *x, double decay)
{
  g_return_if_fail (sf_tensor_same_shape (average, x));

  for (gsize i = 0; i < sf_tensor_size (x); i++)
    average->data[i] = (SfReal) (average->data[i] + (1 - decay) * ((double) x->data[i] - average->data[i]));
}
