/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Liu et al., "Pseudo numerical methods for diffusion models on manifolds" (2022), algorithm 2: three steps of Runge and Kutta,
 * then Adams and Bashforth.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-pndm.h"

#define START 3 /* steps */

static int
runge_kutta (const SfSampling *s, int k, SfSamplerStage *stages)
{
  const SfNoiseLevel *to = &s->levels[k + 1];
  double r = sf_sampling_time (s, &s->levels[k]), t = sf_sampling_time (s, to), half = (r - t) / 2;
  SfNoiseLevel above, middle;

  /* Where the step is an odd number of timesteps the authors lead the state to the one above the middle, but give it to the
   * network as one of the timestep below.
   */
  half = r - t == round (r - t) ? floor (half) : half;
  above = sf_noise_process_level (s->process, r - half);
  middle = sf_noise_process_level (s->process, t + half);
  sf_pndm_transfer (s, k, &above, 1, (double[]) { 1 }, &stages[0]);
  stages[0].y *= above.a / middle.a;
  stages[0].d[0] *= above.a / middle.a;
  stages[0].level = middle;
  sf_pndm_transfer (s, k, &middle, 1, (double[]) { 1 }, &stages[1]);
  sf_pndm_transfer (s, k, to, 1, (double[]) { 1 }, &stages[2]);
  sf_pndm_transfer (s, k, to, 4, (double[]) { 1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6 }, &stages[3]);
  stages[3].forget = 3;
  return 4;
}

static int
pndm_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  return s->past < START && k + 1 < s->n ? runge_kutta (s, k, stages) : sf_pndm_step (s, k, stages);
}

const SfSampler sf_sampler_pndm = {
  .name = "pndm",
  .label = N_ ("PNDM"),
  .description = N_ ("PLMS with three careful first steps, which take four times as long"),
  .family = SF_FAMILY_ODE,
  .order = 2,
  .evaluations = 1,
  .extra = 3,
  .start = START,
  .output = SF_OUTPUT_NETWORK,
  .history = 6, /* four to extrapolate; while it starts, those of two steps and four of the third */
  .plan = pndm_plan,
};
