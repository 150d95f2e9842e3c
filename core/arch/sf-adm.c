/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "arch/sf-adm.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>

#define MOST_CHANNELS 65536
#define MOST_BLOCKS 256

static const SfRenaming renamings[] = {
  { "norm1", "in_layers.0" },
  { "conv1", "in_layers.2" },
  { "time_emb_proj", "emb_layers.1" },
  { "norm2", "out_layers.0" },
  { "conv2", "out_layers.3" },
  { "conv_shortcut", "skip_connection" },
  { "group_norm", "norm" },
  { "to_out.0", "proj_out" },
  { NULL, NULL },
};

/*** What the arrays tell ***/

int
sf_adm_peek (const SfAdm *self, const char *name, int i)
{
  const SfArray *array = sf_binder_peek (self->binder, name);

  return array != NULL && i < array->n_dims ? (int) MIN (array->dim[i], MOST_CHANNELS) : 0;
}

/* The same of layer @layer of a block on the way down. */
static int
peek_input (const SfAdm *self, int block, int layer, const char *name, int i)
{
  sf_binder_at (self->binder, "input_blocks.%d.%d", block, layer);
  return sf_adm_peek (self, name, i);
}

static gboolean
is_residual (const SfAdm *self, int block)
{
  return peek_input (self, block, 0, "conv1.weight", 0) > 0;
}

/* Number of blocks on the way down, besides the first convolution.  One that learns nothing has no arrays; the last one has. */
static int
count_blocks (const SfAdm *self)
{
  int n = 0;

  while (n < MOST_BLOCKS && (is_residual (self, n + 1) || is_residual (self, n + 2)))
    n++;
  return n;
}

/* Whether a residual block on the way up doubles the size at the end of block @block. */
static gboolean
doubles (const SfAdm *self, int block)
{
  for (int layer = 1; layer <= 2; layer++)
    if (sf_binder_peek (sf_binder_at (self->binder, "output_blocks.%d.%d", block, layer), "conv1.weight") != NULL)
      return TRUE;
  return FALSE;
}

/* Whether @n blocks can be levels of @layers residual blocks with a change of size between each two. */
static gboolean
is_plausible (const SfAdm *self, int n, int layers)
{
  int period = layers + 1;
  gboolean by_residual = is_residual (self, period), has_way_up;

  if ((n + 1) % period != 0)
    return FALSE;
  for (int i = 1; i <= n; i++)
    {
      int level_begin = i - (i - 1) % period;
      gboolean changes_size = i % period == 0, residual = is_residual (self, i);
      gboolean attends = peek_input (self, i, 1, "qkv.weight", 0) > 0;
      gboolean widens = peek_input (self, i, 0, "conv1.weight", 0) != peek_input (self, i, 0, "conv1.weight", 1);

      if (changes_size ? residual != by_residual || attends || widens
                       : !residual || (widens && i != level_begin) || attends != (peek_input (self, level_begin, 1, "qkv.weight", 0) > 0))
        return FALSE;
    }
  has_way_up = sf_binder_peek (sf_binder_at (self->binder, "output_blocks.0.0"), "conv1.weight") != NULL;
  for (int i = 0; has_way_up && i < layers; i++)
    if (doubles (self, i))
      return FALSE;
  return !has_way_up || doubles (self, layers) == (by_residual && n > layers);
}

static void
read_layers (SfAdm *self, int n)
{
  int candidates = 0;

  for (int layers = 1; layers <= n; layers++)
    if (is_plausible (self, n, layers))
      {
        self->layers = layers;
        candidates++;
      }
  if (sf_description_has (&self->options, "num_res_blocks"))
    {
      self->layers = sf_description_int (&self->options, "num_res_blocks", 1, MOST_BLOCKS, 0);
      candidates = is_plausible (self, n, self->layers);
    }
  if (candidates != 1)
    sf_description_fail (&self->options, _ ("the arrays do not go with option “num_res_blocks”, or do not tell it"));
}

