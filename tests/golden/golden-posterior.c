/* SPDX-License-Identifier: GPL-3.0-or-later */
/* improved-diffusion: q and p at single timesteps, one for each image. */
#include <math.h>

#include "diffusion/sf-posterior.h"
#include "diffusion/sf-sampling.h"
#include "openai.h"
#include "reference.h"

/* One image, at its timestep. */
typedef struct
{
  Case *c;
  gsize image;
  const SfNoiseProcess *process;
  SfNoiseLevel from, to;
  SfPosterior posterior;
  double floor; /* for log 0, of a x0 + s n */
  Mix *mix;
  SfTensor *x0, *y, *second;
} Single;

static void
compare_scaled (const Single *self, const char *name, double w1, const SfTensor *x1, double w2, const SfTensor *x2)
{
  g_autoptr (SfTensor) sum = sf_tensor_new_like (x1, NULL);

  sf_weighted_sum (sum, 2, (double[]) { w1, w2 }, (const SfTensor *[]) { x1, x2 });
  case_compare_state (self->c, name, self->image, sum, 1, TOLERANCE_STATE);
}

/* The same number in the whole of block @image. */
static void
compare_constant (const Single *self, const char *name, double value)
{
  g_autoptr (SfTensor) same = sf_tensor_new_like (self->x0, NULL);

  for (gsize i = 0; i < sf_tensor_size (same); i++)
    same->data[i] = (SfReal) value;
  case_compare_state (self->c, name, self->image, same, 1, TOLERANCE_STATE);
}

static void
compare_q (Single *self)
{
  double a = self->from.a, s = self->from.sigma * a, scale = self->to.a, keep = self->posterior.keep;
  double small = self->posterior.small, log_small = small > 0 ? log (small) + 2 * log (scale) : self->floor;
  g_autoptr (SfTensor) noise = case_state (self->c, "noise", self->image, 3);

  sf_weighted_sum (self->y, 2, (double[]) { 1, self->from.sigma }, (const SfTensor *[]) { self->x0, noise });
  case_compare_state (self->c, "x_t", self->image, self->y, a, TOLERANCE_STATE);
  case_compare_state (self->c, "q_mean", self->image, self->x0, a, TOLERANCE_STATE);
  case_compare_number (self->c, "q_var", self->image, s * s, TOLERANCE_TABLE);
  compare_scaled (self, "post_mean", scale * keep, self->y, scale * (1 - keep), self->x0);
  case_compare_number (self->c, "post_var", self->image, scale * scale * small, TOLERANCE_TABLE);
  case_compare_number (self->c, "post_logvar_clipped", self->image, log_small, TOLERANCE_TABLE);
}

/* "p_mean" and "p_xstart"; where the network gives the mean itself, clipping leaves it alone. */
static void
compare_mean (const Single *self, const char *mean, const char *estimate, const SfTensor *denoised, const SfTensor *clipped)
{
  double keep = self->posterior.keep, scale = self->to.a;
  const SfTensor *used = self->mix->head == SF_PREDICTION_PREVIOUS ? denoised : clipped;

  case_compare_state (self->c, estimate, self->image, clipped, 1, TOLERANCE_STATE);
  compare_scaled (self, mean, scale * keep, self->y, scale * (1 - keep), used);
}

static void
compare_variance (const Single *self)
{
  double scale = self->to.a, large = scale * scale * self->posterior.large, small = scale * scale * self->posterior.small;
  gboolean last = self->to.sigma == 0;
  g_autoptr (SfTensor) deviation = sf_tensor_new_like (self->x0, NULL);

  if (!sf_variance_is_learned (self->mix->parent.variance))
    {
      double fixed = last ? self->floor : openai_large (self->c) ? log (large)
                                                                 : log (small);

      compare_constant (self, "p_logvar", fixed);
      compare_constant (self, "p_var", openai_large (self->c) ? exp (fixed) : small);
      return;
    }
  sf_learned_deviation (self->mix->parent.variance, &self->from, &self->to, sf_posterior_floor (self->process), self->second, deviation);
  for (gsize i = 0; i < sf_tensor_size (deviation); i++)
    deviation->data[i] = (SfReal) (2 * log (scale * deviation->data[i]));
  case_compare_state (self->c, "p_logvar", self->image, deviation, 1, TOLERANCE_STATE);
  for (gsize i = 0; i < sf_tensor_size (deviation); i++)
    deviation->data[i] = (SfReal) exp (deviation->data[i]);
  case_compare_state (self->c, "p_var", self->image, deviation, 1, TOLERANCE_STATE);
}

static void
run_single (Single *self)
{
  gboolean learned = self->mix->parent.variance != SF_VARIANCE_NONE;
  g_autoptr (SfTensor) denoised = sf_tensor_new_like (self->x0, NULL);
  g_autoptr (SfTensor) clipped = NULL;

  compare_q (self);
  sf_denoiser_predict (&self->mix->parent, self->y, &self->from, denoised, learned ? self->second : NULL, NULL, NULL);
  compare_mean (self, "p_mean", "p_xstart", denoised, denoised);
  clipped = sf_tensor_copy (denoised, NULL);
  sf_clip (&(SfClip) { .kind = SF_CLIP_STATIC }, clipped);
  compare_mean (self, "p_mean_clip", "p_xstart_clip", denoised, clipped);
  compare_scaled (self, "eps_from_clipped_xstart", 1 / self->from.sigma, self->y, -1 / self->from.sigma, clipped);
  compare_variance (self);
}

static void
run (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  const GoldenTensor *t = case_need (c, "t");
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;

  if (process == NULL)
    return;
  case_node (c, "t"); /* the same as the tensor */
  openai_set_model (c, mix, process);
  for (gsize i = 0; i < t->size; i++)
    {
      g_autoptr (SfTensor) x0 = case_state (c, "x0", i, 3);
      g_autoptr (SfTensor) y = sf_tensor_new_like (x0, NULL);
      g_autoptr (SfTensor) second = sf_tensor_new_like (x0, NULL);
      Single single = { .c = c, .image = i, .process = process, .mix = mix, .x0 = x0, .y = y, .second = second };

      single.from = sf_noise_process_level (process, t->value[i]);
      single.to = t->value[i] > 0 ? sf_noise_process_level (process, t->value[i] - 1) : sf_noise_level_clean ();
      single.posterior = sf_posterior (&single.from, &single.to);
      single.floor = sf_posterior_floor (process);
      run_single (&single);
    }
}

const GoldenGroup golden_posterior = { "posterior", run };
