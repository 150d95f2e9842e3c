/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole runs of a sampler, compared after each evaluation: shared by the groups of trajectories. */
#pragma once

#include "mix.h"

/**
 * walk:
 * @levels: (array length=n + 1)
 * @options: the rest of them; noise, state and their data are set here
 *
 * Begins with x[0], draws the tensor "noise" and compares each result with "x", or those that "x_index" names; and D, if the
 * case has "pred_xstart".
 */
void walk (Case *c, const char *sampler, Mix *mix, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n,
           SfSamplerOptions *options);

/* The same for a denoiser made of @mix. */
void walk_with (Case *c, const char *sampler, Mix *mix, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels,
                int n, SfSamplerOptions *options);

/* The variance that @second of @mix stands for. */
void walk_set_second (Mix *mix, MixSecond second);
/* The labels of @n levels against "timesteps". */
void walk_compare_labels (Case *c, const SfNoiseLevel *levels, int n);
