/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-prediction.h"

#include <glib/gi18n.h>

#include "base/sf-error.h"
#include "diffusion/sf-posterior.h"

const char *
sf_prediction_name (SfPrediction self)
{
  static const char *const names[SF_N_PREDICTIONS] = { "epsilon", "sample", "v", "score", "flow", "previous" };

  return names[self];
}

gboolean
sf_prediction_check (SfPrediction self, const SfNoiseProcess *process, GError **error)
{
  const char *kind = process->kind != NULL ? process->kind->name : "discrete";
  gboolean no_signal = process->kind != NULL ? process->kind->signal (process->p, process->kind->t_max) <= 0
                                             : process->alpha_bar[process->n - 1] == 0;
  gboolean flow = g_str_equal (kind, "flow");

  if ((no_signal && (self == SF_PREDICTION_EPSILON || self == SF_PREDICTION_SCORE)) ||
      (self == SF_PREDICTION_FLOW && !flow) || (self == SF_PREDICTION_V && process->kind != NULL && !g_str_equal (kind, "vp")) ||
      (self == SF_PREDICTION_PREVIOUS && process->kind != NULL))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                   no_signal ? _ ("Prediction “%s” says nothing about the image where the noise process “%s” has no signal left; use “sample” or “v”")
                             : _ ("Prediction “%s” does not go with the noise process “%s”"),
                   sf_prediction_name (self), kind);
      return FALSE;
    }
  return TRUE;
}

void
sf_prediction_weights (SfPrediction self, const SfNoiseLevel *level, const SfNoiseLevel *next, double *state, double *output)
{
  double a = level->a, sigma = level->sigma;
  SfPosterior p;

  switch (self)
    {
    case SF_PREDICTION_EPSILON: /* y - sigma n */
      *state = 1;
      *output = -sigma;
      break;
    case SF_PREDICTION_SAMPLE:
      *state = 0;
      *output = 1;
      break;
    case SF_PREDICTION_V: /* a x - s v */
      *state = a * a;
      *output = -sigma * a;
      break;
    case SF_PREDICTION_SCORE: /* n = -s score */
      *state = 1;
      *output = sigma * sigma * a;
      break;
    case SF_PREDICTION_FLOW: /* x - s u */
      *state = a;
      *output = -sigma * a;
      break;
    case SF_PREDICTION_PREVIOUS: /* mu / a' = keep y + (1 - keep) D */
      p = sf_posterior (level, next);
      *state = -p.keep / (1 - p.keep);
      *output = 1 / (next->a * (1 - p.keep));
      break;
    default:
      g_assert_not_reached ();
    }
}
