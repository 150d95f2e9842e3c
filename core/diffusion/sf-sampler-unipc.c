/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zhao et al., "UniPC: a unified predictor-corrector framework for fast sampling of diffusion models" (2023).
 *
 * Predicted states are only there to be evaluated: the next step goes the last one again, from where that began, with what was
 * found.  So the base stays where the corrected state is.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-quadrature.h"
#include "diffusion/sf-slope.h"

#define DEFAULT_ORDER 3

/* The step from levels[i] to the next, with the outputs from number @j on, that of levels[i] first; if @found, with the one before
 * too, that of the end.
 *
 * ratio y - A (phi_1 m_i + sum of w (m - m_i) / r),  r = how many steps m is away.  As UniPC's B (h) divides out of the weights w,
 * it acts only where there is one difference, whose weight is B / 2.
 */
static SfSamplerStage
step (const SfSampling *s, int i, int j, int order, gboolean found)
{
  gboolean noise = s->sampler->output == SF_OUTPUT_NOISE;
  double from = s->levels[i].sigma, to = s->levels[i + 1].sigma, h = log (from / to), g = noise ? h : -h, a = noise ? to : 1;
  double phi[SF_MAX_HISTORY], r[SF_MAX_HISTORY], w[SF_MAX_HISTORY], factorial = 1;
  SfSamplerStage stage = { .y = noise ? 1 : to / from };
  int n = order - 1 + found;

  sf_phi (g, n + 1, phi);
  stage.d[j] = -a * phi[0];
  for (int m = 0; m < n; m++)
    {
      r[m] = m < order - 1 ? log (from / s->levels[i - m - 1].sigma) / h : 1;
      phi[m + 1] *= factorial *= m + 1;
    }
  sf_quadrature (r, n, phi + 1, w);
  if (n == 1)
    w[0] = (s->options->solver == SF_SOLVER_BH1 ? g : phi[0]) / 2;
  for (int m = 0; m < n; m++)
    {
      int other = m < order - 1 ? j + m + 1 : 0;

      stage.d[other] -= a * w[m] / r[m];
      stage.d[j] += a * w[m] / r[m];
    }
  return stage;
}

static int
order_of (const SfSampling *s, int k, int past)
{
  int order = s->options->order > 0 ? MIN (s->options->order, s->sampler->history - 1) : DEFAULT_ORDER;

  return sf_sampling_order_within (s, k, s->options->full_order_last ? order : MIN (order, s->n - k), past);
}

static gboolean
is_corrected (const SfSampling *s, int k, int past)
{
  return past > 0 && s->levels[k - 1].sigma != s->levels[k].sigma && (k > 64 || !(s->options->uncorrected >> (k - 1) & 1));
}

static int
unipc_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma;
  gboolean correct = is_corrected (s, k, s->past);
  SfSamplerStage *last = &stages[correct ? 1 : 0];

  if (correct)
    {
      stages[0] = step (s, k - 1, 1, order_of (s, k - 1, s->past - 1), TRUE);
      stages[0].level = s->levels[k];
      stages[0].new_base = TRUE;
    }
  *last = to > 0 && to != from ? step (s, k, 0, order_of (s, k, s->past), FALSE) : sf_straight (s, from, to);
  last->no_evaluation = correct;
  last->keep_base = k + 1 < s->n && is_corrected (s, k + 1, s->past + 1);
  return correct ? 2 : 1;
}

const SfSampler sf_sampler_unipc = {
  .name = "unipc",
  .label = N_ ("UniPC"),
  .description = N_ ("Corrects each step by the next one at no cost; precise from 8 steps"),
  .family = SF_FAMILY_EXPONENTIAL,
  .order = 3,
  .evaluations = 1,
  .history = 5,
  .plan = unipc_plan,
};
