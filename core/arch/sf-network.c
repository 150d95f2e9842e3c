/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "arch/sf-network.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"

#define SF_ITEM(name) extern const SfArch sf_arch_##name;
#include "arch/sf-arch-list.h"
#undef SF_ITEM

static const SfArch *const archs[] = {
#define SF_ITEM(name) &sf_arch_##name,
#include "arch/sf-arch-list.h"
#undef SF_ITEM
};

const SfArch *const *
sf_archs (int *n)
{
  *n = G_N_ELEMENTS (archs);
  return archs;
}

/*** Opening ***/

gboolean
sf_weights_have (const SfWeights *weights, const char *name)
{
  g_autofree char *below = g_strconcat (".", name, NULL);

  for (int i = 0; i < sf_weights_get_n (weights); i++)
    {
      const char *is = sf_weights_get_name (weights, i);

      if (g_str_equal (is, name) || g_str_has_suffix (is, below))
        return TRUE;
    }
  return FALSE;
}

/* Arrays of models that work on the codes of an autoencoder instead of pixels: to be told, not to be tried. */
static const char *const latent_signs[] = {
  "attn2.to_k.weight",                          /* attention to a text */
  "quant_conv.weight",                          /* autoencoder */
  "text_model.embeddings.token_embedding.weight", /* CLIP */
};

static gboolean
is_latent (const SfWeights *weights)
{
  for (gsize i = 0; i < G_N_ELEMENTS (latent_signs); i++)
    if (sf_weights_have (weights, latent_signs[i]))
      return TRUE;
  return FALSE;
}

SfNetwork *
sf_network_open (JsonObject *config, SfWeights *weights, GError **error)
{
  if (is_latent (weights))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL,
                   _ ("%s: this is, or belongs to, a latent-diffusion model; Sfumato runs models that work on pixels so far"),
                   sf_weights_get_path (weights));
      return NULL;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (archs); i++)
    if (archs[i]->probe (config, weights))
      {
        SfNetwork *self = archs[i]->open (config, weights, error);

        if (self != NULL)
          self->arch = archs[i];
        return self;
      }
  g_set_error (error, SF_ERROR, SF_ERROR_MODEL,
               _ ("%s: this is no network that Sfumato knows; it knows the U-Nets of diffusers (UNet2DModel) and of guided-diffusion, and the "
                  "classifiers of guided-diffusion"),
               sf_weights_get_path (weights));
  return NULL;
}

SfNetwork *
sf_network_finish (SfNetwork *self, SfBinder *binder, SfWeights *weights, GError **error)
{
  self->weights = sf_weights_ref (weights);
  self->parameters = sf_binder_finish (binder, &self->unexpected, error);
  if (self->parameters != NULL)
    self->packed = sf_conv2d_plan ((SfParameter *const *) self->parameters->pdata, (int) self->parameters->len, 0);
  else
    g_clear_pointer (&self, sf_network_free);
  return self;
}

void
sf_network_free (SfNetwork *self)
{
  g_clear_pointer (&self->parameters, g_ptr_array_unref);
  g_clear_pointer (&self->unexpected, g_strfreev);
  g_clear_pointer (&self->weights, sf_weights_unref);
  self->free (self);
}

/*** Parameters that make no sense ***/

#define TILE 65536

typedef struct
{
  const SfArray *array;
  gint found; /* atomic */
} Search;

static void
search_tile (gsize begin, gsize end, gpointer data)
{
  Search *self = data;
  float value[1024];

  for (gsize i = begin; i < end; i += G_N_ELEMENTS (value))
    {
      gsize n = MIN (end - i, G_N_ELEMENTS (value));

      sf_array_read (self->array, i, n, value);
      for (gsize k = 0; k < n; k++)
        if (!isfinite (value[k]))
          g_atomic_int_set (&self->found, TRUE);
    }
}

gboolean
sf_network_check_values (const SfNetwork *self, const SfProgress *progress, GError **error)
{
  for (guint i = 0; i < self->parameters->len; i++)
    {
      const SfParameter *parameter = self->parameters->pdata[i];
      Search search = { &parameter->array, FALSE };

      sf_parallel_for (parameter->array.n, TILE, search_tile, &search, progress != NULL ? progress->cancellable : NULL);
      if (sf_progress_stopped (progress, error))
        return FALSE;
      if (search.found)
        {
          g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: the array “%s” holds infinite numbers or NaN; the file is damaged"),
                       sf_weights_get_path (self->weights), parameter->name);
          return FALSE;
        }
      sf_progress_set (progress, (i + 1.0) / self->parameters->len);
    }
  return TRUE;
}

/*** Running ***/

gboolean
sf_network_check_size (const SfNetwork *self, int height, int width, GError **error)
{
  if (self->fixed_size && (height != self->height || width != self->width))
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("This network takes pictures of %d × %d pixels only, not of %d × %d"),
                 self->width, self->height, width, height);
  else if (height < 1 || width < 1 || height % self->divisor != 0 || width % self->divisor != 0)
    g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("This network takes sides that are multiples of %d pixels, not %d × %d"),
                 self->divisor, width, height);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_classes (const SfNetwork *self, const int *classes, int n, GError **error)
{
  if (classes == NULL && self->n_classes > 0)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("This network must be told a class from 0 to %d"), self->n_classes - 1);
      return FALSE;
    }
  if (classes != NULL && self->n_classes == 0)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("This network knows no classes"));
      return FALSE;
    }
  for (int i = 0; classes != NULL && i < n; i++)
    if (classes[i] < -1 || classes[i] >= self->n_classes)
      {
        g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("This network knows classes from 0 to %d; %d is none of them"),
                     self->n_classes - 1, classes[i]);
        return FALSE;
      }
  return TRUE;
}

/* What a run is given besides the picture. */
typedef struct
{
  SfNetwork *network;
  const double *t;
  const int *classes;
} Run;

static SfTensor *
run_network (SfContext *cx, SfTensor *x, gpointer data)
{
  const Run *run = data;

  return run->network->forward (run->network, cx, x, run->t, run->classes);
}

SfTensor *
sf_network_forward (SfNetwork *self, SfContext *cx, SfTensor *x, const double *t, const int *classes)
{
  Run run = { self, t, classes };
  GError *error = NULL;

  if (x == NULL)
    return NULL;
  g_assert (x->c == self->in_channels);
  if (!sf_network_check_size (self, x->h, x->w, &error) || !check_classes (self, classes, x->n, &error))
    {
      sf_context_fail (cx, error);
      sf_tensor_unref (x);
      return NULL;
    }
  sf_context_rehearse (cx, x, run_network, &run, self);
  return run_network (cx, x, &run);
}
