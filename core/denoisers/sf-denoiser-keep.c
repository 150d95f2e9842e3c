/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-denoiser-keep.h"

#include <string.h>

typedef struct
{
  SfDenoiser parent;
  SfDenoiser *inner;
  const SfTensor *known, *freedom;
  double *t_begin;
} Keep;

static gboolean
keep_predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
              const SfProgress *progress, GError **error)
{
  Keep *self = (Keep *) denoiser;
  double threshold;
  gsize pixels = (gsize) x->h * x->w;

  if (!sf_denoiser_predict (self->inner, x, level, denoised, variance, progress, error))
    return FALSE;
  *self->t_begin = MAX (*self->t_begin, level->t);
  threshold = *self->t_begin > 0 ? level->t / *self->t_begin : 0;
  for (gsize i = 0; i < x->n * pixels; i++)
    {
      float freedom = self->freedom->data[i % pixels];

      if (freedom <= 0 || freedom < threshold)
        memcpy (denoised->data + i * x->c, self->known->data + i * x->c, x->c * sizeof (float));
    }
  return TRUE;
}

static void
keep_free (SfDenoiser *denoiser)
{
  Keep *self = (Keep *) denoiser;

  sf_denoiser_free (self->inner);
  g_free (self);
}

SfDenoiser *
sf_denoiser_keep_new (SfDenoiser *inner, const SfTensor *known, const SfTensor *freedom, double *t_begin)
{
  Keep *self = g_new0 (Keep, 1);

  *self = (Keep) {
    .parent = { .predict = keep_predict, .free = keep_free, .variance = inner->variance, .predicts_v = inner->predicts_v },
    .inner = inner,
    .known = known,
    .freedom = freedom,
    .t_begin = t_begin,
  };
  return &self->parent;
}
