/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-engine.h"

#define SF_ITEM(name) extern const SfEngineInfo sf_engine_##name;
#include "denoisers/sf-engine-list.h"
#undef SF_ITEM

static const SfEngineInfo *const engines[] = {
#define SF_ITEM(name) &sf_engine_##name,
#include "denoisers/sf-engine-list.h"
#undef SF_ITEM
  NULL,
};

const SfEngineInfo *const *
sf_engines (int *n)
{
  *n = G_N_ELEMENTS (engines) - 1;
  return engines;
}

const SfEngineInfo *
sf_engine_find (const char *name)
{
  for (const SfEngineInfo *const *e = engines; *e != NULL; e++)
    if (g_strcmp0 ((*e)->name, name) == 0)
      return *e;
  return NULL;
}

const SfEngineInfo *
sf_engine_find_model (const char *name)
{
  const SfEngineInfo *engine = sf_engine_find (name);

  return engine != NULL && !engine->takes_class ? engine : NULL;
}
