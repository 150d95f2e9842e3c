/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole sampler.  This file as core/diffusion/sf-sampler-example.c, and 'example' in the list of
 * core/diffusion/meson.build, are all it takes to have it in the dialog, in scripts, in the command-line tool and in
 * the tests.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "diffusion/sf-sampler.h"

/* Midpoint: the slope of the whole step is that in its middle, m = sqrt(s t).
 * y2 = y + (m - s) (y - D(y, s)) / s
 * y + (t - s) (y2 - D(y2, m)) / m;  into t = 0, which has no such middle, Euler
 */
static gboolean
example_step (SfSampling *s, int k, GError **error)
{
  double from = s->sigmas[k], to = s->sigmas[k + 1], middle = sqrt (from * to);
  SfTensor *y2 = sf_sampling_work (s, 0, error);

  if (y2 == NULL || !sf_sampling_predict (s, s->y, from, error))
    return FALSE;
  if (to == 0)
    {
      sf_sampling_mix (s, 0, 1);
      return TRUE;
    }
  sf_combine (y2, middle / from, s->y, 1 - middle / from, s->denoised);
  if (!sf_sampling_predict (s, y2, middle, error))
    return FALSE;
  sf_combine (s->y, 1, s->y, (to - from) / middle, y2);
  sf_sampling_mix (s, 1, -(to - from) / middle);
  return TRUE;
}

const SfSampler sf_sampler_example = {
  .name = "example",
  .label = N_ ("Midpoint"),
  .description = N_ ("Looks into the middle of each step; precise, each step takes twice the time"),
  .order = 2,
  .evaluations = 2,
  .step = example_step,
};
