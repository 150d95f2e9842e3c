/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ops/sf-scratch.h"

#include "base/sf-parallel.h"

#define ALIGN 16 /* floats of a cache line */

gboolean
sf_scratch_init (SfScratch *self, SfContext *cx, gsize floats)
{
  *self = (SfScratch) { NULL };
  g_assert (floats <= G_MAXINT - ALIGN);
  self->memory = sf_context_tensor (cx, 1, 1, MIN (sf_parallel_get_threads (), SF_SCRATCH_MOST), (floats + ALIGN - 1) / ALIGN * ALIGN);
  return self->memory != NULL;
}

void
sf_scratch_clear (SfScratch *self)
{
  g_clear_pointer (&self->memory, sf_tensor_unref);
}

float *
sf_scratch_take (SfScratch *self)
{
  for (int i = 0;; i = (i + 1) % self->memory->w)
    if (g_atomic_int_compare_and_exchange (&self->taken[i], FALSE, TRUE))
      return self->memory->data + (gsize) i * self->memory->c;
}

void
sf_scratch_give (SfScratch *self, const float *piece)
{
  g_atomic_int_set (&self->taken[(piece - self->memory->data) / self->memory->c], FALSE);
}
