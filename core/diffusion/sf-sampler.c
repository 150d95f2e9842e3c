/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-sampler.h"

#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-error.h"

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

/*** What one can take ***/

/* Whether the run injects noise. */
static gboolean
is_noisy (const SfSampler *self, const SfSamplerOptions *options)
{
  return self->stochastic && (!self->uses_eta || self->always || options->eta > 0);
}

gboolean
sf_sampler_check (const SfSampler *self, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n, const SfSamplerOptions *options, GError **error)
{
  if (!(options->eta >= 0 && options->eta <= 1))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Sampler “%s”: eta must be between 0 and 1, not %g"), self->name, options->eta);
      return FALSE;
    }
  if (options->order < 0 || options->order > self->history)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Sampler “%s” cannot be of order %d"), self->name, options->order);
      return FALSE;
    }
  if (options->churn != 0 && !(options->churn > 0 && self->uses_churn))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Sampler “%s” cannot churn by %g; “euler”, “heun” and “dpm2” can, by 0 or more"),
                   self->name, options->churn);
      return FALSE;
    }
  if (options->gradient != NULL && self->deviation == NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                   _ ("Sampler “%s” cannot shift its mean for classifier guidance; use “ddpm”, or guidance of the score"), self->name);
      return FALSE;
    }
  if (options->corrector.kind != SF_CORRECTOR_NONE && (self->own_loop || !(options->corrector.snr > 0) || options->corrector.steps < 0))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                   self->own_loop ? _ ("Sampler “%s” chooses its steps itself and takes no corrector")
                                  : _ ("Sampler “%s”: the corrector needs a positive signal-to-noise ratio and number of steps"),
                   self->name);
      return FALSE;
    }
  if (options->rises && self->own_loop)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Sampler “%s” chooses its steps itself and cannot resample"), self->name);
      return FALSE;
    }
  if (options->invert && (!self->inverts || is_noisy (self, options)))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                   _ ("Sampler “%s” cannot go from an image to its noise; use “heun”, or “ddim” with eta 0"), self->name);
      return FALSE;
    }
  if (options->gamma != NULL && process->kind != NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Sampler “%s”: a table Gamma belongs to a discrete noise process, not to “%s”"),
                   self->name, process->kind->name);
      return FALSE;
    }
  for (int k = 0; k < n; k++)
    if (levels[k + 1].sigma > levels[k].sigma && !options->rises && !options->invert)
      {
        g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Sampler “%s”: noise levels must fall, but after %g comes %g"), self->name,
                     levels[k].sigma, levels[k + 1].sigma);
        return FALSE;
      }
  for (int k = 0; k <= n; k++)
    if (!(levels[k].sigma >= 0 && isfinite (levels[k].sigma) && levels[k].a > 0) || (k < n && levels[k].sigma == 0))
      {
        g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Sampler “%s” cannot work with the noise level %g at step %d of %d"),
                     self->name, levels[k].sigma, k, n);
        return FALSE;
      }
  return TRUE;
}
