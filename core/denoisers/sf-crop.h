/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Crops: what a network sees of a region, the frame with surroundings.
 *
 * As many surroundings as are asked for, and at least the network's own size; where the picture has no more, it is mirrored at its edges.
 * A crop may be taken at any size, which is how the levels of a cascade see it.  To generate it is the frame alone, and holds nothing.
 */
#pragma once

#include "denoisers/sf-engine.h"

typedef struct
{
  const SfRegion *region;
  int channels;            /* 3, or 1: grey */
  int x, y, width, height; /* in the region's picture, beyond whose edges it is mirrored; generate: from 0 */
  float share;             /* the highest of a pixel in the frame */
} SfCrop;

/* The frame's place in a crop that was brought to another size. */
typedef struct
{
  double x, y, width, height;
} SfCropFrame;

/**
 * sf_crop_new:
 * @region: outlives the crop
 * @native_height: with @native_width: what the network takes
 * @strength: of the run: what is made anew needs more surroundings
 * @context: pixels of surroundings on each side; -1 = as much as suits the frame
 */
SfCrop sf_crop_new (const SfRegion *region, int channels, int native_height, int native_width, double strength, int context);
/* (transfer full) (nullable) 1 x @h x @w x channels: the picture in [-1, 1]; to generate: zero. */
SfTensor *sf_crop_take_picture (const SfCrop *self, int h, int w, const SfProgress *progress, GError **error);
/* (transfer full) (nullable) 1 x @h x @w x 1: how free each pixel is to be made anew, 0…1.  Not to generate. */
SfTensor *sf_crop_take_freedom (const SfCrop *self, int h, int w, const SfProgress *progress, GError **error);
/* Where the frame is when the crop is @h x @w pixels. */
SfCropFrame sf_crop_get_frame (const SfCrop *self, int h, int w);
