/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variances beta of the forward steps of discrete processes, by the names that the field gives them. */
#pragma once

#include "diffusion/sf-noise-process.h"

typedef struct
{
  const char *name;          /* "cosine" */
  const char *label;         /* N_() */
  const char *description;   /* N_(): one honest sentence */
  const char *parameters[2]; /* what start and end are called; %NULL = it has none */
  double start, end;         /* their usual values */
  gboolean pure_end;         /* the last beta is 1: zero terminal SNR */
  double (*beta) (int t, int n, double start, double end);
} SfBetas;

/* All of them; (nullable): the one called @name. */
const SfBetas *sf_betas (int *n);
const SfBetas *sf_betas_find (const char *name);

/**
 * sf_betas_fill:
 * @n: number of timesteps T
 * @start: @end: parameters; 0 = the usual ones
 * @beta: (out) (array length=n): in (0, 1)
 *
 * Returns: %FALSE with %SF_ERROR_ARGUMENT naming @self and the value that is wrong
 */
gboolean sf_betas_fill (const SfBetas *self, int n, double start, double end, double *beta, GError **error);

/**
 * sf_betas_rescale_zero_snr:
 * @beta: (inout) (array length=n)
 * @terminal: alpha_bar of the last timestep: 0, or SF_NOISE_ALPHA_BAR_MIN for samplers that space their steps by sigma
 *
 * Scales and shifts sqrt (alpha_bar) so that the last level is pure noise (Lin et al. 2024, algorithm 1).
 */
void sf_betas_rescale_zero_snr (double *beta, int n, double terminal);

/* (transfer full) (nullable): the process of the betas called @name; see sf_betas_fill(). */
SfNoiseProcess *sf_noise_process_new_named (const char *name, int n, double start, double end, GError **error);
/* (transfer none): the process of Ho et al. 2020, T = 1000, betas linear from 1e-4 to 0.02.  Computed once. */
const SfNoiseProcess *sf_noise_process_ddpm (void);
