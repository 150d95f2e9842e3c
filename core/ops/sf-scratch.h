/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Working memory of tiles: as many pieces as threads, from the arena, so that it counts and no tile allocates. */
#pragma once

#include "ops/sf-ops.h"

#define SF_SCRATCH_MOST 64 /* threads */

typedef struct
{
  SfTensor *memory; /* (nullable): a piece for each row */
  gint taken[SF_SCRATCH_MOST]; /* (atomic) */
} SfScratch;

/* @floats: of each piece.  FALSE: the context has failed. */
gboolean sf_scratch_init (SfScratch *self, SfContext *cx, gsize floats);
void sf_scratch_clear (SfScratch *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SfScratch, sf_scratch_clear)
/* A piece that is nobody else's until it is given back; 64-byte aligned. */
float *sf_scratch_take (SfScratch *self);
void sf_scratch_give (SfScratch *self, const float *piece);
