/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Classifier of noisy pictures of guided-diffusion (EncoderUNetModel): the way down of the U-Net, then one of four ways to make
 * one vector of a picture, which the arrays tell apart.
 */
#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "arch/sf-adm.h"

#define HIDDEN 2048 /* of the pools over all sizes */

typedef struct _Classifier Classifier;
typedef SfTensor *(*Pool) (const Classifier *self, SfContext *cx, SfTensor *x, GPtrArray *kept);

struct _Classifier
{
  SfNetwork parent;
  SfUnet *unet;
  SfTimeEmbedding time;
  Pool pool;
  int heads, dim;     /* of attention pooling */
  SfParameter *place;
  SfLayer norm;
  SfLayer first, last;
};

/*** Pools ***/

static SfTensor *
pool_attention (const Classifier *self, SfContext *cx, SfTensor *x, GPtrArray *kept)
{
  int c = self->heads * self->dim;
  SfTensor *qkv;

  x = sf_group_norm (cx, x, (SfNorm) { self->norm.w, self->norm.b, SF_ADM_GROUPS, SF_ADM_EPS, NULL, SF_ACTIVATION_SILU });
  x = sf_prepend_mean (cx, x, self->place);
  qkv = sf_linear (cx, x, self->first.w, self->first.b, NULL, 1);
  x = sf_attention (cx, (SfHeads) { sf_first_token (cx, sf_tensor_ref (qkv)), 0, self->dim }, (SfHeads) { sf_tensor_ref (qkv), c, self->dim },
                    (SfHeads) { qkv, 2 * c, self->dim }, self->heads, self->dim, 0);
  return sf_linear (cx, x, self->last.w, self->last.b, NULL, 1);
}

static SfTensor *
pool_mean (const Classifier *self, SfContext *cx, SfTensor *x, GPtrArray *kept)
{
  x = sf_group_norm (cx, x, (SfNorm) { self->norm.w, self->norm.b, SF_ADM_GROUPS, SF_ADM_EPS, NULL, SF_ACTIVATION_SILU });
  return sf_linear (cx, sf_mean (cx, x), self->last.w, self->last.b, NULL, 1);
}

/* The means of everything that was kept on the way down, and of x. */
static SfTensor *
pool_sizes (const Classifier *self, SfContext *cx, SfTensor *x, GPtrArray *kept)
{
  SfTensor *means = NULL;

  g_ptr_array_add (kept, x);
  for (guint i = 0; i < kept->len; i++)
    {
      SfTensor *mean = sf_mean (cx, sf_tensor_ref (kept->pdata[i]));

      means = i == 0 ? mean : sf_concat (cx, means, mean);
    }
  means = sf_linear (cx, means, self->first.w, self->first.b, NULL, 1);
  if (self->norm.w != NULL)
    means = sf_group_norm (cx, means, (SfNorm) { self->norm.w, self->norm.b, SF_ADM_GROUPS, SF_ADM_EPS, NULL, SF_ACTIVATION_SILU });
  else
    means = sf_activate (cx, means, SF_ACTIVATION_RELU);
  return sf_linear (cx, means, self->last.w, self->last.b, NULL, 1);
}

/*** The network ***/

static SfTensor *
forward (SfNetwork *network, SfContext *cx, SfTensor *x, const double *t, const int *classes)
{
  Classifier *self = (Classifier *) network;
  g_auto (SfStream) stream = { .x = x };
  g_autoptr (GPtrArray) kept = NULL;

  stream.embedding = sf_time_embedding_forward (&self->time, cx, t, NULL, x->n);
  kept = sf_unet_encode (self->unet, cx, &stream);
  if (self->pool != pool_sizes)
    g_ptr_array_set_size (kept, 0);
  return self->pool (self, cx, g_steal_pointer (&stream.x), kept);
}

static void
classifier_free (SfNetwork *network)
{
  Classifier *self = (Classifier *) network;

  g_clear_pointer (&self->unet, sf_unet_free);
  g_free (self);
}

static gboolean
probe (JsonObject *config, const SfWeights *weights)
{
  return sf_weights_have (weights, "input_blocks.0.0.weight") && !sf_weights_have (weights, "output_blocks.0.0.in_layers.2.weight");
}

