/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-sampler.h"

#include <glib/gi18n.h>

#define SF_ITEM(name) extern const SfSampler sf_sampler_##name;
#include "diffusion/sf-sampler-list.h"
#undef SF_ITEM

static const SfSampler *const samplers[] = {
#define SF_ITEM(name) &sf_sampler_##name,
#include "diffusion/sf-sampler-list.h"
#undef SF_ITEM
};

static const struct
{
  const char *name, *label;
} families[SF_N_FAMILIES] = {
  [SF_FAMILY_COMMON] = { "common", N_ ("Common") },
  [SF_FAMILY_ANCESTRAL] = { "ancestral", N_ ("DDPM and its kin") },
  [SF_FAMILY_ODE] = { "ode", N_ ("Probability flow, by the slope") },
  [SF_FAMILY_EXPONENTIAL] = { "exponential", N_ ("Probability flow, exponential integrators") },
  [SF_FAMILY_SDE] = { "sde", N_ ("Stochastic differential equations, Langevin") },
  [SF_FAMILY_DISTILLED] = { "distilled", N_ ("For distilled networks") },
  [SF_FAMILY_FLOW] = { "flow", N_ ("Flow matching") },
};

const char *
sf_family_name (SfFamily self)
{
  return families[self].name;
}

const char *
sf_family_label (SfFamily self)
{
  return families[self].label;
}

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
