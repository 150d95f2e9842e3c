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

gboolean
sf_schedule_fill (const SfSchedule *self, const SfNoiseProcess *process, const SfScheduleOptions *options, int n,
                  SfNoiseLevel *levels, GError **error)
{
  double max = options->sigma_max, min = options->sigma_min;

  g_return_val_if_fail (n > 0 && min > 0 && max >= min, FALSE);

  for (int k = 0; k < n; k++)
    {
      /* The end points to the bit, not as rounded by a logarithm and back: a level is noised to exactly sigma_max. */
      double sigma = k == 0 ? max : k == n - 1 ? min
                                               : self->sigma ((double) k / (n - 1), max, min);

      levels[k] = sf_noise_process_level_at (process, sigma);
    }
  levels[n] = sf_noise_level_clean ();
  return TRUE;
}
