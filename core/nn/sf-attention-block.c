/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Self-attention between the pixels of a picture (Wang et al. 2018, as in Ho et al. 2020):
 *
 *   x ── norm ── q, k, v ── attention ── out ──(+)── · scale
 *   └─────────────────────────────────────────┘
 */
#include "nn/sf-block.h"

typedef struct
{
  SfBlock parent;
  SfAttentionBlock like;
  SfLayer norm;
  SfLayer qkv;     /* all three in one layer, or … */
  SfLayer q, k, v; /* … each of its own */
  SfLayer out;
} AttentionBlock;

/* The three parts of the channels of one tensor. */
static SfTensor *
attend_joint (const AttentionBlock *self, SfContext *cx, SfTensor *x)
{
  int heads = self->like.heads, dim = self->like.dim;
  int part = self->like.interleaved ? dim : heads * dim, stride = self->like.interleaved ? 3 * dim : dim;
  SfTensor *qkv = sf_linear (cx, x, self->qkv.w, self->qkv.b, NULL, 1);
  SfHeads q = { sf_tensor_ref (qkv), 0, stride }, k = { sf_tensor_ref (qkv), part, stride }, v = { qkv, 2 * part, stride };

  return sf_attention (cx, q, k, v, heads, dim, 0);
}

static SfTensor *
attend_separate (const AttentionBlock *self, SfContext *cx, SfTensor *x)
{
  int heads = self->like.heads, dim = self->like.dim;
  SfHeads q = { sf_linear (cx, sf_tensor_ref (x), self->q.w, self->q.b, NULL, 1), 0, dim };
  SfHeads k = { sf_linear (cx, sf_tensor_ref (x), self->k.w, self->k.b, NULL, 1), 0, dim };
  SfHeads v = { sf_linear (cx, x, self->v.w, self->v.b, NULL, 1), 0, dim };

  return sf_attention (cx, q, k, v, heads, dim, 0);
}

static void
forward (const SfBlock *block, SfContext *cx, SfStream *stream)
{
  const AttentionBlock *self = (const AttentionBlock *) block;
  const SfAttentionBlock *like = &self->like;
  SfTensor *x = sf_tensor_ref (stream->x);

  if (like->groups > 0)
    x = sf_group_norm (cx, x, (SfNorm) { .w = self->norm.w, .b = self->norm.b, .groups = like->groups, .eps = like->eps });
  x = like->joint ? attend_joint (self, cx, x) : attend_separate (self, cx, x);
  stream->x = sf_linear (cx, x, self->out.w, self->out.b, stream->x, like->scale);
}

SfBlock *
sf_attention_block_new (SfBinder *binder, SfAttentionBlock like)
{
  AttentionBlock *self = g_new0 (AttentionBlock, 1);
  int inner = like.heads * like.dim;

  self->parent.forward = forward;
  self->like = like;
  if (like.groups > 0)
    self->norm = sf_bind_norm (binder, "group_norm", like.channels, like.groups);
  if (like.joint)
    self->qkv = sf_bind_linear (binder, "qkv", like.channels, 3 * inner);
  else
    {
      self->q = sf_bind_linear (binder, "to_q", like.channels, inner);
      self->k = sf_bind_linear (binder, "to_k", like.channels, inner);
      self->v = sf_bind_linear (binder, "to_v", like.channels, inner);
    }
  self->out = sf_bind_linear (binder, "to_out.0", inner, like.channels);
  return &self->parent;
}
