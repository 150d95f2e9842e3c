/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-schedule.h"

#define SF_ITEM(name) extern const SfSchedule sf_schedule_##name;
#include "diffusion/sf-schedule-list.h"
#undef SF_ITEM

static const SfSchedule *const schedules[] = {
#define SF_ITEM(name) &sf_schedule_##name,
#include "diffusion/sf-schedule-list.h"
#undef SF_ITEM
};

const SfSchedule *const *
sf_schedules (int *n)
{
  *n = G_N_ELEMENTS (schedules);
  return schedules;
}

const SfSchedule *
sf_schedule_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (schedules); i++)
    if (g_strcmp0 (schedules[i]->name, name) == 0)
      return schedules[i];
  return NULL;
}

void
sf_schedule_fill (const SfSchedule *self, double sigma_max, double sigma_min, int n, double *sigmas)
{
  g_return_if_fail (n > 0 && sigma_min > 0 && sigma_max >= sigma_min);

  for (int k = 1; k < n - 1; k++)
    sigmas[k] = self->sigma ((double) k / (n - 1), sigma_max, sigma_min);
  /* The end points to the bit, not as rounded by a logarithm and back: a level is noised to exactly sigma_max. */
  sigmas[n - 1] = sigma_min;
  sigmas[0] = sigma_max;
  sigmas[n] = 0;
}
