/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise processes: how an image turns into noise over time, x_t = a(t) x0 + s(t) n.
 *
 * All that differs between DDPM, the VP, sub-VP and VE SDEs and flow matching is a(t), s(t), and what a network is told of
 * t.  Samplers work on y = x / a = x0 + sigma n with sigma = s / a ("sigma space"), where all of them are the same.
 *
 * Discrete processes have T levels, t = 0 … T - 1; t = 0 is one step of noise.  Between them t may be fractional.
 */
#pragma once

#include <glib.h>

/* A point of a noise process. */
typedef struct
{
  double t;     /* time as a network is told it: its label */
  double sigma; /* s / a, noise in units of the signal; 0 = clean */
  double a;     /* scale of the signal; s = sigma a */
} SfNoiseLevel;

/* How levels between those of a discrete process are found. */
typedef enum
{
  SF_INTERPOLATE_LOG_SIGMA, /* log sigma linear in t (k-diffusion) */
  SF_INTERPOLATE_SIGMA,     /* sigma linear in t, its inverse by log sigma (diffusers) */
  SF_INTERPOLATE_LOG_ALPHA, /* log a linear in t (DPM-Solver) */
} SfInterpolation;

/* A continuous process: functions of t in [t_min, t_max] with two parameters. */
typedef struct
{
  const char *name;        /* "vp" */
  const char *label;       /* N_() */
  const char *description; /* N_() */
  const char *parameters[2];
  double defaults[2];
  double t_min, t_max;
  double label_scale;      /* a network is told label_scale * t; 0: it is told sigma */
  gboolean sigma_is_noise; /* "sigma" in the field's schedules is s, not s / a */
  double (*signal) (const double *p, double t);    /* a */
  double (*noise) (const double *p, double t);     /* s */
  double (*drift) (const double *p, double t);     /* f of dx = f x dt + g dw */
  double (*diffusion) (const double *p, double t); /* g */
  double (*time) (const double *p, double sigma);  /* t where s / a is sigma */
} SfNoiseKind;

/* Read-only, reference counted. */
typedef struct
{
  /* Continuous */
  const SfNoiseKind *kind; /* %NULL = discrete */
  double p[2];
  /* Discrete: arrays of n */
  int n;
  double *beta;
  double *alpha_bar;
  double *log_alpha_bar;
  double *log_sigma; /* ascending; of zero terminal SNR the last one belongs to SF_NOISE_SIGMA_MAX */
  double *label;     /* (nullable) what a network is told at each; %NULL = t */
  double label_scale; /* factor on the label; of a continuous process 0 = sigma is the label */
  SfInterpolation interpolation;
} SfNoiseProcess;

/* sigma of zero terminal SNR, where alpha_bar is 0: large enough to be pure noise to the last digit. */
#define SF_NOISE_SIGMA_PURE 1e12
/* What samplers that space their steps by sigma take for it. */
#define SF_NOISE_ALPHA_BAR_MIN 0x1p-24
#define SF_NOISE_SIGMA_MAX 4096.0

/**
 * sf_noise_process_new:
 * @beta: (array length=n): variances of the forward steps, in (0, 1); the last may be 1 (zero terminal SNR)
 *
 * Returns: (transfer full) (nullable): a discrete process; %NULL with %SF_ERROR_ARGUMENT naming the entry that is wrong
 */
SfNoiseProcess *sf_noise_process_new (const double *beta, int n, GError **error);

/* (transfer full): the continuous process @kind with parameters @p. */
SfNoiseProcess *sf_noise_process_new_continuous (const SfNoiseKind *kind, const double p[2], GError **error);
/* All kinds of continuous process; (nullable): the one called @name. */
const SfNoiseKind *sf_noise_kinds (int *n);
const SfNoiseKind *sf_noise_kind_find (const char *name);

/**
 * sf_noise_process_respace:
 * @keep: (array length=n): ascending indices into @self, each once
 *
 * Returns: (transfer full) (nullable): the chain of those levels alone, with the labels of @self (Nichol & Dhariwal 2021)
 */
SfNoiseProcess *sf_noise_process_respace (const SfNoiseProcess *self, const int *keep, int n, GError **error);

SfNoiseProcess *sf_noise_process_ref (const SfNoiseProcess *self);
void sf_noise_process_unref (SfNoiseProcess *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfNoiseProcess, sf_noise_process_unref)

/* The clean image: sigma = 0. */
SfNoiseLevel sf_noise_level_clean (void);
/* The level at time @t: a possibly fractional index of a discrete process, t of a continuous one. */
SfNoiseLevel sf_noise_process_level (const SfNoiseProcess *self, double t);
/* The level at @sigma >= 0.  Outside of the table the slope of its ends goes on, but the label stays within. */
SfNoiseLevel sf_noise_process_level_at (const SfNoiseProcess *self, double sigma);

/**
 * sf_noise_process_sigma:
 * @t: may be fractional.  Before the first and after the last entry the slope of the end goes on, so that the function is
 *     strictly increasing and sf_noise_process_t() is its inverse.
 */
double sf_noise_process_sigma (const SfNoiseProcess *self, double t);
/* The fractional t of @sigma > 0. */
double sf_noise_process_t (const SfNoiseProcess *self, double sigma);
