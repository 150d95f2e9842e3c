/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-noise-preset.h"

#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-betas.h"

static const SfNoisePreset rows[] = {
  { "linear-1000", N_ ("Linear, 1000 steps"), N_ ("The first DDPM and guided-diffusion; if in doubt, this one"), "openai-linear", 1000, FALSE },
  { "cosine-1000", N_ ("Cosine, 1000 steps"), N_ ("guided-diffusion at 64 × 64"), "cosine", 1000, FALSE },
  { "linear-4000", N_ ("Linear, 4000 steps"), N_ ("Upsamplers of improved-diffusion"), "openai-linear", 4000, FALSE },
  { "cosine-4000", N_ ("Cosine, 4000 steps"), N_ ("improved-diffusion with classes"), "cosine", 4000, FALSE },
  { "linear-4000-rescaled", N_ ("Linear, 4000 steps told as 1000"), N_ ("improved-diffusion with rescale_timesteps"), "openai-linear", 4000, TRUE },
  { "cosine-4000-rescaled", N_ ("Cosine, 4000 steps told as 1000"), N_ ("improved-diffusion without classes"), "cosine", 4000, TRUE },
  { "scaled-linear-1000", N_ ("Scaled linear, 1000 steps"), N_ ("Networks trained by the recipe of latent diffusion"), "scaled-linear", 1000, FALSE },
  { "sigmoid-1000", N_ ("Sigmoid, 1000 steps"), N_ ("Large pictures without latents (Jabri et al. 2022)"), "sigmoid-jabri", 1000, FALSE },
};

const SfNoisePreset *
sf_noise_presets (int *n)
{
  *n = G_N_ELEMENTS (rows);
  return rows;
}

const SfNoisePreset *
sf_noise_preset_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_strcmp0 (rows[i].name, name) == 0)
      return &rows[i];
  return NULL;
}

SfNoiseProcess *
sf_noise_preset_make (const SfNoisePreset *self)
{
  SfNoiseProcess *process = sf_noise_process_new_named (self->betas, self->n, 0, 0, NULL);

  if (self->rescaled)
    process->label_scale = 1000.0 / self->n;
  return process;
}

gboolean
sf_noise_preset_matches (const SfNoisePreset *self, const SfNoiseProcess *process)
{
  g_autoptr (SfNoiseProcess) made = sf_noise_preset_make (self);

  if (process->kind != NULL || process->n != made->n || process->label != NULL || process->label_scale != made->label_scale)
    return FALSE;
  for (int t = 0; t < made->n; t++)
    if (fabs (process->beta[t] - made->beta[t]) > 1e-6 * made->beta[t])
      return FALSE;
  return TRUE;
}
