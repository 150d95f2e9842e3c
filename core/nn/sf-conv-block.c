/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of size and channels, and the ends of a network. */
#include "nn/sf-block.h"

SfTensor *
sf_resample (SfContext *cx, SfTensor *x, SfResample resample)
{
  switch (resample)
    {
    case SF_RESAMPLE_MEAN:
      return sf_average_pool (cx, x);
    case SF_RESAMPLE_NEAREST:
      return sf_upsample_nearest (cx, x);
    case SF_RESAMPLE_FIR_DOWN:
      return sf_fir_downsample (cx, x);
    case SF_RESAMPLE_FIR_UP:
      return sf_fir_upsample (cx, x);
    default:
      return x;
    }
}

void
sf_stream_clear (SfStream *self)
{
  g_clear_pointer (&self->x, sf_tensor_unref);
  g_clear_pointer (&self->beside, sf_tensor_unref);
  g_clear_pointer (&self->embedding, sf_tensor_unref);
  g_clear_pointer (&self->picture, sf_tensor_unref);
}

/*** Convolutions ***/

typedef struct
{
  SfBlock parent;
  SfConvBlock like;
  SfLayer conv;
} ConvBlock;

static void
conv_forward (const SfBlock *block, SfContext *cx, SfStream *stream)
{
  const ConvBlock *self = (const ConvBlock *) block;
  int before = self->like.bottom_right ? 0 : 1;
  SfConv conv = { .stride = self->like.stride, .top = before, .left = before, .bottom = 1, .right = 1 };

  stream->x = sf_resample (cx, stream->x, self->like.resample);
  if (self->conv.w != NULL)
    stream->x = sf_conv2d (cx, stream->x, self->conv.w, self->conv.b, conv);
}

SfBlock *
sf_conv_block_new (SfBinder *binder, const char *name, SfConvBlock like)
{
  ConvBlock *self = g_new0 (ConvBlock, 1);

  self->parent.forward = conv_forward;
  self->like = like;
  if (name != NULL)
    self->conv = sf_bind_conv (binder, name, like.in, like.out, 3);
  return &self->parent;
}

/*** Heads ***/

SfHead
sf_head_bind (SfBinder *binder, const char *norm, const char *conv, SfHead like)
{
  like.norm = sf_bind_norm (binder, norm, like.in, like.groups);
  like.conv = sf_bind_conv (binder, conv, like.in, like.out, 3);
  return like;
}

SfTensor *
sf_head_forward (const SfHead *self, SfContext *cx, SfTensor *x, SfTensor *residual)
{
  return sf_conv2d (cx, x, self->conv.w, self->conv.b, (SfConv) {
                                                           .norm = { self->norm.w, self->norm.b, self->groups, self->eps, NULL, SF_ACTIVATION_SILU },
                                                           .top = 1,
                                                           .left = 1,
                                                           .bottom = 1,
                                                           .right = 1,
                                                           .residual = residual,
                                                       });
}

/*** The picture beside ***/

typedef struct
{
  SfBlock parent;
  SfLayer conv;
} PictureIn;

static void
picture_in_forward (const SfBlock *block, SfContext *cx, SfStream *stream)
{
  const PictureIn *self = (const PictureIn *) block;

  stream->picture = sf_resample (cx, stream->picture, SF_RESAMPLE_FIR_DOWN);
  stream->x = sf_linear (cx, sf_tensor_ref (stream->picture), self->conv.w, self->conv.b, stream->x, 1);
}

SfBlock *
sf_picture_in_new (SfBinder *binder, const char *name, int picture, int channels)
{
  PictureIn *self = g_new0 (PictureIn, 1);

  self->parent.forward = picture_in_forward;
  self->conv = sf_bind_linear (binder, name, picture, channels);
  return &self->parent;
}

typedef struct
{
  SfBlock parent;
  gboolean only_doubles;
  SfHead head;
} PictureOut;

static void
picture_out_forward (const SfBlock *block, SfContext *cx, SfStream *stream)
{
  const PictureOut *self = (const PictureOut *) block;

  if (stream->picture != NULL)
    stream->picture = sf_resample (cx, stream->picture, SF_RESAMPLE_FIR_UP);
  if (!self->only_doubles)
    stream->picture = sf_head_forward (&self->head, cx, sf_tensor_ref (stream->x), stream->picture);
}

SfBlock *
sf_picture_out_new (const SfHead *head)
{
  PictureOut *self = g_new0 (PictureOut, 1);

  self->parent.forward = picture_out_forward;
  self->only_doubles = head == NULL;
  if (head != NULL)
    self->head = *head;
  return &self->parent;
}
