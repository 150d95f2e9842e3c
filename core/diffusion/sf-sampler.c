/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-sampler.h"

#define SF_ITEM(name) extern const SfSampler sf_sampler_##name;
#include "diffusion/sf-sampler-list.h"
#undef SF_ITEM

static const SfSampler *const samplers[] = {
#define SF_ITEM(name) &sf_sampler_##name,
#include "diffusion/sf-sampler-list.h"
#undef SF_ITEM
};

const SfSampler *const *
sf_samplers (int *n)
{
  *n = G_N_ELEMENTS (samplers);
  return samplers;
}

const SfSampler *
sf_sampler_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
    if (g_strcmp0 (samplers[i]->name, name) == 0)
      return samplers[i];
  return NULL;
}

int
sf_sampler_evaluations (const SfSampler *self, int n)
{
  int extra = self->start > 0 ? self->extra * MIN (self->start, n - 1) : self->extra;

  return n > 0 ? MAX (1, self->evaluations * n + extra) : 0;
}
