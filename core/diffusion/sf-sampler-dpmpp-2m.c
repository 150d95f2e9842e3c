/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lu et al., "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models" (2022), algorithm 2:
 * second order from one evaluation per step, by remembering the last one.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-sampling.h"

/* (t / s) y - expm1(-h) D',  h = log(s / t),  D' = (1 + 1 / 2r) D_k - (1 / 2r) D_{k-1},  r = h_{k-1} / h
 * First step: D' = D_0.  Into t = 0: D_k.
 */
static int
dpmpp_2m_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma, share = 1 - to / from; /* = -expm1(-h) */
  double half_r = s->past > 0 && to > 0 ? 0.5 * log (from / to) / log (s->levels[k - 1].sigma / from) : 0; /* = 1 / 2r */

  stage->y = 1 - share;
  stage->d[0] = share * (1 + half_r);
  stage->d[1] = -share * half_r;
  return 1;
}

const SfSampler sf_sampler_dpmpp_2m = {
  .name = "dpmpp-2m",
  .label = N_ ("DPM++ 2M"),
  .description = N_ ("Uses two steps at once; precise and quick, calm results"),
  .family = SF_FAMILY_COMMON,
  .order = 2,
  .evaluations = 1,
  .history = 2,
  .stages = 1,
  .plan = dpmpp_2m_plan,
};
