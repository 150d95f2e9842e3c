/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-edit.h"

#include <glib/gi18n.h>

#include "base/sf-error.h"
#include "diffusion/sf-sampling.h"
#include "diffusion/sf-timesteps.h"

/* One repeat: what its hooks know. */
typedef struct
{
  const SfEdit *edit;
  const SfSamplerOptions *options; /* the caller's */
  const SfTensor *image;
  const SfNoiseLevel *levels;      /* n + 1 of those that are run */
  int n;
  SfTensor *z;                     /* the noise of what is kept */
  SfNoiseLevel last;               /* of the last evaluation */
  gboolean begun;
  SfRng rng;
  guint64 draws;
} Repeat;

int
sf_edit_steps (int n, double strength)
{
  return MIN ((int) (n * strength), n);
}

/*** What is kept ***/

/* Share of the image in a pixel of @mask where those above @limit are kept, and 1 always. */
static inline double
share (SfKeep keep, SfReal mask, SfReal limit)
{
  return keep == SF_KEEP_FRESH ? mask : mask > limit || mask >= 1;
}

/* y = share * scale (x0 + sigma z) + (1 - share) * y */
static void
put_back (const Repeat *self, double limit, double scale, double sigma, SfTensor *y)
{
  const SfTensor *mask = self->edit->mask;
  gsize size = mask != NULL ? sf_tensor_size (mask) : 0;
  int per_mask = mask != NULL ? y->c / mask->c : 1; /* channels that share a number */

  for (gsize i = 0, at = 0; mask != NULL && i < sf_tensor_size (y); i += per_mask, at = at + 1 < size ? at + 1 : 0)
    {
      double w = share (self->edit->keep, mask->data[at], (SfReal) limit);

      for (gsize j = i; w > 0 && j < i + per_mask; j++)
        {
          double kept = scale * (self->image->data[j] + (sigma > 0 ? sigma * self->z->data[j] : 0));

          y->data[j] = (SfReal) (w < 1 ? w * kept + (1 - w) * y->data[j] : kept);
        }
    }
}

static void
draw (Repeat *self)
{
  SfRng rng = { self->rng.seed, self->rng.stream + SF_EDIT_DRAWS + self->draws };

  if (self->options->noise != NULL)
    self->options->noise (self->z, SF_EDIT_DRAWS + self->draws, self->options->noise_data);
  else
    {
      sf_weighted_sum (self->z, 0, NULL, NULL);
      sf_add_noise (self->z, 1, rng);
    }
  self->draws++;
}

/* Share of the steps that are over. */
static double
over (const Repeat *self, const SfNoiseLevel *level)
{
  int k = 0;

  while (k < self->n && self->levels[k].sigma > level->sigma)
    k++;
  return (double) k / self->n;
}

static gboolean
before (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  Repeat *self = data;

  if (self->begun && self->edit->keep == SF_KEEP_FRESH && self->edit->mask != NULL)
    {
      draw (self);
      put_back (self, 0, 1, level->sigma, y);
    }
  self->begun = TRUE;
  self->last = *level;
  return self->options->before == NULL || self->options->before (y, level, self->options->before_data, error);
}

static gboolean
after (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  Repeat *self = data;
  gboolean end = level->sigma <= self->levels[self->n].sigma;

  if (self->edit->keep == SF_KEEP_ONE_NOISE)
    put_back (self, 0.5, end ? 1 / level->a : 1, end ? 0 : level->sigma, y);
  else if (self->edit->keep == SF_KEEP_NOISIER)
    put_back (self, 1, self->last.a / level->a, self->last.sigma, y);
  else if (self->edit->keep == SF_KEEP_SOFT && !end)
    put_back (self, over (self, level), 1, level->sigma, y);
  return self->options->state == NULL || self->options->state (y, level, self->options->state_data, error);
}

/*** The run ***/

