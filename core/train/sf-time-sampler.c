/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loss-second-moment: Nichol & Dhariwal 2021, equation 18.  Logit-normal: Esser et al. 2024. */
#include "train/sf-time-sampler.h"

#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-error.h"

struct _SfTimeSampler
{
  const SfTimeSamplerKind *kind;
  SfTimeSamplerOptions options;
  int n;                /* timesteps; 0 = continuous */
  double t_min, t_max;
  double *loss;         /* (nullable) n rings of options.history */
  int *seen;            /* (nullable) how many losses of each timestep were ever told */
};

/*** Kinds ***/

static double
place_uniform (const SfTimeSamplerOptions *options, double uniform, double normal)
{
  return uniform;
}

static double
place_logit_normal (const SfTimeSamplerOptions *options, double uniform, double normal)
{
  return 1 / (1 + exp (-options->mean - options->deviation * normal));
}

static const SfTimeSamplerKind kinds[] = {
  { "uniform", N_ ("Uniform"), N_ ("Every timestep equally often"), place_uniform },
  { "logit-normal", N_ ("Logit-normal"), N_ ("The middle more often than the ends, for flow matching"), place_logit_normal },
  { "loss-second-moment", N_ ("By the losses"), N_ ("More often where the losses are large; steadies the training of likelihoods"), NULL },
};

const SfTimeSamplerKind *
sf_time_sampler_kinds (int *n)
{
  *n = G_N_ELEMENTS (kinds);
  return kinds;
}

const SfTimeSamplerKind *
sf_time_sampler_kind_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kinds[i].name, name) == 0)
      return &kinds[i];
  return NULL;
}

/*** One ***/

SfTimeSampler *
sf_time_sampler_new (const SfTimeSamplerKind *kind, const SfNoiseProcess *process, const SfTimeSamplerOptions *options, GError **error)
{
  SfTimeSampler *self;

  g_return_val_if_fail (options->history > 0 && options->uniform > 0 && options->uniform <= 1, NULL);

  if (kind->place == NULL && process->kind != NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Timesteps “%s” cannot be drawn from the continuous noise process “%s”"),
                   kind->name, process->kind->name);
      return NULL;
    }
  self = g_new (SfTimeSampler, 1);
  *self = (SfTimeSampler) { .kind = kind, .options = *options, .n = process->n };
  if (process->kind != NULL)
    {
      self->t_min = process->kind->t_min;
      self->t_max = process->kind->t_max;
    }
  if (kind->place == NULL)
    {
      self->loss = g_new0 (double, (gsize) self->n * options->history);
      self->seen = g_new0 (int, self->n);
    }
  return self;
}

void
sf_time_sampler_free (SfTimeSampler *self)
{
  if (self == NULL)
    return;
  g_free (self->loss);
  g_free (self->seen);
  g_free (self);
}

void
sf_time_sampler_update (SfTimeSampler *self, int n, const double *t, const double *loss)
{
  if (self->loss == NULL)
    return;
  for (int i = 0; i < n; i++)
    {
      int k = (int) t[i], history = self->options.history;

      g_return_if_fail (k >= 0 && k < self->n);

      self->loss[(gsize) k * history + self->seen[k] % history] = loss[i];
      self->seen[k] = self->seen[k] + 1 < 2 * history ? self->seen[k] + 1 : history; /* counts on without end */
    }
}

/* p ~ sqrt (mean loss^2), mixed with a little of the uniform */
gboolean
sf_time_sampler_probabilities (const SfTimeSampler *self, double *p)
{
  int history = self->options.history;
  double sum = 0;
  gboolean warm = self->loss != NULL;

  for (int k = 0; k < self->n && warm; k++)
    warm = self->seen[k] >= history;
  for (int k = 0; k < self->n; k++)
    {
      p[k] = warm ? 0 : 1;
      for (int i = 0; warm && i < history; i++)
        p[k] += pow (self->loss[(gsize) k * history + i], 2) / history;
      sum += p[k] = sqrt (p[k]);
    }
  for (int k = 0; k < self->n; k++)
    p[k] = sum > 0 ? p[k] / sum * (1 - self->options.uniform) + self->options.uniform / self->n : 1.0 / self->n;
  return warm;
}

/* 53 random bits, inside of (0, 1). */
static double
uniform (SfRng rng, guint64 index)
{
  guint32 words[4];

  sf_rng_words (rng, index, words);
  return ((words[0] >> 5) * 67108864.0 + (words[1] >> 6) + 0.5) / 9007199254740992.0;
}

/* The first k with p[0] + … + p[k] > @u. */
static int
choose (const double *p, int n, double u)
{
  int k = 0;

  for (double sum = p[0]; sum <= u && k < n - 1; sum += p[k])
    k++;
  return k;
}

void
sf_time_sampler_draw (const SfTimeSampler *self, SfRng rng, int n, double *t, double *weight)
{
  g_autofree double *p = self->loss != NULL ? g_new (double, self->n) : NULL;

  if (p != NULL)
    sf_time_sampler_probabilities (self, p);
  for (int i = 0; i < n; i++)
    {
      float normal[4];
      double u = uniform (rng, i);

      weight[i] = 1;
      if (p != NULL)
        {
          t[i] = choose (p, self->n, u);
          weight[i] = 1 / (self->n * p[(int) t[i]]);
          continue;
        }
      sf_rng_normal ((SfRng) { rng.seed, rng.stream + 1 }, 4 * (guint64) i, normal, 4);
      u = self->kind->place (&self->options, u, normal[0]);
      t[i] = self->n > 0 ? MIN (floor (u * self->n), self->n - 1) : self->t_min + u * (self->t_max - self->t_min);
    }
}
