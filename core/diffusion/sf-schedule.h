/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schedules: how n noise levels are spaced between sigma_max and sigma_min.
 *
 * One file sf-schedule-NAME.c and one line in meson.build each.
 */
#pragma once

#include <glib.h>

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

/**
 * sf_schedule_fill:
 * @sigmas: (out) (array length=n + 1): @n levels from @sigma_max down to @sigma_min, then 0
 *
 * One step has only sigma_max.
 */
void sf_schedule_fill (const SfSchedule *self, double sigma_max, double sigma_min, int n, double *sigmas);
