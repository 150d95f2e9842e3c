/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the networks of improved- and guided-diffusion (Nichol and Dhariwal 2021; Dhariwal and Nichol 2021) have in common: the way
 * down, and how it is read off a checkpoint.
 *
 * People have these as bare files without a config.  Names and shapes of the arrays tell everything but three things, which options
 * must tell: how many heads attention has, in which order one layer holds their queries, keys and values, and the size of pictures.
 * Options that the arrays tell too are compared with them.
 */
#pragma once

#include "arch/sf-network.h"
#include "base/sf-description.h"
#include "nn/sf-time-embedding.h"
#include "nn/sf-unet.h"

/* Of all norms. */
#define SF_ADM_GROUPS 32
#define SF_ADM_EPS 1e-5f

typedef struct
{
  int model; /* channels that all others are multiples of */
  int in, first;      /* channels of pictures, and after the first convolution */
  int levels, layers; /* residual blocks of a level, besides the one that may change its size */
  int channels[SF_DESCRIPTION_MAX_LIST];
  guint attention;       /* bit i: level i has attention */
  gboolean modulate;     /* scale-shift norm */
  gboolean by_residual;  /* residual blocks change the size */
  gboolean convolves;    /* else convolutions do, or nothing learned */
  int embedding;         /* channels */
  int heads, heads_up;   /* used where head_dim is 0 */
  int head_dim;
  gboolean interleaved;  /* the old order: head by head */
  int image_size;        /* 0 = not known */

  SfBinder *binder;
  SfDescription options;
} SfAdm;

/* Reads arrays and options; sf_adm_clear() after use. */
void sf_adm_init (SfAdm *self, JsonObject *config, SfWeights *weights);
void sf_adm_clear (SfAdm *self);
/* Dimension @i of the array @name at the binder's path; 0 where there is none. */
int sf_adm_peek (const SfAdm *self, const char *name, int i);
/* An option that says the same as the arrays: @found. */
void sf_adm_compare (SfAdm *self, const char *option, int found);
/* Bound and built: @network (transfer full) itself, or %NULL with the first error of options and arrays. */
SfNetwork *sf_adm_finish (SfAdm *self, SfNetwork *network, SfWeights *weights, GError **error);

SfTimeEmbedding sf_adm_bind_time (const SfAdm *self);
/* Blocks at the binder's path.  @resample: where the block changes the size; @up: on the way up. */
SfBlock *sf_adm_res_block_new (const SfAdm *self, int in, int out, SfResample resample);
SfBlock *sf_adm_attention_block_new (const SfAdm *self, int channels, gboolean up);
/* The way down and the middle. */
void sf_adm_build (const SfAdm *self, SfUnet *unet);
