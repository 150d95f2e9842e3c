/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "base/sf-progress.h"
#include "tensor/sf-tensor.h"

/**
 * sf_color_match:
 * @original: 1 x h x w x c, what was there
 * @freedom: 1 x h x w x 1: 0 where the original stays, up to 1 where all was made
 * @keep: whether what was there is to be seen in the result; else it goes
 * @x: (inout): what was made, as large as @original
 *
 * What was made in the band inside the edge should agree in the mean with the original: with what was there if it is kept, or else with what
 * lies beside it.  What they differ by is taken from all that was made, harmonically continued inwards.
 */
gboolean sf_color_match (const SfTensor *original, const SfTensor *freedom, gboolean keep, SfTensor *x, const SfProgress *progress, GError **error);
