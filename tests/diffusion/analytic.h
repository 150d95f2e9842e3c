/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoisers whose D(x, sigma), and whose results, are known in closed form. */
#pragma once

#include "base/sf-rng.h"
#include "diffusion/sf-denoiser.h"
#include "diffusion/sf-prediction.h"
#include "diffusion/sf-schedule.h"

/* (transfer full): @n levels of @schedule and the clean one, of the DDPM process. */
SfNoiseLevel *levels_new (const char *schedule, double max, double min, int n);

/* D of a normal distribution: every pixel independent, with the same mean and deviation.  It counts, and can cancel. */
typedef struct
{
  SfDenoiser parent;
  double mean, deviation;
  int calls;
  GCancellable *cancellable; /* (nullable) cancelled in call number @cancel_at */
  int cancel_at;             /* from 1 */
} Normal;

Normal *normal_new (void);

/* Where the probability flow ODE takes @x at level @from to at level @to. */
double normal_flow (const Normal *self, double x, double from, double to);
/* D (x, sigma). */
double normal_denoise (const Normal *self, double x, double sigma);

/* (transfer full): a network that predicts @prediction exactly, for images of @normal (transfer full), under @process. */
SfDenoiser *network_new (Normal *normal, SfPrediction prediction, const SfNoiseProcess *process);

/* (transfer full): what a network distilled from the mixture's flow gives: where the flow through the state ends. */
SfDenoiser *consistency_new (void);

/* Moments of @y's pixels: two means, two variances, the covariance, and the variance inside of the modes. */
#define MIXTURE_MOMENTS 6
/* How far each is from those of the mixture (diffusion/sf-mixture.h), in standard errors.  @slack is subtracted from the distance before: a share of
 * the variance inside of a mode. */
void mixture_scores (const SfTensor *y, double slack, double scores[MIXTURE_MOMENTS]);
