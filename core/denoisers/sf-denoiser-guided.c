/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-denoiser-guided.h"

#include <string.h>

#include "diffusion/sf-sampling.h"

/* Working memory of the shape of @x, kept from call to call. */
static gboolean
keep_like (SfTensor **kept, const SfTensor *x, GError **error)
{
  if (*kept != NULL && sf_tensor_same_shape (*kept, x))
    return TRUE;
  sf_tensor_unref (*kept);
  return (*kept = sf_tensor_new_like (x, error)) != NULL;
}

/*** Without a classifier ***/

typedef struct
{
  SfDenoiser parent;
  SfGuidance guidance;
  SfDenoiser *part[SF_N_GUIDANCE]; /* third: (nullable) */
  SfTensor *work[SF_N_GUIDANCE];   /* (nullable) their predictions but for the conditional's, or the momentum */
  int calls;
} Guided;

/* x = w[0] y + w[1] x: from D to what is combined, and back. */
static void
convert (const SfTensor *y, double state, double output, SfTensor *x)
{
  sf_weighted_sum (x, 2, (double[]) { state, output }, (const SfTensor *[]) { y, x });
}

static gboolean
guided_predict (SfDenoiser *denoiser, const SfTensor *y, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
                const SfProgress *progress, GError **error)
{
  Guided *self = (Guided *) denoiser;
  const SfGuidance *guidance = &self->guidance;
  SfTensor *x[SF_N_GUIDANCE] = { [SF_GUIDANCE_CONDITIONAL] = denoised };
  int n = sf_guidance_is_off (guidance) || level->sigma == 0 ? 0 : SF_N_GUIDANCE;
  double state = 0, output = 1, parts = 1, done = 1;
  SfProgress part;

  for (int i = 0; i < n; i++)
    parts += i != SF_GUIDANCE_CONDITIONAL && self->part[i] != NULL;
  part = sf_progress_sub (progress, 0, 1 / parts);
  if (!sf_denoiser_predict (self->part[SF_GUIDANCE_CONDITIONAL], y, level, denoised, variance, &part, error))
    return FALSE;
  for (int i = 0; i < n; i++)
    if (i != SF_GUIDANCE_CONDITIONAL && (i != SF_GUIDANCE_THIRD || guidance->kind->third))
      {
        part = sf_progress_sub (progress, done / parts, (done + 1) / parts);
        done += self->part[i] != NULL;
        if (!keep_like (&self->work[i], y, error) ||
            (self->part[i] != NULL && !sf_denoiser_predict (self->part[i], y, level, self->work[i], NULL, &part, error)))
          return FALSE;
        x[i] = self->work[i];
      }
  if (n == 0)
    return TRUE;
  if (self->calls++ < guidance->zero_first)
    {
      sf_prediction_weights (guidance->prediction, level, NULL, &state, &output);
      sf_weighted_sum (denoised, 1, &state, &y);
      return TRUE;
    }
  if (level->sigma < SF_NOISE_SIGMA_PURE) /* else the noise is all, and its error nothing but rounding */
    sf_prediction_weights (guidance->prediction, level, NULL, &state, &output);
  for (int i = 0; i < n; i++)
    if (self->part[i] != NULL)
      convert (y, -state / output, 1 / output, x[i]);
  sf_guide (guidance, denoised, x[SF_GUIDANCE_UNCONDITIONAL], x[SF_GUIDANCE_THIRD]);
  convert (y, state, output, denoised);
  return TRUE;
}

static void
guided_free (SfDenoiser *denoiser)
{
  Guided *self = (Guided *) denoiser;

  for (int i = 0; i < SF_N_GUIDANCE; i++)
    {
      sf_denoiser_free (self->part[i]);
      sf_tensor_unref (self->work[i]);
    }
  g_free (self);
}

SfDenoiser *
sf_denoiser_guided_new (const SfGuidance *guidance, SfDenoiser *conditional, SfDenoiser *unconditional, SfDenoiser *third)
{
  Guided *self = g_new0 (Guided, 1);

  g_return_val_if_fail (guidance->prediction != SF_PREDICTION_PREVIOUS, NULL);
  g_return_val_if_fail ((third != NULL) == (guidance->kind->third && !guidance->kind->momentum), NULL);

  *self = (Guided) {
    .parent = { .predict = guided_predict, .free = guided_free, .variance = conditional->variance },
    .guidance = *guidance,
    .part = { [SF_GUIDANCE_UNCONDITIONAL] = unconditional, [SF_GUIDANCE_CONDITIONAL] = conditional, [SF_GUIDANCE_THIRD] = third },
  };
  return &self->parent;
}

/*** With a classifier ***/

typedef struct
{
  SfDenoiser parent;
  SfDenoiser *denoiser;
  SfGradientFunc gradient;
  gpointer data;
  SfClip clip;
  SfTensor *work; /* (nullable) the gradient */
} Classified;

/* n -= s gradient, so D += sigma s gradient */
static gboolean
classified_predict (SfDenoiser *denoiser, const SfTensor *y, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
                    const SfProgress *progress, GError **error)
{
  Classified *self = (Classified *) denoiser;

  if (!keep_like (&self->work, y, error) ||
      !sf_denoiser_predict (self->denoiser, y, level, denoised, variance, progress, error) ||
      !self->gradient (y, level, self->work, self->data, progress, error))
    return FALSE;
  sf_clip (&self->clip, denoised);
  sf_weighted_sum (denoised, 2, (double[]) { 1, level->sigma * level->sigma * level->a }, (const SfTensor *[]) { denoised, self->work });
  return TRUE;
}

static void
classified_free (SfDenoiser *denoiser)
{
  Classified *self = (Classified *) denoiser;

  sf_denoiser_free (self->denoiser);
  sf_tensor_unref (self->work);
  g_free (self);
}

SfDenoiser *
sf_denoiser_classified_new (SfDenoiser *denoiser, SfGradientFunc gradient, gpointer data, const SfClip *clip)
{
  Classified *self = g_new0 (Classified, 1);

  *self = (Classified) {
    .parent = { .predict = classified_predict, .free = classified_free, .variance = denoiser->variance },
    .denoiser = denoiser,
    .gradient = gradient,
    .data = data,
    .clip = *clip,
  };
  return &self->parent;
}
