/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks: the pieces that networks are chains of.
 *
 * A block borrows its parameters, is a plain structure that begins with SfBlock, and is freed with g_free().  What a block is like
 * is read off the arguments with which it is bound; then all that is left to do is forward().
 */
#pragma once

#include "nn/sf-binder.h"
#include "ops/sf-ops.h"

/* What flows through a chain of blocks; each replaces what it changes. */
typedef struct
{
  SfTensor *x;         /* n x h x w x c */
  SfTensor *beside;    /* (nullable): channels after those of x; only a residual block is given them, and takes them */
  SfTensor *embedding; /* (nullable): what is to be known of timestep and class, n x 1 x 1 x c, activated once for all blocks */
  SfTensor *picture;   /* (nullable): a picture that goes along x through all sizes (NCSN++) */
} SfStream;

typedef struct _SfBlock SfBlock;

struct _SfBlock
{
  void (*forward) (const SfBlock *self, SfContext *cx, SfStream *stream);
};

/* Frees what is left in it. */
void sf_stream_clear (SfStream *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SfStream, sf_stream_clear)

/*** Residual blocks ***/

typedef enum
{
  SF_RESAMPLE_NONE,
  SF_RESAMPLE_MEAN,    /* mean of 2 x 2 pixels */
  SF_RESAMPLE_NEAREST, /* each pixel becomes 2 x 2 */
  SF_RESAMPLE_FIR_DOWN, /* with the binomial filter 1 3 3 1 (Karras et al. 2020, NCSN++) */
  SF_RESAMPLE_FIR_UP,
} SfResample;

SfTensor *sf_resample (SfContext *cx, SfTensor *x, SfResample resample) G_GNUC_WARN_UNUSED_RESULT;

typedef struct
{
  int in, out;      /* channels */
  int embedding;    /* channels, 0 = none */
  gboolean modulate; /* the embedding scales and shifts the second norm; else it is added before */
  int groups, groups_out; /* of the norms; @groups_out 0 = @groups */
  float eps;
  float scale;            /* of the result; 0 = 1 */
  SfActivation activation;
  SfResample resample;    /* between the first norm and the first convolution */
  gboolean shortcut;      /* a convolution beside the block even where in = out */
} SfResBlock;

/* norm1, conv1, time_emb_proj, norm2, conv2, conv_shortcut */
SfBlock *sf_res_block_new (SfBinder *binder, SfResBlock like);

/*** Self-attention ***/

typedef struct
{
  int channels;
  int heads, dim;      /* @dim: channels of a head */
  int groups;          /* of the norm, 0 = no norm */
  float eps;
  float scale;         /* of the result; 0 = 1 */
  gboolean joint;       /* one layer, qkv, makes query, key and value … */
  gboolean interleaved; /* … head by head; else all queries, all keys, all values */
} SfAttentionBlock;

/* group_norm, to_q, to_k, to_v or qkv, to_out.0 */
SfBlock *sf_attention_block_new (SfBinder *binder, SfAttentionBlock like);

/*** Convolutions, with or without a change of size ***/

typedef struct
{
  int in, out;
  SfResample resample; /* before the convolution */
  int stride;          /* 0 = 1 */
  gboolean bottom_right; /* zeros at two sides only, not around */
} SfConvBlock;

/* @name: (nullable): of the 3 x 3 convolution; %NULL = resamples only */
SfBlock *sf_conv_block_new (SfBinder *binder, const char *name, SfConvBlock like);

/*** Heads: norm, activation, convolution ***/

typedef struct
{
  int in, out, groups;
  float eps;
  SfLayer norm, conv; /* bound by sf_head_bind() */
} SfHead;

SfHead sf_head_bind (SfBinder *binder, const char *norm, const char *conv, SfHead like);
/* @residual: (transfer full) (nullable): added to the result */
SfTensor *sf_head_forward (const SfHead *self, SfContext *cx, SfTensor *x, SfTensor *residual) G_GNUC_WARN_UNUSED_RESULT;

/*** The picture beside ***/

/* Halves the picture and adds it to x: NAME is a 1 x 1 convolution. */
SfBlock *sf_picture_in_new (SfBinder *binder, const char *name, int picture, int channels);
/* Doubles the picture, if there is one, and adds to it what @head makes of x; %NULL = only doubles. */
SfBlock *sf_picture_out_new (const SfHead *head);
