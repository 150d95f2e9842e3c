/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schedules: how n noise levels are spaced between sigma_max and sigma_min.
 *
 * One file sf-schedule-NAME.c and one line in meson.build each.
 */
#pragma once

#include "diffusion/sf-noise-process.h"

typedef struct
{
  const char *name;        /* "karras" */
  const char *label;       /* N_() */
  const char *description; /* N_(): one honest sentence */
  /* The level at @u in [0, 1]: sigma_max at 0, sigma_min at 1, strictly decreasing. */
  double (*sigma) (double u, double sigma_max, double sigma_min);
} SfSchedule;

/* All of them, in the order of the list. */
const SfSchedule *const *sf_schedules (int *n);
/* (nullable): the one called @name. */
const SfSchedule *sf_schedule_find (const char *name);

/* What can be chosen about a spacing. */
typedef struct
{
  double sigma_max, sigma_min; /* the ends; 0 = those of the process */
} SfScheduleOptions;

/**
 * sf_schedule_fill:
 * @options: (nullable)
 * @levels: (out) (array length=n + 1): @n levels from sigma_max down to sigma_min, then the clean one
 *
 * One step has only sigma_max.
 *
 * Returns: %FALSE with %SF_ERROR_ARGUMENT naming the schedule and what it cannot take
 */
gboolean sf_schedule_fill (const SfSchedule *self, const SfNoiseProcess *process, const SfScheduleOptions *options, int n,
                           SfNoiseLevel *levels, GError **error);