/* Channels of all that is kept on the way down, and of the middle. */
static int
count_features (const SfAdm *plan)
{
  int n = plan->first;

  for (int level = 0; level < plan->levels; level++)
    n += plan->channels[level] * (plan->layers + (level < plan->levels - 1));
  return n + plan->channels[plan->levels - 1];
}

/* Height and width are what the learned places are for. */
static void
bind_attention_pool (Classifier *self, const SfAdm *plan)
{
  SfNetwork *network = &self->parent;
  int c = plan->channels[plan->levels - 1], tokens = sf_adm_peek (plan, "out.2.positional_embedding", 1);
  int side = (int) lround (sqrt (MAX (tokens - 1, 1)));

  if (plan->head_dim < 1 || c % plan->head_dim != 0)
    sf_binder_fail (plan->binder, _ ("option “num_head_channels” of the network must be a divisor of %d, for attention pooling"), c);
  self->pool = pool_attention;
  self->dim = MAX (plan->head_dim, 1);
  self->heads = c / self->dim;
  self->norm = sf_bind_norm (plan->binder, "out.0", c, SF_ADM_GROUPS);
  self->place = sf_bind (plan->binder, "out.2.positional_embedding", SF_SHAPE (c, side * side + 1));
  self->first = sf_bind_linear (plan->binder, "out.2.qkv_proj", c, 3 * c);
  self->last = sf_bind_linear (plan->binder, "out.2.c_proj", c, network->out_channels);
  network->fixed_size = TRUE;
  network->height = network->width = side << (plan->levels - 1);
}

static void
bind_size_pool (Classifier *self, const SfAdm *plan, gboolean normalised)
{
  self->pool = pool_sizes;
  self->first = sf_bind_linear (plan->binder, "out.0", count_features (plan), HIDDEN);
  if (normalised)
    self->norm = sf_bind_norm (plan->binder, "out.1", HIDDEN, SF_ADM_GROUPS);
  self->last = sf_bind_linear (plan->binder, normalised ? "out.3" : "out.2", HIDDEN, self->parent.out_channels);
}

static void
bind_mean_pool (Classifier *self, const SfAdm *plan)
{
  int c = plan->channels[plan->levels - 1];

  self->pool = pool_mean;
  self->norm = sf_bind_norm (plan->binder, "out.0", c, SF_ADM_GROUPS);
  self->last = sf_bind_linear (plan->binder, "out.3", c, self->parent.out_channels);
}

static void
bind_pool (Classifier *self, SfAdm *plan)
{
  int *classes = &self->parent.out_channels;

  sf_binder_at_top (plan->binder);
  if ((*classes = sf_adm_peek (plan, "out.2.c_proj.weight", 0)) > 0)
    bind_attention_pool (self, plan);
  else if (sf_adm_peek (plan, "out.0.weight", 1) == 0)
    {
      *classes = sf_adm_peek (plan, "out.3.weight", 0);
      bind_mean_pool (self, plan);
    }
  else
    {
      gboolean normalised = (*classes = sf_adm_peek (plan, "out.3.weight", 0)) > 0;

      if (!normalised)
        *classes = sf_adm_peek (plan, "out.2.weight", 0);
      bind_size_pool (self, plan, normalised);
    }
  sf_adm_compare (plan, "out_channels", *classes);
}

static SfNetwork *
open_network (JsonObject *config, SfWeights *weights, GError **error)
{
  Classifier *self = g_new0 (Classifier, 1);
  SfNetwork *network = &self->parent;
  SfAdm plan;

  sf_adm_init (&plan, config, weights);
  *network = (SfNetwork) { .forward = forward, .free = classifier_free };
  self->unet = sf_unet_new ();
  if (plan.options.error == NULL)
    {
      self->time = sf_adm_bind_time (&plan);
      sf_adm_build (&plan, self->unet);
      bind_pool (self, &plan);
    }
  network = sf_adm_finish (&plan, network, weights, error);
  sf_adm_clear (&plan);
  return network;
}

const SfArch sf_arch_adm_classifier = {
  .name = "adm-classifier",
  .label = N_ ("Classifier of guided-diffusion"),
  .probe = probe,
  .open = open_network,
};
