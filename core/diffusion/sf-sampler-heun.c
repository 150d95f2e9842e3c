/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Karras et al., "Elucidating the design space of diffusion-based generative models" (2022), algorithm 2. */
#include <glib/gi18n.h>

#include "diffusion/sf-slope.h"

/* y2 = y + (t - s) n(y, s)
 * y + (t - s) (n(y, s) + n(y2, t)) / 2;  into t = 0, where n has no meaning, Euler
 */
static int
heun_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  SfSpan span = sf_span (s, k, stages);
  double h = span.to - span.from;

  stages[span.stages++] = (SfSamplerStage) { .y = 1, .d = { h } };
  if (span.to > 0)
    stages[span.stages++] = (SfSamplerStage) { .y = 1, .d = { h / 2, h / 2 } };
  return span.stages;
}

const SfSampler sf_sampler_heun = {
  .name = "heun",
  .label = N_ ("Heun"),
  .description = N_ ("Looks ahead and corrects each step; precise with few steps, each takes twice the time"),
  .family = SF_FAMILY_COMMON,
  .order = 2,
  .evaluations = 2,
  .extra = -1,
  .inverts = TRUE,
  .uses_churn = TRUE,
  .output = SF_OUTPUT_NOISE,
  .history = 2,
  .plan = heun_plan,
};
