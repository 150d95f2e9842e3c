/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "sgm_uniform" of ComfyUI and stable-diffusion.cpp: the last of n + 1 levels is left out. */
#include <glib/gi18n.h>

#include "diffusion/sf-schedule.h"

const SfSchedule sf_schedule_sgm_uniform = {
  .name = "sgm-uniform",
  .label = N_ ("SGM uniform"),
  .description = N_ ("Equal steps of time with a longer last one, as Stability AI's code takes them; without a network the same as Uniform in time"),
  .family = SF_SPACING_TIMESTEPS,
  .open = TRUE,
  .even = TRUE,
  .times = sf_uniform_times,
};
