/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-schedule.h"

#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-error.h"

/* What continuous processes count as. */
#define TIMESTEPS 1000

#define SF_ITEM(name) extern const SfSchedule sf_schedule_##name;
#include "diffusion/sf-schedule-list.h"
#undef SF_ITEM

static const SfSchedule *const schedules[] = {
#define SF_ITEM(name) &sf_schedule_##name,
#include "diffusion/sf-schedule-list.h"
#undef SF_ITEM
};

const char *
sf_spacing_family_label (SfSpacingFamily self)
{
  static const char *const labels[SF_N_SPACINGS] = { N_ ("Common"), N_ ("By noise"), N_ ("By timesteps of the network"), N_ ("Flow matching"),
                                                     N_ ("For networks distilled for few steps") };

  return labels[self];
}

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

/* The time that stands for timestep 0 or the last one. */
static double
time_end (const SfNoiseProcess *process, int total, gboolean last)
{
  if (process->kind != NULL)
    return last ? process->kind->t_max : process->kind->t_min;
  return last ? total - 1 : 0;
}

/*** Rows that space sigma ***/

static void
fill_sigmas (const SfSchedule *self, const SfSpacing *s, SfNoiseLevel *levels)
{
  const SfNoiseProcess *process = s->process;
  gboolean by_noise = process->kind != NULL && process->kind->sigma_is_noise;
  double ends[2] = { s->options->sigma_max, s->options->sigma_min }, own[2] = { self->sigma_max, self->sigma_min };

  for (int i = 0; i < 2; i++)
    {
      double sigma = ends[i] != 0 ? ends[i] : own[i], t = time_end (process, s->total, i == 0);

      if (sigma != 0)
        ends[i] = by_noise ? sf_noise_process_t (process, sigma) : sigma;
      else /* of a table as it is, so that zero terminal SNR counts as SF_NOISE_SIGMA_MAX */
        ends[i] = by_noise ? t : process->kind != NULL ? sf_noise_process_sigma (process, t)
                                                       : exp (process->log_sigma[(int) t]);
    }
  for (int k = 0; k < s->n; k++)
    {
      /* the low end to the bit: a last step may go to just there */
      double v = k == 0 || k < s->intervals ? self->sigma ((double) k / MAX (s->intervals, 1), ends[0], ends[1], s->rho) : ends[1];

      levels[k] = by_noise ? sf_noise_process_level (process, v) : sf_noise_process_level_at (process, v);
    }
}

/*** Rows that space time ***/

double
sf_time_shift (double u, double k)
{
  return k == 1 ? u : k * u / (1 + (k - 1) * u);
}

/* Time as a part of all: (t + 1) / T of discrete processes. */
static double
part_of (const SfNoiseProcess *process, int total, double t)
{
  return process->kind != NULL ? t / process->kind->t_max : (t + 1) / total;
}

static double
time_of (const SfNoiseProcess *process, int total, double part)
{
  return process->kind != NULL ? part * process->kind->t_max : part * total - 1;
}

static double
shift_time (const SfSpacing *s, double t, double k)
{
  return k == 1 ? t : time_of (s->process, s->total, sf_time_shift (part_of (s->process, s->total, t), k));
}

static int
drop_repeats (double *t, int n)
{
  int kept = 0;

  for (int k = 0; k < n; k++)
    if (kept == 0 || t[k] < t[kept - 1])
      t[kept++] = t[k];
  return kept;
}

