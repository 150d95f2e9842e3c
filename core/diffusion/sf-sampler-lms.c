/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear multistep (Adams and Bashforth): the polynomial through the last slopes, integrated over sigma. */
#include <glib/gi18n.h>

#include "diffusion/sf-quadrature.h"

/* Into 0 the slope has no meaning and the step is straight, though the reference's polynomial just goes on. */
static int
order_of (const SfSampling *s, int k)
{
  int most = sf_sampling_highest_order (s);

  return s->options->full_order_last ? MIN (most, s->past + 1) : sf_sampling_order_within (s, k, most, s->past);
}

/* y + sum of (integral from s to t of L_j) n_j,  L_j the polynomial that is 1 at the level of n_j and 0 at the others' */
static int
lms_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  int order = order_of (s, k);
  double h = s->levels[k + 1].sigma - s->levels[k].sigma, node[SF_MAX_HISTORY], moment[SF_MAX_HISTORY], power = 1;

  for (int j = 0; j < order; j++)
    {
      node[j] = s->levels[k - j].sigma - s->levels[k].sigma;
      power *= h;
      moment[j] = power / (j + 1);
    }
  stage->y = 1;
  sf_quadrature (node, order, moment, stage->d);
  return 1;
}

const SfSampler sf_sampler_lms = {
  .name = "lms",
  .label = N_ ("LMS"),
  .description = N_ ("Remembers four slopes; smooth and quick, wants 20 steps or more"),
  .family = SF_FAMILY_ODE,
  .order = 2,
  .evaluations = 1,
  .output = SF_OUTPUT_NOISE,
  .history = 4,
  .plan = lms_plan,
};
