/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures larger than a network can take: MultiDiffusion (Bar-Tal et al. 2023).
 *
 * The state is covered by overlapping tiles of the size that the network takes; D of the whole is the mean of theirs, each weighted by
 * a hill that falls to its edges.  All tiles see the same state, so the noise they share keeps them together, and no seam is made.
 * Along a side that wraps, tiles go on beyond the edge at the other one.
 */
#pragma once

#include "diffusion/sf-denoiser.h"

/**
 * sf_denoiser_tiled_new:
 * @inner: (transfer full): takes 1 x @height x @width
 * @whole: (nullable) (transfer none): a picture of the state's size; outlives the denoiser
 * @part: (nullable) (transfer none): gets that part of @whole where a tile lies before @inner is asked for it; likewise
 *
 * Returns: (transfer full): a denoiser for states that are at least as large
 */
SfDenoiser *sf_denoiser_tiled_new (SfDenoiser *inner, int height, int width, gboolean wrap_y, gboolean wrap_x, const SfTensor *whole, SfTensor *part);

/* How many tiles of @tile_height x @tile_width cover a state of @height x @width. */
int sf_tiles_count (int height, int width, int tile_height, int tile_width, gboolean wrap_y, gboolean wrap_x);
