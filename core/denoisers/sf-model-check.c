/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model can be used for. */
#include "denoisers/sf-model.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>

#include "arch/sf-network.h"
#include "base/sf-error.h"

/* Whether what is said about it holds: a checkpoint that only has the name of a known one may turn out to be another. */
static gboolean
is_certain (const SfModel *self)
{
  return self->network != NULL || self->manifest == NULL || self->manifest->parameters == 0;
}

gboolean
sf_model_check_usable (const SfModel *self, GError **error)
{
  int channels = self->channels;

  if (!is_certain (self))
    return TRUE;
  if (self->kind == SF_MODEL_CLASSIFIER)
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s is a classifier: give it as “classifier” beside a model that makes pictures"), self->label);
  else if (self->network == NULL)
    return TRUE;
  else if (channels == 4 || channels > 6)
    {
      g_autofree char *why = g_strdup_printf (_ ("it has %d channels"), channels);

      sf_model_refuse_latent (self->label, why, error);
    }
  else if (channels != 3 && channels != 1)
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s works on %d channels; pictures have 3, or 1"), self->label, channels);
  else if (self->out_channels != channels && self->out_channels != 2 * channels)
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s gives %d channels for %d; it must be as many or twice as many"), self->label,
                 self->out_channels, channels);
  else if (self->scheduler == NULL)
    sf_model_refuse_unknown_process (self, error);
  else
    return TRUE;
  return FALSE;
}

gboolean
sf_model_check_content (const SfModel *self, gboolean has_content, GError **error)
{
  if (has_content || self->kind != SF_MODEL_UPSAMPLER || !is_certain (self))
    return TRUE;
  g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
               _ ("%s adds detail to a picture that is there: choose it to regenerate, and another model to make the picture first"), self->label);
  return FALSE;
}

gboolean
sf_model_check_size (const SfModel *self, int height, int width, GError **error)
{
  if (self->network == NULL)
    return TRUE;
  if (height > 0 && width > 0)
    return sf_network_check_size (self->network, height, width, error);
  g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s does not say how large its pictures are; put their side into its description as “size”"), self->label);
  return FALSE;
}

gboolean
sf_model_check_gamma (const SfModel *self, GError **error)
{
  if (self->gamma_error == NULL)
    return TRUE;
  g_set_error (error, SF_ERROR, SF_ERROR_MODEL,
               _ ("%s. The sampler or schedule that is chosen works with this file: make it anew with “sfumato estimate-gamma”, or choose another"),
               self->gamma_error->message);
  return FALSE;
}

gboolean
sf_model_check_classifier (const SfModel *self, GError **error)
{
  if (self->kind == SF_MODEL_CLASSIFIER || self->network == NULL)
    return TRUE;
  g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s makes pictures and cannot serve as “classifier”: choose a classifier of noisy pictures"), self->label);
  return FALSE;
}

static gboolean
knows_class (const SfModel *self, int class, GError **error)
{
  if ((class >= -1 && class < self->n_classes) || (self->n_classes == 0 && self->network == NULL))
    return TRUE;
  if (self->n_classes == 0)
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("%s knows no classes, so it has no use for “%s”."), self->label, "class");
  else
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("“%s” must be a whole number from %d to %d for %s, but is %d."), "class", 0, self->n_classes - 1,
                 self->label, class);
  return FALSE;
}

gboolean
sf_model_check_class (const SfModel *self, const SfModel *classifier, int class, GError **error)
{
  if (!is_certain (self) || (classifier != NULL && !is_certain (classifier)))
    return TRUE;
  if (classifier == NULL)
    return knows_class (self, class, error);
  if (self->n_classes > 0 && classifier->n_classes > 0 && classifier->n_classes != self->n_classes)
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                 _ ("The classifier “%s” tells %d classes apart, but the model “%s” knows %d: choose the classifier that belongs to it"),
                 classifier->label, classifier->n_classes, self->label, self->n_classes);
  else if (self->height > 0 && classifier->height > 0 && (classifier->height != self->height || classifier->width != self->width))
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                 _ ("The classifier “%s” is for pictures of %d × %d pixels, but the model “%s” makes %d × %d: choose the classifier that belongs to it"),
                 classifier->label, classifier->width, classifier->height, self->label, self->width, self->height);
  else
    return knows_class (classifier, class, error);
  return FALSE;
}
