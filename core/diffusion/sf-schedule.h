/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schedules: how n noise levels are spaced between sigma_max and sigma_min.
 *
 * One file sf-schedule-NAME.c and one line in meson.build each.  A row spaces either sigma itself or the time of the noise
 * process; sf_schedule_fill() does all else: the ends, the shift, labels and the last level.
 */
#pragma once

#include "diffusion/sf-noise-process.h"

/* For lists that are read by people. */
typedef enum
{
  SF_SPACING_COMMON,    /* the few that suit nearly everything */
  SF_SPACING_SIGMAS,    /* by sigma */
  SF_SPACING_TIMESTEPS, /* by the timesteps that networks are trained with */
  SF_SPACING_FLOW,      /* flow matching */
  SF_SPACING_DISTILLED, /* for networks distilled for few steps */
  SF_N_SPACINGS,
} SfSpacingFamily;

/* N_(): what people read for @self. */
const char *sf_spacing_family_label (SfSpacingFamily self);

/* A network is told the time of its level as it is, or as a whole number. */
typedef enum
{
  SF_LABEL_EXACT,
  SF_LABEL_NEAREST, /* half to even */
  SF_LABEL_TRUNCATED,
} SfLabelRounding;

/* What can be chosen about a spacing; 0 = what is usual. */
typedef struct
{
  double sigma_max, sigma_min; /* the ends; 0 = those of the row or the process */
  double sigma_final;          /* where the last step ends; 0 = the clean image */
  SfLabelRounding rounding;
  gboolean open;               /* one level more, of which the last, sigma_min, is left out */
  double rho;                  /* exponent of rows that have one */
  /* Rows that space time: */
  double shift;    /* k: time u in (0, 1] becomes k u / (1 + (k - 1) u); > 1 stays longer in strong noise.  The static shift of
                 * flow matching; the dynamic one is k = e^mu, or mu itself */
  double terminal; /* u of the last level, to which all are stretched from pure noise at u = 1 */
  int timesteps;   /* how many of the process are used, from the first */
  gboolean repeats; /* keep timesteps that come twice; a step between them does nothing */
  /* Single rows: */
  int stride;          /* leading: distance of timesteps */
  int offset;          /* leading: added to timesteps; strided: number of the first */
  int original;        /* lcm: how many timesteps the network was distilled for; 50 */
  double strength;     /* lcm: which part of them is used; 1 */
  const double *gamma; /* optimal (nullable): E[n^2] of a network by index of the process (Bao et al. 2022) */
} SfScheduleOptions;

/* What a row knows when it chooses timesteps. */
typedef struct
{
  const SfNoiseProcess *process;
  const SfScheduleOptions *options;
  const char *name; /* of the row */
  int n;            /* how many are wanted, at least 1 */
  int intervals;    /* between the ends of the range: n - 1, or n if the last level is left out */
  int total;        /* timesteps of the process */
  int last;         /* how many of them are used */
  gboolean fractional; /* ends are given, between which the timesteps will be spread: rounding would only make some equal */
  double rho;
} SfSpacing;

typedef struct
{
  const char *name;        /* "karras" */
  const char *label;       /* N_() */
  const char *description; /* N_(): one honest sentence */
  SfSpacingFamily family;
  double rho, shift;            /* usual values */
  double sigma_max, sigma_min;  /* its own ends; 0 = those of the process */
  gboolean open;                /* as the option, where no ends are given */
  gboolean whole;              /* takes whole timesteps, so no more steps than there are */
  gboolean even;               /* equal steps but for how timesteps are rounded: between given ends the same as "uniform" */
  gboolean needs_gamma;        /* the option gamma must be given */
  /* One of these: */
  /* The level at @u in [0, 1]: sigma_max at 0, sigma_min at 1, strictly decreasing. */
  double (*sigma) (double u, double sigma_max, double sigma_min, double rho);
  /* t (out): timesteps in [0, last - 1], falling, perhaps fractional; returns how many, or 0 with @error. */
  int (*times) (const SfSpacing *s, double *t, GError **error);
} SfSchedule;

/* All of them, in the order of the list. */
const SfSchedule *const *sf_schedules (int *n);
/* (nullable): the one called @name. */
const SfSchedule *sf_schedule_find (const char *name);

/**
 * sf_schedule_fill:
 * @options: (nullable)
 * @levels: (out) (array length=n + 1): levels from sigma_max down to sigma_min, then the clean one
 *
 * One step has only sigma_max.  Sigma is spaced as the field calls it: s / a, but s for flow matching.  Continuous processes
 * count as 1000 timesteps.
 *
 * Returns: the number of steps: @n, or, where no ends are given, fewer if timesteps would come twice; 0 with %SF_ERROR_ARGUMENT naming the schedule
 *     and what it cannot take
 */
int sf_schedule_fill (const SfSchedule *self, const SfNoiseProcess *process, const SfScheduleOptions *options, int n,
                      SfNoiseLevel *levels, GError **error);

/* The shift of time @u in (0, 1] that the option describes; its inverse is the shift of 1 / @k. */
double sf_time_shift (double u, double k);

/*** For rows ***/

/* Point @i of @n + 1 equal steps from @a to @b; @b if there are none. */
double sf_linspace (double a, double b, int i, int n);
/* Of SfSchedule.times: equal steps of time. */
int sf_uniform_times (const SfSpacing *s, double *t, GError **error);
/* Of SfSchedule.sigma: @table of eleven sigmas by equal steps, log sigma linear between them, spread over the range. */
double sf_table_sigma (const double table[11], double u, double sigma_max, double sigma_min);
/* Where the symmetric beta distribution of parameter @a reaches probability @p. */
double sf_beta_quantile (double p, double a);
