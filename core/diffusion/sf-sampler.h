/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samplers: how the state is led from one noise level to the next.
 *
 * One file sf-sampler-NAME.c and one line in meson.build each; sf-sampling.h is what a sampler is written with.
 */
#pragma once

#include "base/sf-rng.h"
#include "diffusion/sf-clip.h"
#include "diffusion/sf-denoiser.h"
#include "diffusion/sf-noise-process.h"
#include "diffusion/sf-state.h"

typedef struct _SfSampling SfSampling;
typedef struct _SfSamplerStage SfSamplerStage;
typedef struct _SfRun SfRun;

/* For lists that are read by people. */
typedef enum
{
  SF_FAMILY_COMMON,     /* the few that suit nearly everything */
  SF_FAMILY_ANCESTRAL,  /* DDPM and its kin: fresh noise at each step */
  SF_FAMILY_ODE,        /* solvers of the probability flow, by the slope */
  SF_FAMILY_EXPONENTIAL, /* solvers that integrate the linear part exactly: DPM-Solver, UniPC, DEIS */
  SF_FAMILY_SDE,        /* reverse SDE and Langevin dynamics */
  SF_FAMILY_DISTILLED,  /* for networks distilled for few steps */
  SF_FAMILY_FLOW,       /* flow matching */
  SF_N_FAMILIES,
} SfFamily;

/* "common", …; and what people read, untranslated. */
const char *sf_family_name (SfFamily self);
const char *sf_family_label (SfFamily self);

/* What a sampler's weights are for. */
typedef enum
{
  SF_OUTPUT_DENOISED, /* D, the estimate of the clean image */
  SF_OUTPUT_NOISE,    /* n = (x - D) / sigma, the noise found in the state (epsilon) */
  SF_OUTPUT_NETWORK,  /* n, or v = a n - s D where the denoiser's network predicts that */
} SfSamplerOutput;

/* Over what the spread around D is taken to be the same, where it is known for each element: Analytic-DPM. */
typedef enum
{
  SF_SPREAD_DEFAULT, /* elements where the denoiser tells it, images where it is guessed */
  SF_SPREAD_ELEMENT,
  SF_SPREAD_IMAGE,
} SfSpread;

typedef struct
{
  const char *name;        /* "euler" */
  const char *label;       /* N_() */
  const char *description; /* N_(): one honest sentence */
  SfFamily family;
  int order;               /* of accuracy of its ODE part; 0 = it has none */
  int evaluations;         /* of the denoiser per step; the step into sigma = 0 may take fewer. 0 = as many as it needs */
  int extra;               /* over that: of each of the first @start steps or, if negative, what the last one of a run saves */
  int start;
  gboolean uses_eta;       /* eta acts */
  gboolean uses_churn;     /* churn acts */
  gboolean uses_gamma;     /* the option gamma acts */
  gboolean stochastic;     /* injects noise (with eta > 0 where it uses eta) … */
  gboolean always;         /* … and with eta = 0, too */
  gboolean inverts;        /* its step is as good upwards, where it injects no noise: see the option invert */
  gboolean keeps_scale;    /* works on a x0 + s n by its own formula, so the noise process matters and not sigma alone */
  SfSamplerOutput output;
  int history;             /* outputs it uses, the newest included */
  gboolean raw_noise;      /* where D is clipped, the noise may be that of before: see SfClip */
  gboolean own_loop;       /* chooses its steps itself, between the first level and the last above 0 */

  /* The step from levels[k] to levels[k + 1]: fills @stages, which are zero, and returns how many. */
  int (*plan) (const SfSampling *s, int k, SfSamplerStage *stages);
  /* (nullable): standard deviation of the noise for each element, in sigma space, for stages with per_element. */
  gboolean (*deviation) (const SfSampling *s, int k, SfTensor *deviation, GError **error);
  /* With own_loop. */
  gboolean (*run) (SfRun *run, GError **error);
} SfSampler;

typedef enum
{
  SF_SOLVER_DEFAULT,
  SF_SOLVER_MIDPOINT, /* DPM-Solver's own form of the higher terms */
  SF_SOLVER_TAYLOR,   /* Taylor expansion ("heun" in diffusers) */
  SF_SOLVER_BH1,      /* UniPC's B(h) = h */
  SF_SOLVER_BH2,      /* UniPC's B(h) = e^h - 1 */
} SfSolver;

typedef enum
{
  SF_CORRECTOR_NONE,
  SF_CORRECTOR_LANGEVIN, /* step from the norms of score and noise (Song et al. 2021, algorithm 4) */
  SF_CORRECTOR_ANNEALED, /* step from s (annealed Langevin dynamics) */
} SfCorrectorKind;

/* Langevin steps at each level, before the sampler's own. */
typedef struct
{
  SfCorrectorKind kind;
  double snr;
  int steps;
} SfCorrector;

/* Called with the state at @level; may change it.  What editing is made of (sf-edit.h). */
typedef gboolean (*SfStateFunc) (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error);
/* Writes unit normal noise for draw number @draw of a run. */
typedef void (*SfNoiseFunc) (SfTensor *z, guint64 draw, gpointer data);
/* gradient (out): of log p (class | x) with respect to the state a y, times the guidance scale. */
typedef gboolean (*SfGradientFunc) (const SfTensor *y, const SfNoiseLevel *level, SfTensor *gradient, gpointer data,
                                    const SfProgress *progress, GError **error);

