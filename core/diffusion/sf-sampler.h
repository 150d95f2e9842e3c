/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samplers: how the state is led from one noise level to the next.
 *
 * A sampler is a descriptor with one step function; the loop over the noise levels, the random numbers, progress,
 * cancel and memory are here.  One file sf-sampler-NAME.c and one line in meson.build each.
 *
 * Notation (algorithms in k-diffusion's form): y state, D denoised, s = sigma_k, t = sigma_{k+1}, d = (y - D) / s.
 */
#pragma once

#include "base/sf-rng.h"
#include "diffusion/sf-denoiser.h"

typedef struct _SfSampling SfSampling;

typedef struct
{
  const char *name;        /* "euler" */
  const char *label;       /* N_() */
  const char *description; /* N_(): one honest sentence */
  int order;               /* of accuracy of its ODE part; 0 = it has none */
  int evaluations;         /* of the denoiser per step; the step into sigma = 0 always takes one */
  gboolean uses_eta;       /* eta acts */
  gboolean stochastic;     /* injects noise (with eta > 0 where it uses eta) */
  /* From sigmas[k] to sigmas[k + 1]. */
  gboolean (*step) (SfSampling *s, int k, GError **error);
} SfSampler;

#define SF_SAMPLING_MAX_STATES 4

/* One run of a sampler.  Samplers use the members and the functions below. */
struct _SfSampling
{
  const double *sigmas; /* n + 1, decreasing, the last is 0 */
  int n;
  double eta;
  SfTensor *y;        /* the state */
  SfTensor *denoised; /* D at the last evaluation */
  SfTensor *work[SF_SAMPLING_MAX_STATES]; /* as many as the sampler asks for with sf_sampling_work() */
  /*< private >*/
  SfDenoiser *denoiser;
  SfRng rng;
  const SfProgress *progress;
  int evaluations, expected;
};

/* All of them, in the order of the list. */
const SfSampler *const *sf_samplers (int *n);
/* (nullable): the one called @name. */
const SfSampler *sf_sampler_find (const char *name);
/* Evaluations for @n steps that end at sigma = 0. */
int sf_sampler_evaluations (const SfSampler *self, int n);

/**
 * sf_sample:
 * @sigmas: (array length=n + 1): decreasing noise levels, ending with 0
 * @eta: 0…1
 * @rng: seed and first stream of the injected noise; each use takes the next stream
 * @y: (inout): in: the state at @sigmas[0]; out: the clean image
 *
 * Returns: %FALSE with @error from the denoiser, or a cancel; @y is then undefined
 */
gboolean sf_sample (const SfSampler *self, SfDenoiser *denoiser, const double *sigmas, int n, double eta, SfRng rng,
                    SfTensor *y, const SfProgress *progress, GError **error);

/* x += scale * N(0, I), the numbers of @rng.  The same bits for any number of threads. */
void sf_add_noise (SfTensor *x, double scale, SfRng rng);

/*** For samplers ***/

/* s->denoised = D(x, sigma). */
gboolean sf_sampling_predict (SfSampling *s, const SfTensor *x, double sigma, GError **error);
/* Working state @i, allocated at its first use and kept over the steps. */
SfTensor *sf_sampling_work (SfSampling *s, int i, GError **error);
/* y += scale * fresh noise; nothing is drawn for a scale of 0. */
void sf_sampling_add_noise (SfSampling *s, double scale);
/* y = a y + b D: every one-evaluation step is of this form. */
void sf_sampling_mix (SfSampling *s, double a, double b);
/* out = a x + b z, elementwise. */
void sf_combine (SfTensor *out, double a, const SfTensor *x, double b, const SfTensor *z);

/* Ancestral split of a step from @s to @t: noise to add, and the level to go down to before. */
void sf_ancestral_split (double s, double t, double eta, double *up, double *down);
