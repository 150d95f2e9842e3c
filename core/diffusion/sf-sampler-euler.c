/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A straight line from level to level.  DPM-Solver-1, DDIM with eta = 0 and, as straight lines in the time of flow matching are
 * straight in sigma too, flow Euler are the same step.
 */
#include <glib/gi18n.h>

#include "diffusion/sf-slope.h"

const SfSampler sf_sampler_euler = {
  .name = "euler",
  .label = N_ ("Euler"),
  .description = N_ ("The plain step; soft, calm results that depend on the seed only through the start"),
  .family = SF_FAMILY_COMMON,
  .order = 1,
  .evaluations = 1,
  .inverts = TRUE,
  .uses_churn = TRUE,
  .history = 1,
  .plan = sf_straight_plan,
};
