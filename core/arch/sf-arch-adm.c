/* SPDX-License-Identifier: GPL-3.0-or-later */
/* U-Net of improved- and guided-diffusion (UNetModel): also their models for larger pictures, which take the small picture,
 * enlarged, as three more channels.
 */
#include <glib/gi18n.h>

#include "arch/sf-adm.h"

typedef struct
{
  SfNetwork parent;
  SfUnet *unet;
  SfTimeEmbedding time;
  SfHead head;
} Adm;

static SfTensor *
forward (SfNetwork *network, SfContext *cx, SfTensor *x, const double *t, const int *classes)
{
  Adm *self = (Adm *) network;
  g_auto (SfStream) stream = { .x = x };
  g_autoptr (GPtrArray) kept = NULL;

  stream.embedding = sf_time_embedding_forward (&self->time, cx, t, classes, x->n);
  kept = sf_unet_encode (self->unet, cx, &stream);
  sf_unet_decode (self->unet, cx, &stream, kept);
  return sf_head_forward (&self->head, cx, g_steal_pointer (&stream.x), NULL);
}

static void
adm_free (SfNetwork *network)
{
  Adm *self = (Adm *) network;

  g_clear_pointer (&self->unet, sf_unet_free);
  g_free (self);
}

static SfBlock *
double_side (const SfAdm *plan, int channels)
{
  if (plan->by_residual)
    return sf_adm_res_block_new (plan, channels, channels, SF_RESAMPLE_NEAREST);
  return sf_conv_block_new (plan->binder, plan->convolves ? "conv" : NULL,
                            (SfConvBlock) { .in = channels, .out = channels, .resample = SF_RESAMPLE_NEAREST });
}

/* Channels of what the way down kept for block @i of level @level on the way up. */
static int
kept_channels (const SfAdm *plan, int level, int i)
{
  if (i < plan->layers)
    return plan->channels[level];
  return level > 0 ? plan->channels[level - 1] : plan->first;
}

static void
build_up (const SfAdm *plan, SfUnet *unet)
{
  int in = plan->channels[plan->levels - 1], block = 0;

  for (int level = plan->levels - 1; level >= 0; level--)
    for (int i = 0; i <= plan->layers; i++, block++)
      {
        int out = plan->channels[level], layer = 0;

        sf_unet_begin (unet, SF_UNET_UP);
        sf_binder_at (plan->binder, "output_blocks.%d.%d", block, layer++);
        sf_unet_add (unet, sf_adm_res_block_new (plan, in + kept_channels (plan, level, i), out, SF_RESAMPLE_NONE));
        if (plan->attention >> level & 1)
          {
            sf_binder_at (plan->binder, "output_blocks.%d.%d", block, layer++);
            sf_unet_add (unet, sf_adm_attention_block_new (plan, out, TRUE));
          }
        if (level > 0 && i == plan->layers)
          {
            sf_binder_at (plan->binder, "output_blocks.%d.%d", block, layer);
            sf_unet_add (unet, double_side (plan, out));
          }
        in = out;
      }
}

static gboolean
probe (JsonObject *config, const SfWeights *weights)
{
  return sf_weights_have (weights, "input_blocks.0.0.weight") && sf_weights_have (weights, "output_blocks.0.0.in_layers.2.weight");
}

static SfNetwork *
open_network (JsonObject *config, SfWeights *weights, GError **error)
{
  Adm *self = g_new0 (Adm, 1);
  SfNetwork *network = &self->parent;
  SfAdm plan;

  sf_adm_init (&plan, config, weights);
  *network = (SfNetwork) { .forward = forward, .free = adm_free };
  self->unet = sf_unet_new ();
  sf_binder_at_top (plan.binder);
  network->out_channels = sf_adm_peek (&plan, "out.2.weight", 0);
  network->n_classes = sf_adm_peek (&plan, "label_emb.weight", 0);
  sf_adm_compare (&plan, "out_channels", network->out_channels);
  sf_adm_compare (&plan, "num_classes", network->n_classes);
  if (plan.options.error == NULL)
    {
      self->time = sf_adm_bind_time (&plan);
      if (network->n_classes > 0)
        self->time.classes = sf_bind (plan.binder, "label_emb.weight", SF_SHAPE (network->n_classes, plan.embedding));
      sf_adm_build (&plan, self->unet);
      build_up (&plan, self->unet);
      self->head = sf_head_bind (sf_binder_at_top (plan.binder), "out.0", "out.2",
                                 (SfHead) { .in = plan.channels[0], .out = network->out_channels, .groups = SF_ADM_GROUPS, .eps = SF_ADM_EPS });
    }
  network = sf_adm_finish (&plan, network, weights, error);
  sf_adm_clear (&plan);
  return network;
}

const SfArch sf_arch_adm = {
  .name = "adm",
  .label = N_ ("U-Net of guided-diffusion"),
  .probe = probe,
  .open = open_network,
};
