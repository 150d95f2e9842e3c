/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPM-Solver++ with the step size of Lu et al. 2022, algorithm 3. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-dpm-solver.h"

static double
plain_factor (double error, int order)
{
  return 0.9 * pow (error, -1.0 / order);
}

static gboolean
dpmpp_adaptive_run (SfRun *run, GError **error)
{
  static const SfDpmControl control = { .scaled = TRUE, .accepted = 0.9, .factor = plain_factor };

  return sf_dpm_adaptive_run (run, &control, error);
}

const SfSampler sf_sampler_dpmpp_adaptive = {
  .name = "dpmpp-adaptive",
  .label = N_ ("DPM++ adaptive"),
  .description = N_ ("Like DPM adaptive, from the image instead of the noise; careful, the number of steps is ignored"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 3,
  .extra = 45,
  .history = 3,
  .own_loop = TRUE,
  .run = dpmpp_adaptive_run,
};
