/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clipping of the estimated clean image, which networks in pixel space need and latents must not have. */
#pragma once

#include "tensor/sf-tensor.h"

typedef enum
{
  SF_CLIP_NONE,
  SF_CLIP_STATIC,  /* to [-range, range] */
  SF_CLIP_DYNAMIC, /* dynamic thresholding (Saharia et al. 2022): to the quantile of |D| per image, then divided by it */
} SfClipKind;

typedef struct
{
  SfClipKind kind;
  double range;     /* static; 0 = 1.  Dynamic: the least threshold; 0 = 1 */
  double quantile;  /* dynamic: 0…1; 0 = 0.995 */
  double max;       /* dynamic: the greatest threshold; 0 = no limit */
  gboolean keep_noise; /* DDIM and its kin go on with the noise found before clipping, as Analytic-DPM and diffusers do; else
                        * with that which belongs to the clipped image, as improved-diffusion does */
} SfClip;

/* Clips @x, n images, in place. */
void sf_clip (const SfClip *self, SfTensor *x);
