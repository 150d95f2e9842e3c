/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of samplers share: runs from a start that is always the same. */
#pragma once

#include "diffusion/sf-sampling.h"

#include <math.h>

#include "analytic.h"
#include "diffusion/sf-betas.h"

#define SIDE 200 /* several tiles of noise and of arithmetic */

/* A state of noise at level @sigma. */
static inline SfTensor *
start (int side, double sigma)
{
  SfTensor *y = sf_tensor_new (1, side, side, 3, NULL);

  sf_add_noise (y, sigma, (SfRng) { 11, 1000 });
  return y;
}

/* @sampler's result with @options from a start that is always the same. */
static inline SfTensor *
run_with (const SfSampler *sampler, int n, const SfSamplerOptions *options, SfRng rng)
{
  g_autoptr (GError) error = NULL;
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, n);
  g_autoptr (SfDenoiser) denoiser = &normal_new ()->parent;
  SfTensor *y = start (SIDE, 5);

  g_assert_true (sf_sample (sampler, denoiser, sf_noise_process_ddpm (), levels, n, options, rng, y, NULL, &error));
  g_assert_no_error (error);
  return y;
}

static inline SfTensor *
run (const SfSampler *sampler, int n, double eta, SfRng rng)
{
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };

  options.eta = eta;
  return run_with (sampler, n, &options, rng);
}

static inline double
distance (const SfTensor *a, const SfTensor *b)
{
  double worst = 0;

  g_assert_true (sf_tensor_same_shape (a, b));
  for (gsize i = 0; i < sf_tensor_size (a); i++)
    worst = MAX (worst, fabs (a->data[i] - b->data[i]));
  return worst;
}
