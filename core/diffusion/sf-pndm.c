/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-pndm.h"

#define MAX_ORDER 4

/* y + (t - s) n;  from v: n = a v + s a y, with y the state that is led and not that of the evaluation, as in diffusers */
void
sf_pndm_transfer (const SfSampling *s, int k, const SfNoiseLevel *to, int n, const double *w, SfSamplerStage *stage)
{
  const SfNoiseLevel *from = &s->levels[k];
  double h = to->sigma - from->sigma, a = s->predicts_v ? from->a : 1;

  stage->y = s->predicts_v ? 1 + h * from->sigma * a * a : 1;
  for (int j = 0; j < n; j++)
    stage->d[j] = h * a * w[j];
  stage->level = *to;
}

int
sf_pndm_step (const SfSampling *s, int k, SfSamplerStage *stage)
{
  static const double w[MAX_ORDER][MAX_ORDER] = {
    { 1 },
    { 3.0 / 2, -1.0 / 2 },
    { 23.0 / 12, -16.0 / 12, 5.0 / 12 },
    { 55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24 },
  };
  int most = s->options->order > 0 ? MIN (s->options->order, MAX_ORDER) : MAX_ORDER, order = MIN (s->past + 1, most);

  if (s->levels[k + 1].sigma == 0 && !s->options->full_order_last)
    order = 1; /* D itself is the best that is known of the clean image */
  sf_pndm_transfer (s, k, &s->levels[k + 1], order, w[order - 1], stage);
  return 1;
}
