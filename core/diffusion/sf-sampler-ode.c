/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The probability flow ODE of Song et al. 2021 with an adaptive integrator.  In sigma space and by u = log sigma it is
 *
 *     dy/du = y - D (y, e^u)
 *
 * which is smooth from pure noise to the image; the last jump, to sigma = 0, is D.
 */
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "diffusion/sf-ode.h"
#include "diffusion/sf-sampling.h"

typedef struct
{
  SfRun *run;
  double from, to; /* u */
  double done;     /* the most so far: a step that was too long is gone back */
} Flow;

static gboolean
flow_slope (double u, const SfTensor *y, SfTensor *dy, double *dz, gpointer data, GError **error)
{
  Flow *self = data;
  SfNoiseLevel level = sf_sampling_level (sf_run_sampling (self->run), exp (u));

  self->done = MAX (self->done, (u - self->from) / (self->to - self->from));
  if (!sf_run_evaluate (self->run, y, &level, self->done, dy, error))
    return FALSE;
  sf_weighted_sum (dy, 2, (double[]) { 1, -1 }, (const SfTensor *[]) { y, dy });
  return TRUE;
}

static gboolean
flow_reached (double u, SfTensor *y, gpointer data, GError **error)
{
  const Flow *self = data;
  SfNoiseLevel level = sf_sampling_level (sf_run_sampling (self->run), exp (u));

  return sf_run_reached (self->run, &level, error);
}

static gboolean
ode_run (SfRun *run, GError **error)
{
  const SfSampling *s = sf_run_sampling (run);
  gboolean clean = s->levels[s->n].sigma == 0;
  const SfNoiseLevel *last = &s->levels[clean ? s->n - 1 : s->n];
  Flow flow = { run, log (s->levels[0].sigma), log (last->sigma) };
  SfOde ode = {
    .slope = flow_slope,
    .reached = s->options->state != NULL ? flow_reached : NULL,
    .data = &flow,
    .rtol = s->options->relative_tolerance,
    .atol = s->options->absolute_tolerance,
  };
  SfTensor *y = sf_run_state (run);

  for (int i = 0; i < SF_ODE_WORK; i++)
    if ((ode.work[i] = sf_run_work (run, i, error)) == NULL)
      return FALSE;
  if (!sf_ode_solve (&ode, flow.from, flow.to, y, NULL, 0, NULL, NULL, error))
    return FALSE;
  if (!clean)
    return TRUE;
  if (!sf_run_evaluate (run, y, last, 1, ode.work[0], error))
    return FALSE;
  memcpy (y->data, ode.work[0]->data, sf_tensor_size (y) * sizeof (SfReal));
  return sf_run_reached (run, &s->levels[s->n], error);
}

const SfSampler sf_sampler_ode = {
  .name = "ode",
  .label = N_ ("Adaptive ODE"),
  .description = N_ ("Exact to a tolerance and takes as many steps as that needs, however many were asked for; slow, for comparisons"),
  .family = SF_FAMILY_ODE,
  .order = 5,
  .extra = 60,
  .output = SF_OUTPUT_DENOISED,
  .history = SF_ODE_SLOPES,
  .own_loop = TRUE,
  .run = ode_run,
};
