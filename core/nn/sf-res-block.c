/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Residual block (He et al. 2016) of Ho et al. 2020, with the variants of Dhariwal and Nichol 2021 and Song et al. 2021:
 *
 *   x ── norm1 ─ act ─ resample ─ conv1 ──(+ e)── norm2 (· (1 + e') + e'') ─ act ─ conv2 ──(+)── · scale
 *   └─── resample ─ shortcut ─────────────────────────────────────────────────────────────┘
 */
#include "nn/sf-block.h"

typedef struct
{
  SfBlock parent;
  SfResBlock like;
  SfLayer norm1, conv1, embedding, norm2, conv2, shortcut;
} ResBlock;

/* (transfer full) (nullable): channels beside those of x, which the first layers can read where they are.  They are joined where
 * something else comes before these layers, and where gradients are wanted: each layer would join them for itself then. */
static SfTensor *
take_beside (const ResBlock *self, SfContext *cx, SfStream *stream)
{
  SfTensor *beside = g_steal_pointer (&stream->beside);

  if (beside == NULL || (self->like.resample == SF_RESAMPLE_NONE && self->shortcut.w != NULL && !sf_context_has_tape (cx)))
    return beside;
  stream->x = sf_concat (cx, stream->x, beside);
  return NULL;
}

static void
forward (const SfBlock *block, SfContext *cx, SfStream *stream)
{
  const ResBlock *self = (const ResBlock *) block;
  const SfResBlock *like = &self->like;
  SfConv conv1 = { .top = 1, .left = 1, .bottom = 1, .right = 1 }, conv2 = conv1;
  SfNorm norm1 = { self->norm1.w, self->norm1.b, like->groups, like->eps, NULL, like->activation };
  SfTensor *beside = take_beside (self, cx, stream), *residual = stream->x, *x = sf_tensor_ref (residual), *e = NULL;

  if (self->embedding.w != NULL)
    e = sf_linear (cx, sf_tensor_ref (stream->embedding), self->embedding.w, self->embedding.b, NULL, 1);
  if (like->resample == SF_RESAMPLE_NONE)
    conv1.norm = norm1;
  else
    x = sf_resample (cx, sf_group_norm (cx, x, norm1), like->resample);
  conv1.beside = sf_tensor_ref (beside);
  conv1.shift = like->modulate ? NULL : e;
  x = sf_conv2d (cx, x, self->conv1.w, self->conv1.b, conv1);
  /* The shortcut only now: of two tensors, its result takes the place of one. */
  residual = sf_resample (cx, residual, like->resample);
  if (self->shortcut.w != NULL)
    residual = sf_linear_joined (cx, residual, beside, self->shortcut.w, self->shortcut.b);
  conv2.norm = (SfNorm) { self->norm2.w, self->norm2.b, like->groups_out, like->eps, like->modulate ? e : NULL, like->activation };
  conv2.residual = residual;
  conv2.scale = like->scale;
  stream->x = sf_conv2d (cx, x, self->conv2.w, self->conv2.b, conv2);
}

SfBlock *
sf_res_block_new (SfBinder *binder, SfResBlock like)
{
  ResBlock *self = g_new0 (ResBlock, 1);

  like.groups_out = like.groups_out > 0 ? like.groups_out : like.groups;
  self->parent.forward = forward;
  self->like = like;
  self->norm1 = sf_bind_norm (binder, "norm1", like.in, like.groups);
  self->conv1 = sf_bind_conv (binder, "conv1", like.in, like.out, 3);
  if (like.embedding > 0)
    self->embedding = sf_bind_linear (binder, "time_emb_proj", like.embedding, like.modulate ? 2 * like.out : like.out);
  self->norm2 = sf_bind_norm (binder, "norm2", like.out, like.groups_out);
  self->conv2 = sf_bind_conv (binder, "conv2", like.out, like.out, 3);
  if (like.shortcut || like.in != like.out)
    self->shortcut = sf_bind_linear (binder, "conv_shortcut", like.in, like.out);
  return &self->parent;
}
