/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The skeleton of U-shaped networks (Ronneberger et al. 2015): stages of blocks.
 *
 *   down ──────────────────────────────────► up      the result of every stage down is kept, and joined to the
 *     down ───────────────────────────► up           channels of what comes to its partner
 *       down ────────────────────► up
 *          └──────► middle ──────┘
 *
 * A stage up begins with a residual block, which can read channels from two tensors.
 * It is built in the order in which it runs: sf_unet_begin() opens a stage, sf_unet_add() puts blocks into it.
 */
#pragma once

#include "nn/sf-block.h"

typedef enum
{
  SF_UNET_DOWN,
  SF_UNET_MIDDLE,
  SF_UNET_UP,
  SF_UNET_N_PARTS,
} SfUnetPart;

typedef struct _SfUnet SfUnet;

SfUnet *sf_unet_new (void);
void sf_unet_free (SfUnet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfUnet, sf_unet_free)

void sf_unet_begin (SfUnet *self, SfUnetPart part);
/* @block: (transfer full): to the stage that was begun last */
void sf_unet_add (SfUnet *self, SfBlock *block);

/* Down and through the middle.  Returns: (transfer full) (element-type SfTensor): the result of every stage down. */
GPtrArray *sf_unet_encode (const SfUnet *self, SfContext *cx, SfStream *stream) G_GNUC_WARN_UNUSED_RESULT;
/* Up again; takes the tensors out of @kept. */
void sf_unet_decode (const SfUnet *self, SfContext *cx, SfStream *stream, GPtrArray *kept);
