/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/sf-unet.h"

struct _SfUnet
{
  GPtrArray *parts[SF_UNET_N_PARTS]; /* of stages, which are GPtrArrays of SfBlock */
  GPtrArray *last;                   /* the stage that was begun last */
};

SfUnet *
sf_unet_new (void)
{
  SfUnet *self = g_new0 (SfUnet, 1);

  for (int i = 0; i < SF_UNET_N_PARTS; i++)
    self->parts[i] = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  return self;
}

void
sf_unet_free (SfUnet *self)
{
  for (int i = 0; i < SF_UNET_N_PARTS; i++)
    g_ptr_array_unref (self->parts[i]);
  g_free (self);
}

void
sf_unet_begin (SfUnet *self, SfUnetPart part)
{
  self->last = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->parts[part], self->last);
}

void
sf_unet_add (SfUnet *self, SfBlock *block)
{
  g_ptr_array_add (self->last, block);
}

static void
run_stage (const GPtrArray *stage, SfContext *cx, SfStream *stream)
{
  for (guint i = 0; i < stage->len; i++)
    {
      const SfBlock *block = stage->pdata[i];

      block->forward (block, cx, stream);
      g_assert (stream->beside == NULL);
    }
}

static void
unref_tensor (gpointer data)
{
  sf_tensor_unref (data);
}

GPtrArray *
sf_unet_encode (const SfUnet *self, SfContext *cx, SfStream *stream)
{
  const GPtrArray *down = self->parts[SF_UNET_DOWN], *middle = self->parts[SF_UNET_MIDDLE];
  GPtrArray *kept = g_ptr_array_new_full (down->len, unref_tensor);

  for (guint i = 0; i < down->len; i++)
    {
      run_stage (down->pdata[i], cx, stream);
      g_ptr_array_add (kept, sf_tensor_ref (stream->x));
    }
  for (guint i = 0; i < middle->len; i++)
    run_stage (middle->pdata[i], cx, stream);
  return kept;
}

void
sf_unet_decode (const SfUnet *self, SfContext *cx, SfStream *stream, GPtrArray *kept)
{
  const GPtrArray *up = self->parts[SF_UNET_UP];

  g_assert (kept->len == up->len);
  for (guint i = 0; i < up->len; i++)
    {
      stream->beside = g_ptr_array_steal_index (kept, kept->len - 1);
      run_stage (up->pdata[i], cx, stream);
    }
}
