/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-model-gamma.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>

#include "base/sf-error.h"
#include "denoisers/sf-denoiser-network.h"
#include "denoisers/sf-model-cost.h"
#include "diffusion/sf-gamma.h"
#include "tensor/sf-image.h"

/* (transfer full): picture @i as the network sees one. */
static SfTensor *
take_picture (const SfModel *self, const SfTensor *pictures, int i, GError **error)
{
  SfTensor *x = sf_tensor_new (1, pictures->h, pictures->w, self->channels, error);
  gsize n = (gsize) pictures->h * pictures->w;

  if (x == NULL)
    return NULL;
  sf_rgb_to_channels (pictures->data + i * n * 3, n, x->c, x->data);
  sf_scheduler_to_range (self->scheduler, x->data, sf_tensor_size (x));
  return x;
}

static gboolean
check (const SfModel *self, int class, GError **error)
{
  if (!sf_model_check_usable (self, error) || !sf_model_check_class (self, NULL, class, error))
    return FALSE;
  if (self->scheduler->process->kind != NULL)
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s was trained with noise of continuous time; Gamma is for timesteps"), self->label);
  else if (self->n_classes > 0 && class < 0 && !self->drops_class)
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("%s has to be told the class of a picture: give it as “class”"), self->label);
  else
    return TRUE;
  return FALSE;
}

double *
sf_model_estimate_gamma (SfModel *self, const SfTensor *pictures, int class, guint64 seed, const SfProgress *progress, GError **error)
{
  const SfNoiseProcess *process = self->scheduler->process;
  g_autofree double *gamma = g_new0 (double, process->n), *one = g_new (double, process->n);
  g_autoptr (SfContext) context = NULL;
  g_autoptr (SfDenoiser) denoiser = NULL;
  g_autoptr (SfTensor) condition = NULL;
  const gboolean upsampler = self->kind == SF_MODEL_UPSAMPLER;
  SfModelCost cost;

  if (!check (self, class, error) || !sf_model_measure (self, pictures->h, pictures->w, &cost, error) || !sf_model_check_values (self, NULL, error))
    return NULL;
  if (class < 0)
    class = self->drops_class ? self->null_class : -1;
  if (upsampler && (condition = sf_tensor_new (1, pictures->h, pictures->w, self->channels, error)) == NULL)
    return NULL;
  context = sf_context_new (0);
  denoiser = sf_denoiser_network_new (&(SfNetworkUse) {
      .network = self->network,
      .context = context,
      .work = cost.work,
      .prediction = self->scheduler->prediction,
      .variance = self->scheduler->variance,
      .classes = &class,
      .n_classes = self->n_classes > 0,
      .condition = condition,
  });
  for (int i = 0; i < pictures->n; i++) /* one by one: a batch would take the memory of all of them */
    {
      SfProgress part = sf_progress_sub (progress, (double) i / pictures->n, (i + 1.0) / pictures->n);
      const SfRng rng = { .seed = seed, .stream = (guint64) i * process->n };
      g_autoptr (SfTensor) x = take_picture (self, pictures, i, error);

      if (x == NULL || (upsampler && !sf_upsampler_condition (x, self->factor, condition, NULL, error)) ||
          !sf_estimate_gamma (denoiser, process, x, NULL, rng, one, NULL, &part, error))
        return NULL;
      for (int t = 0; t < process->n; t++)
        gamma[t] += one[t] / pictures->n;
    }
  return sf_model_check_files (self, error) ? g_steal_pointer (&gamma) : NULL;
}
