/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "walk.h"

typedef struct
{
  Case *c;
  int results; /* so far */
} Walk;

/* Block of "x" that result number @i is compared with, or -1. */
static int
block_of (Case *c, int i)
{
  const GoldenTensor *index = case_tensor (c, "x_index");

  if (index == NULL)
    return i;
  for (gsize j = 0; j < index->size; j++)
    if (index->value[j] == i)
      return (int) j;
  return -1;
}

static gboolean
compare (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  Walk *self = data;
  int block = block_of (self->c, ++self->results);

  if (block >= 0)
    case_compare_state (self->c, "x", block, y, level->a, TOLERANCE_STATE);
  return TRUE;
}

/* The references have a draw for each step, even for those that stay where they are. */
static void
drop_idle_draws (Replay *noise, const SfNoiseLevel *levels, int n)
{
  if (noise->rows->len == (guint) n)
    for (int k = n - 1; k >= 0; k--)
      if (levels[k].sigma == levels[k + 1].sigma)
        g_array_remove_index (noise->rows, k);
}

void
walk_with (Case *c, const char *sampler, Mix *mix, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels,
           int n, SfSamplerOptions *options)
{
  const GoldenTensor *x = case_need (c, "x"), *index = case_tensor (c, "x_index");
  g_autoptr (SfTensor) y = case_state (c, "x", 0, 4);
  g_autoptr (Replay) noise = replay_new (c, "noise");
  g_autoptr (GError) error = NULL;
  Walk self = { .c = c };
  int results = x->n_dims == 0 ? 0 : (int) (index != NULL ? index->value[index->size - 1] : x->dim[0] - 1);

  for (gsize i = 0; i < sf_tensor_size (y); i++)
    y->data[i] = (SfReal) (y->data[i] / levels[0].a);
  drop_idle_draws (noise, levels, n);
  options->noise = replay_draw;
  options->noise_data = noise;
  options->state = compare;
  options->state_data = &self;
  mix->estimate = case_tensor (c, "pred_xstart") != NULL ? "pred_xstart" : NULL;
  mix->parent.predicts_v = mix->head == SF_PREDICTION_V;
  case_ok (c, sf_sample (sf_sampler_find (sampler), denoiser, process, levels, n, options, (SfRng) { 0 }, y, NULL, &error), &error);
  if (self.results != results)
    case_fail (c, "%d results, not %d", self.results, results);
}

void
walk (Case *c, const char *sampler, Mix *mix, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n,
      SfSamplerOptions *options)
{
  walk_with (c, sampler, mix, &mix->parent, process, levels, n, options);
}

void
walk_set_second (Mix *mix, MixSecond second)
{
  static const SfVariance variance[] = {
    [MIX_SECOND_NONE] = SF_VARIANCE_NONE,
    [MIX_SECOND_RANGE] = SF_VARIANCE_LEARNED_RANGE,
    [MIX_SECOND_LOGVAR] = SF_VARIANCE_LEARNED,
    [MIX_SECOND_VARIANCE] = SF_VARIANCE_LEARNED,
    [MIX_SECOND_EPS2] = SF_VARIANCE_SN,
    [MIX_SECOND_EPSC] = SF_VARIANCE_NPR,
  };

  mix->second = second;
  mix->parent.variance = variance[second];
}

void
walk_compare_labels (Case *c, const SfNoiseLevel *levels, int n)
{
  g_autofree double *labels = g_new (double, n);

  for (int k = 0; k < n; k++)
    labels[k] = levels[k].t;
  case_compare_array (c, "timesteps", labels, n, TOLERANCE_TABLE);
}
