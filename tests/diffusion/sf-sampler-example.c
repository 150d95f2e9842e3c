/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole sampler.  This file as core/diffusion/sf-sampler-example.c, and 'example' in the list of
 * core/diffusion/meson.build, are all it takes to have it in the dialog, in scripts, in the command-line tool and in
 * the tests.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-sampling.h"

/* Midpoint: the slope n of the whole step is that in its middle, m = sqrt(s t).
 * y2 = y + (m - s) n(y, s)
 * y + (t - s) n(y2, m);  into t = 0, which has no such middle, Euler
 */
static int
example_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma, middle = sqrt (from * to);

  if (to == 0)
    {
      stages[0] = (SfSamplerStage) { .y = 1, .d = { to - from } };
      return 1;
    }
  stages[0] = (SfSamplerStage) { .y = 1, .d = { middle - from }, .level = sf_sampling_level (s, middle) };
  stages[1] = (SfSamplerStage) { .y = 1, .d = { to - from } };
  return 2;
}

const SfSampler sf_sampler_example = {
  .name = "example",
  .label = N_ ("Midpoint"),
  .description = N_ ("Looks into the middle of each step; precise, each step takes twice the time"),
  .family = SF_FAMILY_ODE,
  .order = 2,
  .evaluations = 2,
  .extra = -1,
  .output = SF_OUTPUT_NOISE, /* d[] weigh n = (y - D) / s, not D */
  .history = 1,
  .stages = 2,
  .plan = example_plan,
};
