/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-clip.h"

#include <math.h>
#include <stdlib.h>

static int
compare (gconstpointer a, gconstpointer b)
{
  SfReal x = *(const SfReal *) a, y = *(const SfReal *) b;

  return (x > y) - (x < y);
}

/* The quantile of |x|, linear between the two nearest ranks. */
static double
absolute_quantile (const SfReal *x, gsize n, double quantile)
{
  g_autofree SfReal *sorted = g_new (SfReal, n);
  double rank = (n - 1) * quantile;
  gsize low = (gsize) rank, high = MIN (low + 1, n - 1);

  for (gsize i = 0; i < n; i++)
    sorted[i] = (SfReal) fabs (x[i]);
  qsort (sorted, n, sizeof (SfReal), compare);
  return sorted[low] + (rank - low) * (sorted[high] - sorted[low]);
}

static void
clamp (SfReal *x, gsize n, double range, double scale)
{
  for (gsize i = 0; i < n; i++)
    x[i] = (SfReal) (CLAMP (x[i], -range, range) * scale);
}

void
sf_clip (const SfClip *self, SfTensor *x)
{
  double range = self->range > 0 ? self->range : 1;
  gsize n = sf_tensor_size (x) / x->n;

  if (self->kind == SF_CLIP_STATIC)
    clamp (x->data, sf_tensor_size (x), range, 1);
  else if (self->kind == SF_CLIP_DYNAMIC)
    for (int i = 0; i < x->n; i++)
      {
        double threshold = absolute_quantile (x->data + i * n, n, self->quantile > 0 ? self->quantile : 0.995);

        threshold = MAX (threshold, range);
        if (self->max > 0)
          threshold = MIN (threshold, self->max);
        clamp (x->data + i * n, n, threshold, 1 / threshold);
      }
}