/* y = the result, as an image. */
static gboolean
run (Repeat *self, const SfSampler *sampler, SfDenoiser *denoiser, const SfNoiseProcess *process, SfTensor *y,
     const SfProgress *progress, GError **error)
{
  const SfEdit *edit = self->edit;
  SfSamplerOptions options = *self->options;
  gboolean pure = edit->mask != NULL && edit->strength == 1 && (edit->keep == SF_KEEP_ONE_NOISE || edit->keep == SF_KEEP_FRESH);
  double sigma = pure && edit->pure_sigma > 0 ? edit->pure_sigma : self->levels[0].sigma;

  options.rises = edit->keep == SF_KEEP_FRESH; /* RePaint's walk */
  options.before = before;
  options.state = after;
  options.before_data = options.state_data = self;
  draw (self);
  sf_weighted_sum (y, 2, (double[]) { pure ? 0 : 1, sigma }, (const SfTensor *[]) { self->image, self->z });
  if (!sf_sample (sampler, denoiser, process, self->levels, self->n, &options, self->rng, y, progress, error))
    return FALSE;
  sf_weighted_sum (y, 1, &self->levels[self->n].a, (const SfTensor *[]) { y });
  put_back (self, edit->keep == SF_KEEP_ONE_NOISE ? 0.5 : 1, 1, 0, y);
  return TRUE;
}

static gboolean
check (const SfEdit *self, const SfTensor *image, GError **error)
{
  const SfTensor *mask = self->mask;

  if (!(self->strength >= 0 && self->strength <= 1))
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Editing: strength must be between 0 and 1, not %g"), self->strength);
  else if (self->repeats < 1)
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Editing: it must be repeated once or more, not %d times"), self->repeats);
  else if (mask != NULL && !(mask->h == image->h && mask->w == image->w && (mask->n == 1 || mask->n == image->n) &&
                             (mask->c == 1 || mask->c == image->c)))
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Editing: a mask of %d × %d × %d × %d does not fit images of %d × %d × %d × %d"),
                 mask->n, mask->h, mask->w, mask->c, image->n, image->h, image->w, image->c);
  else
    return TRUE;
  return FALSE;
}

gboolean
sf_edit (const SfEdit *self, const SfSampler *sampler, SfDenoiser *denoiser, const SfNoiseProcess *process,
         const SfNoiseLevel *levels, int n, const SfSamplerOptions *options, SfRng rng, SfTensor *image,
         const SfProgress *progress, GError **error)
{
  static const SfSamplerOptions defaults = { SF_SAMPLER_OPTIONS };
  Repeat repeat = { .edit = self, .options = options != NULL ? options : &defaults, .image = image, .rng = rng };
  g_autoptr (SfTensor) y = NULL;
  g_autoptr (SfTensor) z = NULL;

  if (!check (self, image, error))
    return FALSE;
  repeat.n = sf_edit_steps (n, self->strength);
  repeat.levels = levels + n - repeat.n;
  if (repeat.n == 0)
    return TRUE;
  if ((y = sf_tensor_new_like (image, error)) == NULL || (z = sf_tensor_new_like (image, error)) == NULL)
    return FALSE;
  repeat.z = z;
  for (int i = 0; i < self->repeats; i++)
    {
      SfProgress part = sf_progress_sub (progress, (double) i / self->repeats, (i + 1.0) / self->repeats);

      repeat.begun = FALSE;
      repeat.draws = 0;
      if (!run (&repeat, sampler, denoiser, process, y, &part, error))
        return FALSE;
      sf_weighted_sum (image, 1, (double[]) { 1 }, (const SfTensor *[]) { y });
      repeat.rng.stream += G_GUINT64_CONSTANT (1) << 32;
    }
  return TRUE;
}

SfNoiseLevel *
sf_edit_walk (const SfNoiseLevel *levels, int n, int n_single, int jump, int n_jumps, int *n_walk)
{
  int entries;
  g_autofree int *times = sf_timesteps_jumps (n, n_single, jump, n_jumps, &entries);
  SfNoiseLevel *walk = g_new (SfNoiseLevel, entries);

  for (int i = 0; i < entries; i++)
    walk[i] = levels[n - 1 - times[i]];
  *n_walk = entries - 1;
  return walk;
}
