/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network is trained to make small, and the gradient of that with respect to the network's output.
 *
 *     loss = weight * mean ((output - target)^2) + second_weight * (what trains the second half of the channels)
 *
 * The target is what the network should have predicted of x_t = a x0 + s n: n, x0, v …  A second half is trained by the
 * variational bound where it is a learned variance, with the first half held fixed (Nichol & Dhariwal 2021), or by its own square
 * error where it is a second moment of the noise (Bao et al. 2022, SN and NPR).  The losses of the table differ in the weights.
 */
#pragma once

#include "diffusion/sf-denoiser.h"
#include "diffusion/sf-noise-process.h"
#include "diffusion/sf-prediction.h"

/* Everything that can be chosen; begin with SF_LOSS_OPTIONS. */
typedef struct
{
  SfPrediction prediction;
  SfVariance variance;     /* what the second half of the output's channels is, if there is one */
  gboolean large;          /* a fixed variance in the bound is the larger one */
  double second_weight;    /* 0 = as published */
  double snr_min, snr_max; /* min-SNR: limits of the signal-to-noise ratio */
  double p2_offset, p2_power;
} SfLossOptions;

#define SF_LOSS_OPTIONS .snr_max = 5, .p2_offset = 1, .p2_power = 1

typedef struct
{
  const char *name;        /* "hybrid" */
  const char *label;       /* N_() */
  const char *description; /* N_(): one honest sentence */
  /* (nullable): weight of the square error; @gain: what D changes by per unit of output.  %NULL = the bound alone. */
  double (*weight) (const SfLossOptions *options, double snr, double gain);
  double bound;            /* weight of the bound, in bits … */
  gboolean per_timestep;   /* … times T */
} SfLoss;

/* All of them. */
const SfLoss *sf_losses (int *n);
/* (nullable): the one called @name. */
const SfLoss *sf_loss_find (const char *name);

/**
 * sf_loss:
 * @t: (array length=n): time of each image: an index of a discrete process, t of a continuous one
 * @x0: n images of c channels
 * @noise: n of the state that the network saw, a x0 + s n; shape of @x0
 * @output: the network's; c channels or, with a variance, 2c: the prediction and then the second half, per pixel
 * @loss: (out) (array length=n): the loss of each image, a mean over its elements
 * @gradient: (out) (nullable): derivative of the sum of @loss with respect to @output
 *
 * Returns: %FALSE with %SF_ERROR_ARGUMENT naming both where the prediction or the loss does not go with @process
 */
gboolean sf_loss (const SfLoss *self, const SfNoiseProcess *process, const SfLossOptions *options, const double *t,
                  const SfTensor *x0, const SfTensor *noise, const SfTensor *output, double *loss, SfTensor *gradient,
                  GError **error);
