/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ops/sf-ops-private.h"

typedef struct
{
  SfParameter *w;
  int n;
  int ids[];
} Saved;

static void
embedding_backward (SfContext *cx, SfTensor *dy, gpointer saved)
{
  const Saved *self = saved;
  g_autoptr (SfTensor) g = dy;

  if (self->w->gradient != NULL && !sf_context_is_dry (cx))
    for (int i = 0; i < self->n; i++)
      for (int j = 0; j < g->c && self->ids[i] >= 0; j++)
        self->w->gradient[(gsize) self->ids[i] * g->c + j] += g->data[(gsize) i * g->c + j];
}

SfTensor *
sf_embedding (SfContext *cx, SfParameter *w, const int *ids, int n)
{
  const int c = w->array.dim[1];
  g_autoptr (SfTensor) y = sf_context_tensor (cx, n, 1, 1, c);

  if (y == NULL)
    return NULL;
  for (int i = 0; i < n; i++)
    {
      g_assert (ids[i] < 0 || (gsize) ids[i] < w->array.dim[0]);
      if (sf_context_is_dry (cx))
        continue;
      if (ids[i] < 0)
        memset (y->data + (gsize) i * c, 0, c * sizeof (float));
      else
        sf_array_read (&w->array, (gsize) ids[i] * c, c, y->data + (gsize) i * c);
    }
  if (sf_context_has_tape (cx))
    {
      Saved *saved = g_malloc (sizeof *saved + n * sizeof *ids);

      *saved = (Saved) { .w = w, .n = n };
      memcpy (saved->ids, ids, n * sizeof *ids);
      sf_context_record (cx, y, embedding_backward, saved, g_free);
    }
  return g_steal_pointer (&y);
}
