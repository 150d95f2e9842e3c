/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-crop.h"

#include <math.h>

#include "tensor/sf-image.h"

#define SURROUNDINGS 0.25 /* of the frame's longer side, on each side: what the network sees of the picture around it */
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
sf_crop_new (const SfRegion *region, int channels, int native_height, int native_width, int context)
{
  SfCrop self = { .region = region, .channels = channels, .share = most_share (region) };
  int pad = context >= 0 ? context : (int) ceil (SURROUNDINGS * MAX (region->width, region->height));
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

/* Row @y of the crop, as sf_area_resize_rows() takes it. */
static void
crop_row (int y, float *row, gconstpointer data)
{
  const SfCrop *self = data;
  const SfTensor *image = self->region->image;
  int from = mirror (y + self->y, image->h);

  for (int x = 0; x < self->width; x++)
    sf_rgb_to_channels (image->data + ((gsize) from * image->w + mirror (x + self->x, image->w)) * 3, 1, self->channels, row + x * self->channels);
}

/* How free the pixels of the crop's row @y are: to be made at all, and how much of it is wanted; those of which most is wanted are as free
 * as can be, since the share itself comes in when the result is blended. */
static void
freedom_row (int y, float *row, gconstpointer data)
{
  const SfCrop *self = data;
  const SfRegion *region = self->region;
  int iy = y + self->y;

  for (int x = 0; x < self->width; x++)
    {
      int ix = x + self->x, fy = iy - region->y, fx = ix - region->x;
      gboolean inside = iy >= 0 && ix >= 0 && iy < region->image->h && ix < region->image->w;

      row[x] = inside && region->state[(gsize) iy * region->image->w + ix] == SF_PIXEL_HOLE;
      if (row[x] > 0 && region->share != NULL && fy >= 0 && fx >= 0 && fy < region->height && fx < region->width)
        row[x] = MAX (region->share[(gsize) fy * region->width + fx] / self->share, 0.02f);
    }
}

SfTensor *
sf_crop_take_picture (const SfCrop *self, int h, int w, const SfProgress *progress, GError **error)
{
  SfTensor *picture = sf_tensor_new (1, h, w, self->channels, error);

  if (picture != NULL && !self->region->generate)
    sf_area_resize_rows (crop_row, self, self->height, self->width, self->channels, picture->data, h, w, sf_progress_cancellable (progress));
  return picture;
}

SfTensor *
sf_crop_take_freedom (const SfCrop *self, int h, int w, const SfProgress *progress, GError **error)
{
  SfTensor *freedom = sf_tensor_new (1, h, w, 1, error);

  if (freedom != NULL)
    sf_area_resize_rows (freedom_row, self, self->height, self->width, 1, freedom->data, h, w, sf_progress_cancellable (progress));
  return freedom;
}
