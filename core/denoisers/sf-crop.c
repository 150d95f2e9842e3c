/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-crop.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-patch-solve.h"
#include "tensor/sf-image.h"

/* What the network sees of the picture around the frame, on each side, of its longer side: so much, and so much from strength NEW on.
 * Measured with a network of 64 x 64 on 8 to 10 holes of photographs that it had not seen: half a side instead of a quarter makes the
 * inside of fills 1.3 +- 0.5 dB more like the original, at strength 1 1.5 +- 0.3 dB; at 0.3 and 0.5 its band is 0.6 +- 0.2 dB less like it.  A
 * whole side gains another 0.5 +- 0.5 dB for more than twice the time. */
#define SURROUNDINGS 0.25
#define SURROUNDINGS_NEW 0.5
#define NEW 0.95
#define LONGEST 2         /* frames up to so many times as long as wide are made in one square */

/*** Where it lies ***/

/* One side of the crop: @size pixels around [@begin, @begin + @length), inside of @whole if there is room. */
static int
place (int begin, int length, int size, int whole)
{
  int at = begin - (size - length) / 2;

  if (size >= whole)
    return (whole - size) / 2;
  return CLAMP (at, 0, whole - size);
}

/* The highest share of a pixel in the frame. */
static float
most_share (const SfRegion *region)
{
  gsize n = region->share != NULL ? (gsize) region->width * region->height : 0;
  float most = 0;

  for (gsize i = 0; i < n; i++)
    most = MAX (most, region->share[i]);
  return most > 0 ? most : 1;
}

SfCrop
sf_crop_new (const SfRegion *region, int channels, int native_height, int native_width, double strength, int context)
{
  SfCrop self = { .region = region, .channels = channels, .share = most_share (region) };
  const double surroundings = strength >= NEW ? SURROUNDINGS_NEW : SURROUNDINGS;
  int pad = context >= 0 ? context : (int) ceil (surroundings * MAX (region->width, region->height));
  int height = region->height + 2 * pad, width = region->width + 2 * pad;

  if (region->generate)
    {
      double scale = MAX (1, MAX ((double) native_height / region->height, (double) native_width / region->width));

      self.height = (int) lrint (region->height * scale);
      self.width = (int) lrint (region->width * scale);
      return self;
    }
  if (native_height == native_width && MAX (height, width) <= LONGEST * MIN (height, width))
    height = width = MAX (height, width);
  /* more than the picture has is of use only up to the network's size */
  self.height = MAX (native_height, MIN (height, MAX (region->image->h, region->height)));
  self.width = MAX (native_width, MIN (width, MAX (region->image->w, region->width)));
  if (native_height == native_width && height == width)
    self.height = self.width = MAX (self.height, self.width);
  self.y = place (region->y, region->height, self.height, region->image->h);
  self.x = place (region->x, region->width, self.width, region->image->w);
  return self;
}

SfCropFrame
sf_crop_get_frame (const SfCrop *self, int h, int w)
{
  double sy = (double) h / self->height, sx = (double) w / self->width;
  const SfRegion *region = self->region;

  if (region->generate)
    return (SfCropFrame) { 0, 0, w, h };
  return (SfCropFrame) { (region->x - self->x) * sx, (region->y - self->y) * sy, region->width * sx, region->height * sy };
}

/*** What is in it ***/

static int
mirror (int i, int n)
{
  int period = 2 * n;

  i = ((i % period) + period) % period;
  return i < n ? i : period - 1 - i;
}

/* Row @y of the crop, as sf_area_resize_rows() takes it; 0 where nothing is visible. */
static void
crop_row (int y, float *row, gconstpointer data)
{
  const SfCrop *self = data;
  const SfRegion *region = self->region;
  const int from = mirror (y + self->y, region->image->h);

  memset (row, 0, (gsize) self->width * self->channels * sizeof (float));
  for (int x = 0; x < self->width; x++)
    {
      gsize i = (gsize) from * region->image->w + mirror (x + self->x, region->image->w);

      if (region->state[i] != SF_PIXEL_VOID)
        sf_rgb_to_channels (region->image->data + i * 3, 1, self->channels, row + x * self->channels);
    }
}