/* The timesteps of the row, then spread so that their ends, after the shift, are those asked for. */
static int
fill_times (const SfSchedule *self, const SfSpacing *s, SfNoiseLevel *levels, GError **error)
{
  g_autofree double *t = g_new (double, s->n);
  const SfScheduleOptions *o = s->options;
  double shift = o->shift != 0 ? o->shift : self->shift != 0 ? self->shift
                                                             : 1;
  double first = time_end (s->process, s->total, FALSE), scale = 1, end, high, low;
  int n = (s->fractional && self->even ? sf_uniform_times : self->times) (s, t, error);

  if (n > 0 && self->whole && !s->fractional && t[0] > s->total - 1)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Schedule “%s” of %d steps begins at timestep %g, but the last one is %d"),
                   self->name, s->n, t[0], s->total - 1);
      return 0;
    }
  if (!o->repeats)
    n = drop_repeats (t, n);
  if (n == 0)
    return 0;
  end = s->intervals < s->n ? t[n - 1] : 0; /* an open end is the first timestep */
  if (s->process->kind != NULL)
    scale = (time_end (s->process, s->total, TRUE) - first) / (s->total - 1);
  high = o->sigma_max != 0 ? shift_time (s, sf_noise_process_t (s->process, o->sigma_max), 1 / shift) : first + scale * t[0];
  low = o->sigma_min != 0 ? shift_time (s, sf_noise_process_t (s->process, o->sigma_min), 1 / shift) : first + scale * end;
  if (s->fractional)
    {
      scale = t[0] > end ? (high - low) / (t[0] - end) : 1;
      first = high - scale * t[0];
    }
  for (int k = 0; k < n; k++)
    t[k] = shift_time (s, first + scale * t[k], shift);
  if (o->terminal != 0)
    {
      double stretch = (1 - o->terminal) / (1 - part_of (s->process, s->total, t[n - 1]));

      for (int k = 0; k < n; k++)
        t[k] = time_of (s->process, s->total, 1 - stretch * (1 - part_of (s->process, s->total, t[k])));
    }
  for (int k = 0; k < n; k++)
    levels[k] = sf_noise_process_level (s->process, t[k]);
  return n;
}

/*** All ***/

static double
rounded (double label, SfLabelRounding rounding)
{
  return rounding == SF_LABEL_NEAREST ? rint (label) : rounding == SF_LABEL_TRUNCATED ? trunc (label)
                                                                                      : label;
}

/* Whatever the parameters were: sigma falls, and is a number.  The last level may repeat the one before it. */
static gboolean
check_falls (const SfSchedule *self, const SfScheduleOptions *o, const SfNoiseLevel *levels, int n, GError **error)
{
  gboolean may_stay = o->repeats || (o->sigma_max != 0 && o->sigma_max == o->sigma_min);

  for (int k = 0; k <= n; k++)
    {
      double last = k > 0 ? levels[k - 1].sigma : G_MAXDOUBLE;

      if (levels[k].sigma < last || (levels[k].sigma == last && (may_stay || k == n)))
        continue;
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Schedule “%s” of %d steps: the noise must fall, but level %d has %g after %g; look at its range and parameters"),
                   self->name, n, k, levels[k].sigma, last);
      return FALSE;
    }
  return TRUE;
}

int
sf_schedule_fill (const SfSchedule *self, const SfNoiseProcess *process, const SfScheduleOptions *options, int n,
                  SfNoiseLevel *levels, GError **error)
{
  static const SfScheduleOptions usual;
  const SfScheduleOptions *o = options != NULL ? options : &usual;
  int total = process->kind != NULL ? TIMESTEPS : process->n, made = n;
  gboolean open = o->open || (self->open && o->sigma_max == 0 && o->sigma_min == 0);
  SfSpacing s = {
    .process = process,
    .options = o,
    .name = self->name,
    .n = n,
    .intervals = open ? n : n - 1,
    .total = total,
    .last = o->timesteps > 0 ? MIN (o->timesteps, total) : total,
    .fractional = o->sigma_max != 0 || o->sigma_min != 0,
    .rho = o->rho != 0 ? o->rho : self->rho,
  };

  g_return_val_if_fail (n > 0, 0);

  if (self->whole && n > s.last)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Schedule “%s” takes whole timesteps: %d steps are more than the %d that there are"),
                   self->name, n, s.last);
      return 0;
    }
  if (self->sigma != NULL)
    fill_sigmas (self, &s, levels);
  else if ((made = fill_times (self, &s, levels, error)) == 0)
    return 0;
  /* The end points to the bit, not as rounded by a logarithm and back: a level is noised to exactly sigma_max. */
  if (o->sigma_max != 0 && o->terminal == 0)
    levels[0] = sf_noise_process_level_at (process, o->sigma_max);
  if (o->sigma_min != 0 && made > 1 && !open && o->terminal == 0)
    levels[made - 1] = sf_noise_process_level_at (process, o->sigma_min);
  for (int k = 0; k < made; k++)
    levels[k].t = rounded (levels[k].t, o->rounding);
  levels[made] = sf_noise_process_level_at (process, o->sigma_final);
  return check_falls (self, o, levels, made, error) ? made : 0;
}
