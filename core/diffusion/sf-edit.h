/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Editing: an image is noised, and denoised again from there; parts of it may be kept.
 *
 * None of this is a sampler: it is a start, a choice of levels, and hooks between the steps that put what is kept back into the
 * state, with as much noise as belongs there.
 *
 * way             kept where     with noise                          set                       source
 * one noise       mask > 1/2     one of the whole run                after each step           latent replacement (diffusers)
 * noisier         mask = 1       one of each repeat, of the level    after each step           SDEdit (Meng et al. 2022), the
 *                                before                                                        authors' code
 * soft            mask > k / n   one of the whole run                after step k, not the last  differential diffusion
 *                                                                                              (Levin & Fried 2023)
 * fresh           share = mask   drawn anew                          before each evaluation    RePaint (Lugmayr et al. 2022)
 */
#pragma once

#include "diffusion/sf-sampler.h"

typedef enum
{
  SF_KEEP_ONE_NOISE,
  SF_KEEP_NOISIER,
  SF_KEEP_SOFT,
  SF_KEEP_FRESH,
} SfKeep;

typedef struct
{
  const SfTensor *mask; /* (nullable): what is kept, 1 = kept, 0 = free; %NULL = nothing.  Height and width of the image; one
                         * or n images, one channel or c */
  SfKeep keep;          /* how */
  double strength;      /* 0…1: share of the steps that is run.  0 returns the image as it is */
  int repeats;          /* 1…: how often, each time from the result */
  double pure_sigma;    /* %SF_KEEP_ONE_NOISE and %SF_KEEP_FRESH start from noise alone if strength is 1: its deviation in sigma
                      * space; 0 = sigma of the first level */
} SfEdit;

/* Draws of the options' noise that belong to what is kept have numbers from here on. */
#define SF_EDIT_DRAWS (G_GUINT64_CONSTANT (1) << 31)

/* Of @n steps, how many are run with @strength: the last min ((int) (n strength), n). */
int sf_edit_steps (int n, double strength);

/**
 * sf_edit:
 * @levels: (array length=n + 1): as for sf_sample()
 * @options: (nullable)
 * @rng: takes streams in steps of 2^32 per repeat
 * @image: (inout): n x h x w x c, clean; what is kept all the way ends as it was, to the bit
 *
 * Returns: %FALSE with @error as sf_sample(), or %SF_ERROR_ARGUMENT for a strength outside of 0…1, no repeats, or a mask of
 *     another size; @image is then undefined
 */
gboolean sf_edit (const SfEdit *self, const SfSampler *sampler, SfDenoiser *denoiser, const SfNoiseProcess *process,
                  const SfNoiseLevel *levels, int n, const SfSamplerOptions *options, SfRng rng, SfTensor *image,
                  const SfProgress *progress, GError **error);

/**
 * sf_edit_walk:
 * @levels: (array length=n + 1): falling
 * @n_single: @jump: @n_jumps: see sf_timesteps_jumps()
 * @n_walk: (out): number of its steps
 *
 * Returns: (transfer full) (array length=n_walk + 1): the levels in the order of RePaint's walk, for sf_edit() with
 *     %SF_KEEP_FRESH and strength 1; free with g_free()
 */
SfNoiseLevel *sf_edit_walk (const SfNoiseLevel *levels, int n, int n_single, int jump, int n_jumps, int *n_walk);
