/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lu et al., "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models" (2022), algorithm 2:
 * second order from one evaluation per step, by remembering the last one.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-sampler.h"

/* (t / s) y - expm1(-h) D',  h = log(s / t),  D' = (1 + 1 / 2r) D_k - (1 / 2r) D_{k-1},  r = h_{k-1} / h
 * First step: D' = D_0.  Into t = 0: D_k.
 */
static gboolean
dpmpp_2m_step (SfSampling *s, int k, GError **error)
{
  double from = s->sigmas[k], to = s->sigmas[k + 1], share = 1 - to / from; /* = -expm1(-h) */
  SfTensor *older = sf_sampling_work (s, 0, error);

  if (older == NULL || !sf_sampling_predict (s, s->y, from, error))
    return FALSE;
  if (k == 0 || to == 0)
    sf_sampling_mix (s, 1 - share, share);
  else
    {
      double half_r = 0.5 * log (from / to) / log (s->sigmas[k - 1] / from); /* = 1 / 2r */

      sf_sampling_mix (s, 1 - share, share * (1 + half_r));
      sf_combine (s->y, 1, s->y, -share * half_r, older);
    }
  s->work[0] = s->denoised;
  s->denoised = older;
  return TRUE;
}

const SfSampler sf_sampler_dpmpp_2m = {
  .name = "dpmpp-2m",
  .label = N_ ("DPM++ 2M"),
  .description = N_ ("Uses two steps at once; precise and quick, calm results"),
  .order = 2,
  .evaluations = 1,
  .step = dpmpp_2m_step,
};
