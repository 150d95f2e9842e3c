/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samplers on trial: on the mixture of sf-mixture.h, where the right answer is known, how far is each from it after how many
 * evaluations, and by which ways does it go?
 */
#pragma once

#include "diffusion/sf-sampler.h"

typedef struct
{
  int evaluations;        /* that were really made */
  double error;           /* root mean square distance */
  double floor;           /* the error of ideal draws: that of so few points */
  gboolean of_distribution; /* from ideal draws, as fresh noise leads each point elsewhere; else from where the flow leads each point */
} SfTrial;

/* The schedule, from SF_TRIAL_SIGMA_MAX down: that of Karras et al. */
#define SF_TRIAL_SIGMA_MAX 8.0
#define SF_TRIAL_SIGMA_MIN 0.02

/* Where all samplers are tried: the same points, and what is right for them. */
typedef struct _SfTrialGround SfTrialGround;

SfTrialGround *sf_trial_ground_new (int points, GError **error);
void sf_trial_ground_free (SfTrialGround *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfTrialGround, sf_trial_ground_free)

/**
 * sf_sampler_try:
 * @steps: > 0
 *
 * Returns: %FALSE with @error where the sampler cannot take so many steps
 */
gboolean sf_sampler_try (const SfSampler *self, int steps, const SfTrialGround *ground, SfTrial *trial, GError **error);

/* Called for each state of a run on the way, with the points in it. */
typedef void (*SfPathFunc) (const SfTensor *points, double sigma, gpointer data);

/* Follows @points points from noise to the end. */
gboolean sf_sampler_follow (const SfSampler *self, int steps, int points, SfPathFunc func, gpointer data, GError **error);
