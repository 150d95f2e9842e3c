/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise processes by name: for checkpoints that do not say what they were trained with. */
#pragma once

#include "diffusion/sf-noise-process.h"

typedef struct
{
  const char *name;        /* "cosine-4000" */
  const char *label;       /* N_() */
  const char *description; /* N_(): who uses it */
  const char *betas;       /* row of sf-betas.h */
  int n;                   /* timesteps */
  gboolean rescaled;       /* labels run to 1000 all the same */
} SfNoisePreset;

const SfNoisePreset *sf_noise_presets (int *n);
/* (nullable): the one called @name. */
const SfNoisePreset *sf_noise_preset_find (const char *name);
/* (transfer full) */
SfNoiseProcess *sf_noise_preset_make (const SfNoisePreset *self);
/* Whether @process is this one. */
gboolean sf_noise_preset_matches (const SfNoisePreset *self, const SfNoiseProcess *process);
