/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One level of the patch engine's image pyramid. */
#pragma once

#include "base/sf-parallel.h"
#include "denoisers/sf-engine.h"

/* Pixels are 4 interleaved floats (R, G, B, 0) in [-1, 1]; SF_PATCH_PAD readable pixels follow the last one. */
typedef struct
{
  int h, w;
  float *rgb;    /* h x w x 4: what may be copied from (zero where nothing may) */
  float *full;   /* (nullable) h x w x 4: the hole's present content included */
  guint8 *state; /* h x w: SfPixelState */
} SfPatchImage;

/* Where a level's state lies. */
typedef struct
{
  int h, w;                /* the state */
  int y, x;                /* its first pixel in the dictionary image (0 for generate) */
  gboolean own;            /* the state is a picture of its own, not a part of the dictionary image */
  gboolean wrap_y, wrap_x; /* (own only) seamless edges */
} SfPatchFrame;

/**
 * sf_patch_image_new:
 * @image: 1 x H x W x 3
 * @state: (nullable): of each pixel of @image; %NULL = all known
 * @h: rows of the level, <= H
 * @keep_content: the hole's content may be copied from too
 * @with_full: make @full
 *
 * Area-averages over the known pixels only; a level pixel is known only if all that it covers is known, and belongs
 * to the hole if any of it does.
 */
SfPatchImage *sf_patch_image_new (const SfTensor *image, const guint8 *state, int h, int w, gboolean keep_content,
                                  gboolean with_full, const SfProgress *progress, GError **error);
void sf_patch_image_free (SfPatchImage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfPatchImage, sf_patch_image_free)

/* Have pixel @i (not at the border) and its four neighbours this value? */
static inline gboolean
sf_patch_cross_is (const guint8 *state, gsize i, int w, guint8 value)
{
  return state[i] == value && state[i - 1] == value && state[i + 1] == value && state[i - w] == value &&
         state[i + w] == value;
}

/**
 * sf_patch_frame_state:
 * @frame: a part of @image
 *
 * Returns: (transfer full) (array length=frame h*w) (nullable): the SfPixelStates there
 */
guint8 *sf_patch_frame_state (const SfPatchImage *image, const SfPatchFrame *frame, GError **error);

/* sf_parallel_for() that says whether it was stopped. */
static inline gboolean
sf_patch_for (gsize n, gsize grain, SfTileFunc func, gpointer data, const SfProgress *progress, GError **error)
{
  sf_parallel_for (n, grain, func, data, sf_progress_cancellable (progress));
  return !sf_progress_stopped (progress, error);
}

/* h x w pixels of 4 zero floats, with the padding. */
float *sf_patch_pixels_new (int h, int w, GError **error);
