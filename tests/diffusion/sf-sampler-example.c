/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole sampler.  This file as core/diffusion/sf-sampler-example.c, and 'example' in the list of
 * core/diffusion/meson.build, are all it takes to have it in the dialog, in scripts, in the command-line tool and in
 * the tests.
 */
#include <glib/gi18n.h>

#include "diffusion/sf-sampling.h"

/* Ralston: two thirds of the step, to m = s + 2/3 (t - s), then all of it with both slopes.
 * y2 = y + (m - s) n(y, s)
 * y + (t - s) (n(y, s) + 3 n(y2, m)) / 4;  into t = 0 Euler
 */
static int
example_plan (const SfSampling *s, int k, SfSamplerStage *stages)
{
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma, h = to - from;

  stages[0] = (SfSamplerStage) { .y = 1, .d = { h } };
  if (to == 0)
    return 1;
  stages[0] = (SfSamplerStage) { .y = 1, .d = { 2 * h / 3 }, .level = sf_sampling_level (s, from + 2 * h / 3) };
  stages[1] = (SfSamplerStage) { .y = 1, .d = { 3 * h / 4, h / 4 } }; /* the newest slope first */
  return 2;
}

const SfSampler sf_sampler_example = {
  .name = "example",
  .label = N_ ("Ralston"),
  .description = N_ ("Looks two thirds ahead in each step; precise, each step takes twice the time"),
  .family = SF_FAMILY_ODE,
  .order = 2,
  .evaluations = 2,
  .extra = -1,               /* the last step takes one less */
  .output = SF_OUTPUT_NOISE, /* d[] weigh the slopes n = (y - D) / s, not D */
  .history = 2,
  .plan = example_plan,
};