static void
read_arrays (SfAdm *self)
{
  int n = count_blocks (self);

  sf_binder_at_top (self->binder);
  self->embedding = sf_adm_peek (self, "time_embed.0.weight", 0);
  self->model = sf_adm_peek (self, "time_embed.0.weight", 1);
  self->first = peek_input (self, 0, 0, "weight", 0);
  self->in = peek_input (self, 0, 0, "weight", 1);
  self->modulate = peek_input (self, 1, 0, "time_emb_proj.weight", 0) != peek_input (self, 1, 0, "conv1.weight", 0);
  read_layers (self, n);
  if (self->options.error != NULL)
    return;
  self->levels = (n + 1) / (self->layers + 1);
  if (self->levels > SF_DESCRIPTION_MAX_LIST)
    sf_description_fail (&self->options, _ ("the network has %d levels; Sfumato takes up to %d"), self->levels, SF_DESCRIPTION_MAX_LIST);
  self->levels = MIN (self->levels, SF_DESCRIPTION_MAX_LIST);
  for (int level = 0; level < self->levels; level++)
    {
      int block = 1 + level * (self->layers + 1);

      self->channels[level] = peek_input (self, block, 0, "conv1.weight", 0);
      if (peek_input (self, block, 1, "qkv.weight", 0) > 0)
        self->attention |= 1u << level;
    }
  self->by_residual = self->levels > 1 && is_residual (self, self->layers + 1);
  self->convolves = peek_input (self, self->layers + 1, 0, "op.weight", 0) > 0;
}

/*** What options tell ***/

void
sf_adm_compare (SfAdm *self, const char *option, int found)
{
  int given = sf_description_int (&self->options, option, 0, MOST_CHANNELS, found);

  if (given != found)
    sf_description_fail (&self->options, _ ("option “%s” of the network is %d, but its arrays are made for %d"), option, given, found);
}

static void
compare_flag (SfAdm *self, const char *option, gboolean found)
{
  if (sf_description_flag (&self->options, option, found) != found)
    sf_description_fail (&self->options, _ ("option “%s” of the network does not go with its arrays"), option);
}

/* "channel_mult": [1, 2], "attention_resolutions": [4, 8]: the sizes of levels as parts of the picture's. */
static void
compare_levels (SfAdm *self)
{
  double value[SF_DESCRIPTION_MAX_LIST];
  int n;

  if (sf_description_has (&self->options, "channel_mult"))
    {
      n = sf_description_list (&self->options, "channel_mult", 0, MOST_CHANNELS, value);
      for (int i = 0; i < MIN (n, self->levels); i++)
        if ((int) (value[i] * self->model) != self->channels[i])
          n = 0;
      if (n != self->levels)
        sf_description_fail (&self->options, _ ("option “%s” of the network does not go with its arrays"), "channel_mult");
    }
  if (sf_description_has (&self->options, "attention_resolutions"))
    {
      guint attention = 0;

      n = sf_description_list (&self->options, "attention_resolutions", 0, MOST_CHANNELS, value);
      for (int i = 0; i < n; i++)
        for (int level = 0; level < self->levels; level++)
          if (value[i] == 1 << level)
            attention |= 1u << level;
      if (attention != self->attention)
        sf_description_fail (&self->options, _ ("option “%s” of the network does not go with its arrays"), "attention_resolutions");
    }
}

static void
read_options (SfAdm *self)
{
  SfDescription *options = &self->options;

  self->head_dim = sf_description_int (options, "num_head_channels", -1, MOST_CHANNELS, -1);
  self->heads = sf_description_int (options, "num_heads", 1, MOST_CHANNELS, 1);
  self->heads_up = sf_description_int (options, "num_heads_upsample", -1, MOST_CHANNELS, -1);
  self->heads_up = self->heads_up > 0 ? self->heads_up : self->heads;
  self->interleaved = !sf_description_flag (options, "use_new_attention_order", FALSE);
  self->image_size = sf_description_int (options, "image_size", 1, MOST_CHANNELS, 0);
  if (options->object == NULL)
    sf_description_fail (options, _ ("the arrays do not tell how many heads attention has; "
                                     "a config.json must say it with “num_heads” or “num_head_channels”"));
  if (options->error != NULL)
    return;
  sf_adm_compare (self, "model_channels", self->model);
  compare_flag (self, "use_scale_shift_norm", self->modulate);
  if (self->levels > 1)
    compare_flag (self, "resblock_updown", self->by_residual);
  if (self->levels > 1 && !self->by_residual)
    compare_flag (self, "conv_resample", self->convolves);
  compare_levels (self);
}

void
sf_adm_init (SfAdm *self, JsonObject *config, SfWeights *weights)
{
  *self = (SfAdm) { .options = { .object = config }, .binder = sf_binder_new (weights, "input_blocks.0.0.weight", renamings) };
  read_arrays (self);
  read_options (self);
}

void
sf_adm_clear (SfAdm *self)
{
  g_clear_error (&self->options.error);
  g_clear_pointer (&self->binder, sf_binder_free);
}