/* What a sampler with own_loop tried. */
typedef struct
{
  SfNoiseLevel level; /* where it is now: at the end of the step if that was accepted, else still at its beginning */
  double next;        /* length of the next try in log sigma */
  double error;       /* in units of the tolerance */
  gboolean accepted;
  const SfTensor *y;  /* the state there */
} SfTry;
typedef void (*SfTryFunc) (const SfTry *made, gpointer data);

/* Everything that can be chosen about a run; begin with SF_SAMPLER_OPTIONS. */
typedef struct
{
  double eta;         /* 0…1, stochasticity of samplers that have it */
  double noise_scale; /* of all injected noise; 1 = as it should be */
  double churn, churn_min, churn_max; /* Karras et al. 2022, algorithm 2: noise added per run, between these sigmas */
  int order;          /* of multistep samplers; 0 = their own */
  SfSolver solver;
  double ratio;       /* where the middle of a step is, 0…1 in log sigma; 0 = the sampler's own */
  gboolean full_order_last; /* multistep and singlestep: do not lower the order at the end */
  gboolean euler_last; /* multistep: but make the very last step one of first order */
  guint64 uncorrected; /* UniPC: bit k = the step from levels[k] is predicted only, k < 64 */
  double relative_tolerance, absolute_tolerance; /* of samplers that choose their steps; 0 = their own */
  double first_step;  /* of those, in log sigma; 0 = their own */
  double step_control[3]; /* "dpm-adaptive": weights of its controller, proportional, integral, derivative; all 0 = 0, 1, 0 */
  double accepted_step; /* likewise: a try is good that calls for a next step of at least so much of its length; 0 = 0.81 */
  gboolean noisy_end; /* SDE samplers: keep the noise of the last step */
  gboolean rises;     /* where levels rise, fresh noise leads up again (RePaint); else they must fall */
  gboolean invert;    /* rising levels are no fresh noise, but steps like others: from an image to the noise that gives it */
  int sde_steps;      /* SDE samplers, continuous processes: they step as on a grid of so many steps; 0 = by the levels */
  double time_scale;  /* "lcm": of the network's time in the weights of state and image, as it was distilled with; 0 = 10 */
  SfClip clip;        /* of D */
  SfCorrector corrector;
  const double *gamma; /* (nullable): Analytic-DPM's table, see sf_estimate_gamma() */
  SfSpread spread;
  double deviation_max; /* limit of the deviation of the noise of a x0 + s n in the last steps (Analytic-DPM); 0 = none */
  int deviation_max_steps; /* how many steps before the last have it */
  SfNoiseFunc noise;  /* (nullable): source of all noise; %NULL = the random numbers of the run */
  gpointer noise_data;
  SfStateFunc before; /* (nullable): before each evaluation */
  gpointer before_data;
  SfStateFunc state;  /* (nullable): after each stage, and each step of the corrector */
  gpointer state_data;
  SfTryFunc tried;    /* (nullable) */
  gpointer tried_data;
  SfGradientFunc gradient; /* (nullable): classifier guidance by shift of the mean; for ancestral samplers */
  gpointer gradient_data;
} SfSamplerOptions;

#define SF_SAMPLER_OPTIONS .eta = 1, .noise_scale = 1, .churn_max = G_MAXDOUBLE

/* All of them, in the order of the list. */
const SfSampler *const *sf_samplers (int *n);
/* (nullable): the one called @name. */
const SfSampler *sf_sampler_find (const char *name);
/* Evaluations for @n steps that end at sigma = 0; for samplers with own_loop an estimate. */
int sf_sampler_evaluations (const SfSampler *self, int n);

/* Whether @self can go along @levels (array length=n + 1) of @process with @options, as sf_sample() would; FALSE with %SF_ERROR_ARGUMENT
 * naming the sampler and what it cannot take. */
gboolean sf_sampler_check (const SfSampler *self, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n, const SfSamplerOptions *options,
                           GError **error);

/**
 * sf_sample:
 * @process: what the levels are of
 * @levels: (array length=n + 1): falling noise levels, or as the options rises and invert say.  The last is usually the clean one
 * @options: (nullable)
 * @rng: seed and first stream of the injected noise; each use takes the next stream
 * @y: (inout): in: the state at levels[0], in sigma space; out: that at levels[n]
 *
 * Returns: %FALSE with @error from the denoiser, a cancel, or as sf_sampler_check(); @y is then undefined
 */
gboolean sf_sample (const SfSampler *self, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels,
                    int n, const SfSamplerOptions *options, SfRng rng, SfTensor *y, const SfProgress *progress,
                    GError **error);

/* y = x0 + sigma * noise: clean images brought to @level.  The noise is draw @draw of @options (nullable) where that has a source
 * of its own, else the numbers of @rng.
 */
void sf_noisy_state (const SfTensor *x0, const SfNoiseLevel *level, const SfSamplerOptions *options, guint64 draw, SfRng rng,
                     SfTensor *y);