/* 1 where something is visible. */
static void
visible_row (int y, float *row, gconstpointer data)
{
  const SfCrop *self = data;
  const SfTensor *image = self->region->image;
  const guint8 *state = self->region->state + (gsize) mirror (y + self->y, image->h) * image->w;

  for (int x = 0; x < self->width; x++)
    row[x] = state[mirror (x + self->x, image->w)] != SF_PIXEL_VOID;
}

/* The network takes no alpha: what is transparent has the colours of the visible around it, harmonically continued, not those that lie
 * hidden in it.  @known: of crop_row(), in which the visible has its share. */
static gboolean
spread_visible (const SfCrop *self, SfTensor *known, const SfProgress *progress, GError **error)
{
  const gsize n = (gsize) known->h * known->w;
  g_autofree float *visible = sf_try_alloc (n, sizeof (float), error), *x = sf_try_alloc (n, 4 * sizeof (float), error);
  g_autofree guint8 *fixed = sf_try_alloc (n, 1, error);

  if (visible == NULL || x == NULL || fixed == NULL)
    return FALSE;
  sf_area_resize_rows (visible_row, self, self->height, self->width, 1, visible, known->h, known->w, sf_progress_cancellable (progress));
  for (gsize i = 0; i < n; i++)
    {
      fixed[i] = visible[i] > 0;
      for (int c = 0; c < 4; c++)
        x[i * 4 + c] = fixed[i] && c < known->c ? known->data[i * known->c + c] / visible[i] : 0;
    }
  if (!sf_patch_harmonic (x, fixed, known->h, known->w, progress, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    memcpy (known->data + i * known->c, x + i * 4, known->c * sizeof (float));
  return TRUE;
}

/* How free the pixels of the crop's row @y are: to be made at all, and how much of it is wanted; those of which most is wanted are as free
 * as can be, since the share itself comes in when the result is blended.  What is mirrored is as free as what it mirrors. */
static void
freedom_row (int y, float *row, gconstpointer data)
{
  const SfCrop *self = data;
  const SfRegion *region = self->region;
  int iy = mirror (y + self->y, region->image->h);

  for (int x = 0; x < self->width; x++)
    {
      int ix = mirror (x + self->x, region->image->w), fy = iy - region->y, fx = ix - region->x;

      row[x] = region->state[(gsize) iy * region->image->w + ix] == SF_PIXEL_HOLE;
      if (row[x] > 0 && region->share != NULL && fy >= 0 && fx >= 0 && fy < region->height && fx < region->width)
        row[x] = MAX (region->share[(gsize) fy * region->width + fx] / self->share, 0.02f);
    }
}

SfTensor *
sf_crop_take_picture (const SfCrop *self, int h, int w, const SfProgress *progress, GError **error)
{
  const SfRegion *region = self->region;
  SfTensor *picture = sf_tensor_new (1, h, w, self->channels, error);

  if (picture == NULL || region->generate)
    return picture;
  sf_area_resize_rows (crop_row, self, self->height, self->width, self->channels, picture->data, h, w, sf_progress_cancellable (progress));
  if (memchr (region->state, SF_PIXEL_VOID, (gsize) region->image->h * region->image->w) != NULL && !spread_visible (self, picture, progress, error))
    g_clear_pointer (&picture, sf_tensor_unref);
  return picture;
}

SfTensor *
sf_crop_take_freedom (const SfCrop *self, int h, int w, const SfProgress *progress, GError **error)
{
  SfTensor *freedom = sf_tensor_new (1, h, w, 1, error);

  if (freedom == NULL)
    return NULL;
  sf_area_resize_rows (freedom_row, self, self->height, self->width, 1, freedom->data, h, w, sf_progress_cancellable (progress));
  /* of what is to go nothing may be seen, not even in a pixel that is partly known */
  for (gsize i = 0; !self->region->keep_content && i < sf_tensor_size (freedom); i++)
    freedom->data[i] = freedom->data[i] > 0;
  return freedom;
}
