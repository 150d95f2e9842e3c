/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit.h"

static void
draw_noise (SfTensor *z, guint64 draw, gpointer data)
{
  Comparison *self = data;

  if (draw < SF_EDIT_DRAWS)
    replay_draw (z, self->n_own++, self->own);
  else if (self->start != NULL)
    {
      replay_draw (z, 0, self->start);
      self->start = NULL;
    }
  else
    replay_draw (z, self->n_kept++, self->kept);
}

static gboolean
compare_before (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  Comparison *self = data;

  if (self->model_x != NULL)
    for (int i = 0; i < self->copies; i++)
      case_compare_state (self->c, self->model_x, self->n_before++, y, level->a, TOLERANCE_STATE);
  return TRUE;
}

static gboolean
is_wanted (const Comparison *self, double sigma)
{
  switch (self->results)
    {
    case RESULTS_EACH:
      return TRUE;
    case RESULTS_DOWN:
      return sigma < self->sigma || self->n_results == 0;
    default:
      return sigma <= self->end;
    }
}

static gboolean
compare_result (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  Comparison *self = data;

  if (self->x != NULL && is_wanted (self, level->sigma))
    case_compare_state (self->c, self->x, self->n_results++, y, self->in_sigma ? 1 : level->a, TOLERANCE_STATE);
  self->sigma = level->sigma;
  return TRUE;
}

SfSamplerOptions
comparison_options (Comparison *self)
{
  return (SfSamplerOptions) {
    SF_SAMPLER_OPTIONS,
    .noise = draw_noise,
    .noise_data = self,
    .before = compare_before,
    .before_data = self,
    .state = compare_result,
    .state_data = self,
  };
}

static void
check_count (Case *c, const char *name, gsize count)
{
  const GoldenTensor *tensor = name != NULL ? case_need (c, name) : NULL;

  if (tensor != NULL && tensor->n_dims > 0 && tensor->dim[0] != count)
    case_fail (c, "%s has %" G_GSIZE_FORMAT " entries, not %" G_GSIZE_FORMAT, name, tensor->dim[0], count);
}

void
comparison_end (Comparison *self)
{
  check_count (self->c, self->model_x, self->n_before / MAX (self->copies, 1));
  check_count (self->c, self->x, self->n_results);
}
