/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equal steps of time: of the process, not necessarily whole. */
#include <glib/gi18n.h>

#include "diffusion/sf-schedule.h"

const SfSchedule sf_schedule_uniform = {
  .name = "uniform",
  .label = N_ ("Uniform in time"),
  .description = N_ ("Equal steps of the time in which networks are usually trained"),
  .family = SF_SPACING_COMMON,
  .times = sf_uniform_times,
};
