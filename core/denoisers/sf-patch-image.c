/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-image.h"

#include <string.h>

#include "base/sf-error.h"
#include "kernels/sf-kernels.h"
#include "tensor/sf-image.h"

float *
sf_patch_pixels_new (int h, int w, GError **error)
{
  return sf_try_alloc (((gsize) h * w + SF_PATCH_PAD) * 4, sizeof (float), error);
}

/* The full-size picture as 5 lanes that are averaged together: known R, G, B, known, hole. */
enum
{
  LANE_KNOWN = 3,
  LANE_HOLE = 4,
  N_LANES = 5
};

typedef struct
{
  const SfTensor *image;
  const guint8 *state;
  gboolean keep_content;
} Lanes;

static void
lanes_row (int y, float *row, gconstpointer data)
{
  const Lanes *l = data;

  for (int x = 0; x < l->image->w; x++)
    {
      gsize i = (gsize) y * l->image->w + x;
      guint8 state = l->state != NULL ? l->state[i] : SF_PIXEL_KNOWN;
      gboolean source = state == SF_PIXEL_KNOWN || (l->keep_content && state == SF_PIXEL_HOLE);
      float *out = row + x * N_LANES;

      for (int k = 0; k < 3; k++)
        out[k] = source ? l->image->data[i * 3 + k] : 0;
      out[LANE_KNOWN] = source;
      out[LANE_HOLE] = state == SF_PIXEL_HOLE;
    }
}

/* A level, and the averages that it is made from. */
typedef struct
{
  SfPatchImage *level;
  const float *in;
} Made;

static void
known_tile (gsize begin, gsize end, gpointer data)
{
  const Made *made = data;
  SfPatchImage *self = made->level;

  for (gsize i = begin; i < end; i++)
    {
      const float *in = made->in + i * N_LANES;
      gboolean hole = in[LANE_HOLE] > 1e-4f;

      for (int k = 0; k < 3; k++)
        self->rgb[i * 4 + k] = in[LANE_KNOWN] > 0 ? in[k] / in[LANE_KNOWN] : 0;
      if (hole)
        self->state[i] = SF_PIXEL_HOLE;
      else
        self->state[i] = in[LANE_KNOWN] > 0.999f ? SF_PIXEL_KNOWN : SF_PIXEL_VOID;
    }
}

SfPatchImage *
sf_patch_image_new (const SfTensor *image, const guint8 *state, int h, int w, gboolean keep_content,
                    gboolean with_full, const SfProgress *progress, GError **error)
{
  g_autoptr (SfPatchImage) self = g_new0 (SfPatchImage, 1);
  g_autofree float *level = NULL;
  gsize n = (gsize) h * w;
  Lanes lanes = { image, state, keep_content };

  self->h = h;
  self->w = w;
  if ((self->rgb = sf_patch_pixels_new (h, w, error)) == NULL ||
      (self->state = sf_try_alloc (n, 1, error)) == NULL ||
      (level = sf_try_alloc (n, N_LANES * sizeof (float), error)) == NULL)
    return NULL;
  sf_area_resize_rows (lanes_row, &lanes, image->h, image->w, N_LANES, level, h, w, sf_progress_cancellable (progress));
  if (!sf_patch_for (n, 4096, known_tile, &(Made) { self, level }, progress, error))
    return NULL;
  if (with_full)
    {
      if ((self->full = sf_patch_pixels_new (h, w, error)) == NULL)
        return NULL;
      sf_area_resize (image->data, image->h, image->w, 3, level, h, w, sf_progress_cancellable (progress));
      if (sf_progress_stopped (progress, error))
        return NULL;
      for (gsize i = 0; i < n; i++)
        memcpy (self->full + i * 4, level + i * 3, 3 * sizeof (float));
    }
  return g_steal_pointer (&self);
}

guint8 *
sf_patch_frame_state (const SfPatchImage *image, const SfPatchFrame *frame, GError **error)
{
  guint8 *state = sf_try_alloc ((gsize) frame->h * frame->w, 1, error);

  for (int y = 0; state != NULL && y < frame->h; y++)
    memcpy (state + (gsize) y * frame->w, image->state + (gsize) (y + frame->y) * image->w + frame->x, frame->w);
  return state;
}

void
sf_patch_image_free (SfPatchImage *self)
{
  if (self == NULL)
    return;
  g_free (self->rgb);
  g_free (self->full);
  g_free (self->state);
  g_free (self);
}
