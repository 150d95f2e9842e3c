/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks as denoisers: where what a network was trained to say becomes D and a variance, and nowhere else. */
#pragma once

#include "arch/sf-network.h"
#include "diffusion/sf-prediction.h"
#include "diffusion/sf-sampler.h"

/* How a network is asked, and what its answer means. */
typedef struct
{
  SfNetwork *network;
  SfContext *context;        /* what it runs in, one evaluation at a time */
  double work;               /* of one evaluation of one image, for the progress; 0 = not known */
  double *rate;              /* (nullable): work per second, brought nearer to that of each evaluation; 0 = not known yet */
  SfPrediction prediction;
  SfVariance variance;       /* of the second half of its channels */
  const int *classes;        /* (nullable) (array length=n_classes): item i is of class i % n_classes */
  int n_classes;
  const SfTensor *condition; /* (nullable): channels that it sees behind those of the state, the same for all items */
} SfNetworkUse;

/**
 * sf_denoiser_network_new:
 * @use: copied; what it points to outlives the denoiser, but for the classes
 *
 * Returns: (transfer full): a denoiser for n x h x w x c, c = channels of the network's prediction
 */
SfDenoiser *sf_denoiser_network_new (const SfNetworkUse *use);

/**
 * sf_upsampler_condition:
 * @picture: 1 x h x w x c
 * @condition: (out): 1 x h x w x c
 *
 * What an upsampler is shown: the picture brought down to 1 / @factor of its sides, by the mean over areas, and enlarged again, bilinearly
 * (SuperResModel and super_res_train.py of Dhariwal & Nichol 2021).
 */
gboolean sf_upsampler_condition (const SfTensor *picture, int factor, SfTensor *condition, const SfProgress *progress, GError **error);

/* A classifier of noisy images, for guidance. */
typedef struct
{
  SfNetwork *network;
  SfContext *context;
  const int *classes; /* (array length=n_classes): item i is led to class i % n_classes */
  int n_classes;
  double scale;
} SfClassifierUse;

/* An SfGradientFunc, @data is an SfClassifierUse: scale * gradient of log p (class | a y). */
gboolean sf_classifier_gradient (const SfTensor *y, const SfNoiseLevel *level, SfTensor *gradient, gpointer data,
                                 const SfProgress *progress, GError **error);
