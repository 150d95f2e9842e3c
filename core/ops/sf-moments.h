/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mean and spread of the channels of images, in parts: what a group norm has to know about them.
 *
 * Those of a part are doubles: the mean of each channel, then of each the sum of squares of what deviates from it, then the number
 * of its pixels.  How they are joined: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
 * Variances", 1979.
 */
#pragma once

#include "tensor/sf-context.h"

/* Doubles of a part with @c channels. */
static inline gsize
sf_moments_size (int c)
{
  return 2 * (gsize) c + 1;
}

/* (nullable): n x parts x sf_moments_size() x 1, of numbers of twice the size. */
static inline SfTensor *
sf_moments_new (SfContext *cx, int n, int parts, int c)
{
  return sf_context_tensor (cx, n, parts, (int) sf_moments_size (c), sizeof (double) / sizeof (float));
}

/* Those of part @part of image @image. */
static inline double *
sf_moments_at (const SfTensor *moments, gsize image, gsize part)
{
  return (double *) moments->data + (image * moments->h + part) * moments->w;
}
