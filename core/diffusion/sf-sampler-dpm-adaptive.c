/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPM-Solver-23 as k-diffusion has it. */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-dpm-solver.h"

/* A controller that is integral only, with a soft limit on the change. */
static double
soft_factor (double error, int order)
{
  return 1 + atan (pow (1 / (error + 1e-8), 1.0 / order) - 1);
}

static gboolean
dpm_adaptive_run (SfRun *run, GError **error)
{
  static const SfDpmControl control = { .accepted = 0.81, .factor = soft_factor };

  return sf_dpm_adaptive_run (run, &control, error);
}

const SfSampler sf_sampler_dpm_adaptive = {
  .name = "dpm-adaptive",
  .label = N_ ("DPM adaptive"),
  .description = N_ ("Chooses its own steps, about 15 of three evaluations; precise, the number of steps is ignored"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 3,
  .extra = 45,
  .output = SF_OUTPUT_NOISE,
  .history = 3,
  .own_loop = TRUE,
  .run = dpm_adaptive_run,
};
