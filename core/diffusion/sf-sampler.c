/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-sampler.h"

#include <math.h>
#include <string.h>

#include "base/sf-parallel.h"

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
  return n > 0 ? self->evaluations * (n - 1) + 1 : 0;
}

gboolean
sf_sample (const SfSampler *self, SfDenoiser *denoiser, const double *sigmas, int n, double eta, SfRng rng,
           SfTensor *y, const SfProgress *progress, GError **error)
{
  SfSampling s = { .sigmas = sigmas, .n = n, .eta = eta, .y = y, .denoiser = denoiser, .rng = rng, .progress = progress };
  gboolean ok = TRUE;

  g_return_val_if_fail (n >= 0 && sigmas[n] == 0 && eta >= 0 && eta <= 1, FALSE);

  if (n > 0)
    ok = (s.denoised = sf_tensor_new_like (y, error)) != NULL;
  s.expected = sf_sampler_evaluations (self, n);
  for (int k = 0; ok && k < n; k++)
    ok = self->step (&s, k, error);

  g_clear_pointer (&s.denoised, sf_tensor_unref);
  for (int i = 0; i < SF_SAMPLING_MAX_STATES; i++)
    g_clear_pointer (&s.work[i], sf_tensor_unref);
  return ok;
}

gboolean
sf_sampling_predict (SfSampling *s, const SfTensor *x, double sigma, GError **error)
{
  SfProgress part = sf_progress_sub (s->progress, (double) s->evaluations / s->expected,
                                     (s->evaluations + 1.0) / s->expected);

  if (!sf_denoiser_predict (s->denoiser, x, sigma, s->denoised, &part, error))
    return FALSE;
  s->evaluations++;
  sf_progress_set (&part, 1);
  return TRUE;
}

SfTensor *
sf_sampling_work (SfSampling *s, int i, GError **error)
{
  g_return_val_if_fail (i >= 0 && i < SF_SAMPLING_MAX_STATES, NULL);

  if (s->work[i] == NULL)
    s->work[i] = sf_tensor_new_like (s->y, error);
  return s->work[i];
}

void
sf_sampling_add_noise (SfSampling *s, double scale)
{
  if (scale == 0)
    return;
  sf_add_noise (s->y, scale, s->rng);
  s->rng.stream++;
}

void
sf_sampling_mix (SfSampling *s, double a, double b)
{
  sf_combine (s->y, a, s->y, b, s->denoised);
}

void
sf_ancestral_split (double s, double t, double eta, double *up, double *down)
{
  *up = MIN (t, eta * t * sqrt ((s - t) * (s + t)) / s);
  *down = sqrt ((t - *up) * (t + *up));
}

/*** Whole states ***/

#define NOISE_TILE 4096   /* a multiple of 4, as sf_rng_normal() works on whole counters; about 0.1 ms */
#define COMBINE_TILE 65536 /* memory bound: a tile must outweigh waking a thread */

typedef struct
{
  float *out;
  const float *x, *z;
  float a, b;
  SfRng rng;
} Operands;

static void
noise_tile (gsize begin, gsize end, gpointer data)
{
  const Operands *o = data;
  float noise[NOISE_TILE];
  float *x = o->out + begin;

  sf_rng_normal (o->rng, begin, noise, end - begin);
  for (gsize i = 0; i < end - begin; i++)
    x[i] += o->a * noise[i];
}

void
sf_add_noise (SfTensor *x, double scale, SfRng rng)
{
  Operands o = { .out = x->data, .a = (float) scale, .rng = rng };

  sf_parallel_for (sf_tensor_size (x), NOISE_TILE, noise_tile, &o, NULL);
}

static void
combine_tile (gsize begin, gsize end, gpointer data)
{
  const Operands *o = data;
  float *out = o->out;
  const float *x = o->x, *z = o->z, a = o->a, b = o->b;

  /* out may be x or z: each element is read before it is written, which is all that simd needs. */
#pragma omp simd
  for (gsize i = begin; i < end; i++)
    out[i] = a * x[i] + b * z[i];
}

void
sf_combine (SfTensor *out, double a, const SfTensor *x, double b, const SfTensor *z)
{
  Operands o = { .out = out->data, .x = x->data, .z = z->data, .a = (float) a, .b = (float) b };

  g_return_if_fail (sf_tensor_same_shape (out, x) && sf_tensor_same_shape (out, z));

  sf_parallel_for (sf_tensor_size (out), COMBINE_TILE, combine_tile, &o, NULL);
}
