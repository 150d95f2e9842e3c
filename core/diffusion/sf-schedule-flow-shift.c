/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Esser et al., "Scaling rectified flow transformers" (2024): equal steps of time, shifted towards noise. */
#include <glib/gi18n.h>

#include "diffusion/sf-schedule.h"

const SfSchedule sf_schedule_flow_shift = {
  .name = "flow-shift",
  .label = N_ ("Shifted flow"),
  .description = N_ ("Equal steps of time moved towards strong noise; for flow matching and large images"),
  .family = SF_SPACING_FLOW,
  .shift = 3,
  .times = sf_uniform_times,
};