SfNetwork *
sf_adm_finish (SfAdm *self, SfNetwork *network, SfWeights *weights, GError **error)
{
  if (sf_binder_check (self->binder, &self->options.error))
    {
      network->in_channels = self->in;
      network->divisor = 1 << (self->levels - 1);
      if (network->height == 0)
        network->height = network->width = self->image_size;
    }
  return sf_network_finish (network, self->binder, weights, error);
}

/*** Blocks ***/

SfTimeEmbedding
sf_adm_bind_time (const SfAdm *self)
{
  SfTimeEmbedding time = { .waves = SF_WAVES_OPENAI, .channels = self->model, .out = self->embedding, .activation = SF_ACTIVATION_SILU };

  sf_binder_at_top (self->binder);
  time.linear1 = sf_bind_linear (self->binder, "time_embed.0", self->model, self->embedding);
  time.linear2 = sf_bind_linear (self->binder, "time_embed.2", self->embedding, self->embedding);
  return time;
}

SfBlock *
sf_adm_res_block_new (const SfAdm *self, int in, int out, SfResample resample)
{
  SfResBlock like = {
    .in = in,
    .out = out,
    .embedding = self->embedding,
    .modulate = self->modulate,
    .groups = SF_ADM_GROUPS,
    .eps = SF_ADM_EPS,
    .activation = SF_ACTIVATION_SILU,
    .resample = resample,
  };

  return sf_res_block_new (self->binder, like);
}

SfBlock *
sf_adm_attention_block_new (const SfAdm *self, int channels, gboolean up)
{
  int heads = self->head_dim > 0 ? channels / self->head_dim : up ? self->heads_up
                                                                  : self->heads;
  SfAttentionBlock like = {
    .channels = channels,
    .heads = MAX (heads, 1),
    .dim = channels / MAX (heads, 1),
    .groups = SF_ADM_GROUPS,
    .eps = SF_ADM_EPS,
    .joint = TRUE,
    .interleaved = self->interleaved,
  };

  if (heads < 1 || channels % heads != 0 || (self->head_dim > 0 && channels % self->head_dim != 0))
    sf_binder_fail (self->binder, _ ("%d channels cannot be shared out to the heads that “num_heads” or “num_head_channels” tells"), channels);
  return sf_attention_block_new (self->binder, like);
}

static SfBlock *
halve (const SfAdm *self, int block, int channels)
{
  SfConvBlock like = { .in = channels, .out = channels };

  sf_binder_at (self->binder, "input_blocks.%d.0", block);
  if (self->by_residual)
    return sf_adm_res_block_new (self, channels, channels, SF_RESAMPLE_MEAN);
  if (self->convolves)
    like.stride = 2;
  else
    like.resample = SF_RESAMPLE_MEAN;
  return sf_conv_block_new (self->binder, self->convolves ? "op" : NULL, like);
}

void
sf_adm_build (const SfAdm *self, SfUnet *unet)
{
  SfBinder *binder = self->binder;
  int in = self->first, block = 0;

  sf_unet_begin (unet, SF_UNET_DOWN);
  sf_unet_add (unet, sf_conv_block_new (sf_binder_at (binder, "input_blocks.0"), "0", (SfConvBlock) { .in = self->in, .out = in }));
  for (int level = 0; level < self->levels; level++)
    {
      for (int i = 0; i < self->layers; i++, in = self->channels[level])
        {
          sf_unet_begin (unet, SF_UNET_DOWN);
          sf_binder_at (binder, "input_blocks.%d.0", ++block);
          sf_unet_add (unet, sf_adm_res_block_new (self, in, self->channels[level], SF_RESAMPLE_NONE));
          sf_binder_at (binder, "input_blocks.%d.1", block);
          if (self->attention >> level & 1)
            sf_unet_add (unet, sf_adm_attention_block_new (self, self->channels[level], FALSE));
        }
      if (level < self->levels - 1)
        {
          sf_unet_begin (unet, SF_UNET_DOWN);
          sf_unet_add (unet, halve (self, ++block, in));
        }
    }
  sf_unet_begin (unet, SF_UNET_MIDDLE);
  sf_binder_at (binder, "middle_block.0");
  sf_unet_add (unet, sf_adm_res_block_new (self, in, in, SF_RESAMPLE_NONE));
  sf_binder_at (binder, "middle_block.1");
  sf_unet_add (unet, sf_adm_attention_block_new (self, in, FALSE));
  sf_binder_at (binder, "middle_block.2");
  sf_unet_add (unet, sf_adm_res_block_new (self, in, in, SF_RESAMPLE_NONE));
}
