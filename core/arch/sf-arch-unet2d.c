/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UNet2DModel of diffusers: the networks of DDPM (Ho et al. 2020) and, with a picture that goes along in all sizes and
 * resampling by a binomial filter, of NCSN++ (Song et al. 2021).
 *
 * Level i has block_out_channels[i] channels and half the side of level i - 1.  A level's block is a chain of residual blocks, each
 * followed by attention where its type says so, then the change of size; its type is a set of the flags below.
 */
#include "sf-config.h"

#include <glib/gi18n-lib.h>

#include "arch/sf-network.h"
#include "base/sf-description.h"
#include "nn/sf-time-embedding.h"
#include "nn/sf-unet.h"

/* Since 0.15 diffusers calls the layers of attention by the names on the left. */
static const SfRenaming renamings[] = {
  { "to_q", "to_q" },
  { "to_q", "query" },
  { "to_k", "to_k" },
  { "to_k", "key" },
  { "to_v", "to_v" },
  { "to_v", "value" },
  { "to_out.0", "to_out.0" },
  { "to_out.0", "proj_attn" },
  { "time_proj.weight", "time_proj.weight" },
  { "time_proj.weight", "time_proj.W" },
  { NULL, NULL },
};

enum
{
  PLAIN = 0,
  ATTENTION = 1 << 0,
  PICTURE = 1 << 1,     /* a picture goes along */
  BY_RESIDUAL = 1 << 2, /* a residual block changes the size, not a convolution */
};

enum
{
  CLASS_TABLE,    /* a vector for each, or there are none */
  CLASS_TIMESTEP, /* embedded as timesteps are */
  CLASS_IDENTITY, /* added as it is */
};

static const SfWord down_types[] = {
  { "DownBlock2D", PLAIN },
  { "AttnDownBlock2D", ATTENTION },
  { "SkipDownBlock2D", PICTURE },
  { "AttnSkipDownBlock2D", ATTENTION | PICTURE },
  { "ResnetDownsampleBlock2D", BY_RESIDUAL },
  { NULL, 0 },
};

static const SfWord up_types[] = {
  { "UpBlock2D", PLAIN },
  { "AttnUpBlock2D", ATTENTION },
  { "SkipUpBlock2D", PICTURE },
  { "AttnSkipUpBlock2D", ATTENTION | PICTURE },
  { "ResnetUpsampleBlock2D", BY_RESIDUAL },
  { NULL, 0 },
};

static const SfWord resample_types[] = { { "conv", PLAIN }, { "resnet", BY_RESIDUAL }, { NULL, 0 } };
static const SfWord time_types[] = {
  { "positional", SF_TIME_WAVES },
  { "fourier", SF_TIME_FOURIER },
  { "learned", SF_TIME_LEARNED },
  { NULL, 0 },
};
static const SfWord shift_types[] = { { "default", FALSE }, { "scale_shift", TRUE }, { NULL, 0 } };
static const SfWord class_types[] = { { "timestep", CLASS_TIMESTEP }, { "identity", CLASS_IDENTITY }, { NULL, 0 } };
static const SfWord middle_types[] = { { "UNetMidBlock2D", TRUE }, { NULL, 0 } };
static const SfWord activations[] = {
  { "silu", SF_ACTIVATION_SILU },
  { "swish", SF_ACTIVATION_SILU },
  { "mish", SF_ACTIVATION_MISH },
  { "gelu", SF_ACTIVATION_GELU },
  { "relu", SF_ACTIVATION_RELU },
  { NULL, 0 },
};

/* The options, and what the network is made of while it is built. */
typedef struct
{
  int in, out, levels, layers;
  int channels[SF_DESCRIPTION_MAX_LIST], down[SF_DESCRIPTION_MAX_LIST], up[SF_DESCRIPTION_MAX_LIST];
  int groups, middle_groups; /* 0 = follows from the channels; 0 = no norm */
  int head_dim;              /* 0 = one head */
  int padding;
  gboolean middle, middle_attention, modulate;
  double eps, middle_factor;
  SfActivation activation;

  int embedding;             /* channels */
  int n_classes;
  int class_type;

  SfBinder *binder;
  SfUnet *unet;
  int picture_level; /* whose side the picture beside has so far; -1 = there is none */
} Plan;

typedef struct
{
  SfNetwork parent;
  SfUnet *unet;
  SfTimeEmbedding time;
  SfHead head;
  gboolean centre;  /* the network was trained on 0 … 1, and does 2 x - 1 itself */
  gboolean picture; /* some block has one go along */
} Unet2d;

/*** Options ***/

#define MOST_CHANNELS 65536
#define MOST_SIDE 65536

static void
read_levels (Plan *self, SfDescription *options)
{
  int down_type = sf_description_choice (options, "downsample_type", resample_types, PLAIN);
  int up_type = sf_description_choice (options, "upsample_type", resample_types, PLAIN);
  double channels[SF_DESCRIPTION_MAX_LIST];
  int n_down = sf_description_choices (options, "down_block_types", down_types, self->down);
  int n_up = sf_description_choices (options, "up_block_types", up_types, self->up);

  self->levels = sf_description_list (options, "block_out_channels", 1, MOST_CHANNELS, channels);
  if (n_down != self->levels || n_up != self->levels || self->levels == 0)
    sf_description_fail (options, _ ("the network has %d block_out_channels, %d down_block_types and %d up_block_types; there must be as many of each, and one at least"),
                         self->levels, n_down, n_up);
  for (int i = 0; i < self->levels && options->error == NULL; i++)
    {
      self->channels[i] = (int) channels[i];
      self->down[i] |= self->down[i] == ATTENTION ? down_type : 0;
      self->up[i] |= self->up[i] == ATTENTION ? up_type : 0;
    }
}

static void
read_plan (Plan *self, SfDescription *options)
{
  read_levels (self, options);
  self->in = sf_description_int (options, "in_channels", 1, MOST_CHANNELS, 3);
  self->out = sf_description_int (options, "out_channels", 1, MOST_CHANNELS, 3);
  self->layers = sf_description_int (options, "layers_per_block", 1, 64, 2);
  self->groups = sf_description_int (options, "norm_num_groups", 1, MOST_CHANNELS, sf_description_is_null (options, "norm_num_groups") ? 0 : 32);
  self->middle_groups = sf_description_int (options, "attn_norm_num_groups", 1, MOST_CHANNELS, 0);
  self->head_dim = sf_description_int (options, "attention_head_dim", 1, MOST_CHANNELS, sf_description_is_null (options, "attention_head_dim") ? 0 : 8);
  self->eps = sf_description_number (options, "norm_eps", 0, 1, 1e-5);
  self->padding = sf_description_int (options, "downsample_padding", 0, 1, 1);
  self->activation = sf_description_choice (options, "act_fn", activations, SF_ACTIVATION_SILU);
  self->modulate = sf_description_choice (options, "resnet_time_scale_shift", shift_types, FALSE);
  self->middle = sf_description_choice (options, "mid_block_type", middle_types, !sf_description_is_null (options, "mid_block_type"));
  self->middle_attention = sf_description_flag (options, "add_attention", TRUE);
  self->middle_factor = sf_description_number (options, "mid_block_scale_factor", 1e-3, 1e3, 1);
  self->embedding = sf_description_int (options, "time_embedding_dim", 1, 4 * MOST_CHANNELS, 4 * self->channels[0]);
}

/* "sample_size": 32, or [height, width]. */
static void
read_size (SfNetwork *self, SfDescription *options)
{
  int side[2];

  if (!sf_description_sides (options, "sample_size", MOST_SIDE, side))
    return;
  self->height = side[0];
  self->width = side[1];
}

static void
read_time (SfTimeEmbedding *self, Plan *plan, SfDescription *options)
{
  plan->class_type = sf_description_choice (options, "class_embed_type", class_types, CLASS_TABLE);
  plan->n_classes = sf_description_int (options, "num_class_embeds", 1, G_MAXINT, plan->class_type != CLASS_TABLE ? G_MAXINT : 0);
  self->kind = sf_description_choice (options, "time_embedding_type", time_types, SF_TIME_WAVES);
  self->channels = plan->channels[0];
  self->out = plan->embedding;
  self->activation = plan->activation;
  self->waves.sine_first = !sf_description_flag (options, "flip_sin_to_cos", TRUE);
  self->waves.shift = sf_description_number (options, "freq_shift", 0, 1, 0);
  if (self->kind == SF_TIME_WAVES && self->channels / 2 <= self->waves.shift)
    sf_description_fail (options, _ ("a network with %d channels at its first level is too narrow for waves of the timestep"), self->channels);
  if (self->kind == SF_TIME_LEARNED)
    self->n_table = sf_description_int (options, "num_train_timesteps", 1, G_MAXINT / 2, 1000);
}

/*** Blocks ***/

/* NCSN++ has up to 32 groups of at least 4 channels. */
static int
groups_of (int channels)
{
  return MIN (channels / 4, 32);
}

static SfResBlock
res_like (const Plan *plan, int type, int in, int out, SfResample resample)
{
  SfResBlock like = {
    .in = in,
    .out = out,
    .embedding = plan->embedding,
    .modulate = plan->modulate,
    .groups = plan->groups,
    .eps = (float) plan->eps,
    .activation = plan->activation,
    .resample = resample,
  };

  if (type & PICTURE)
    {
      like.groups = groups_of (in);
      like.groups_out = groups_of (out);
      like.scale = (float) (1 / G_SQRT2);
      like.shortcut = resample != SF_RESAMPLE_NONE;
    }
  return like;
}

static SfBlock *
res_block (const Plan *plan, int type, int in, int out, SfResample resample)
{
  return sf_res_block_new (plan->binder, res_like (plan, type, in, out, resample));
}

/* Of @in channels that come from below and @kept that were kept on the way down. */
static SfBlock *
up_res_block (const Plan *plan, int type, int in, int kept, int out)
{
  SfResBlock like = res_like (plan, type, in + kept, out, SF_RESAMPLE_NONE);

  if (type == (ATTENTION | PICTURE))
    like.groups = MIN (in + kept / 4, 32); /* so the networks were trained, by a slip in the formula */
  return sf_res_block_new (plan->binder, like);
}

static SfBlock *
attention_block (const Plan *plan, int channels, int groups, double factor)
{
  int dim = plan->head_dim > 0 ? plan->head_dim : channels;
  SfAttentionBlock like = {
    .channels = channels,
    .heads = channels / dim,
    .dim = dim,
    .groups = groups,
    .eps = (float) plan->eps,
    .scale = (float) (1 / factor),
  };

  if (like.heads < 1)
    sf_binder_fail (plan->binder, _ ("heads of %d channels (“attention_head_dim”) do not fit attention over %d channels"), dim, channels);
  return sf_attention_block_new (plan->binder, like);
}

static SfBlock *
block_attention (const Plan *plan, int type, int channels)
{
  return type & PICTURE ? attention_block (plan, channels, 32, G_SQRT2) : attention_block (plan, channels, plan->groups, 1);
}

/* The picture beside must have the side of level @level where a block meets it. */
static void
move_picture (Plan *plan, int from, int to)
{
  if (plan->picture_level != from)
    sf_binder_fail (plan->binder, _ ("block types with a picture beside (“SkipDownBlock2D” …) cannot be mixed with others in this order"));
  plan->picture_level = to;
}

static void
halve (Plan *plan, int level)
{
  int type = plan->down[level], c = plan->channels[level];

  sf_unet_begin (plan->unet, SF_UNET_DOWN);
  if (type & PICTURE)
    {
      move_picture (plan, level, level + 1);
      sf_binder_at (plan->binder, "down_blocks.%d.resnet_down", level);
      sf_unet_add (plan->unet, res_block (plan, type, c, c, SF_RESAMPLE_FIR_DOWN));
      sf_binder_at (plan->binder, "down_blocks.%d", level);
      sf_unet_add (plan->unet, sf_picture_in_new (plan->binder, "skip_conv", plan->in, c));
      return;
    }
  sf_binder_at (plan->binder, "down_blocks.%d.downsamplers.0", level);
  if (type & BY_RESIDUAL)
    sf_unet_add (plan->unet, res_block (plan, type, c, c, SF_RESAMPLE_MEAN));
  else
    sf_unet_add (plan->unet, sf_conv_block_new (plan->binder, "conv",
                                                (SfConvBlock) { .in = c, .out = c, .stride = 2, .bottom_right = plan->padding == 0 }));
}

static void
build_down (Plan *plan)
{
  int in = plan->channels[0];

  sf_unet_begin (plan->unet, SF_UNET_DOWN);
  sf_unet_add (plan->unet, sf_conv_block_new (sf_binder_at_top (plan->binder), "conv_in", (SfConvBlock) { .in = plan->in, .out = in }));
  for (int level = 0; level < plan->levels; level++)
    {
      int type = plan->down[level], out = plan->channels[level];

      for (int i = 0; i < plan->layers; i++)
        {
          sf_unet_begin (plan->unet, SF_UNET_DOWN);
          sf_binder_at (plan->binder, "down_blocks.%d.resnets.%d", level, i);
          sf_unet_add (plan->unet, res_block (plan, type, in, out, SF_RESAMPLE_NONE));
          sf_binder_at (plan->binder, "down_blocks.%d.attentions.%d", level, i);
          if (type & ATTENTION)
            sf_unet_add (plan->unet, block_attention (plan, type, out));
          in = out;
        }
      if (level < plan->levels - 1)
        halve (plan, level);
    }
}

static void
build_middle (Plan *plan)
{
  int c = plan->channels[plan->levels - 1], groups = plan->groups > 0 ? plan->groups : groups_of (c);
  SfResBlock like = {
    .in = c,
    .out = c,
    .embedding = plan->embedding,
    .modulate = plan->modulate,
    .groups = groups,
    .eps = (float) plan->eps,
    .scale = (float) (1 / plan->middle_factor),
    .activation = plan->activation,
  };

  if (!plan->middle)
    return;
  sf_unet_begin (plan->unet, SF_UNET_MIDDLE);
  sf_unet_add (plan->unet, sf_res_block_new (sf_binder_at (plan->binder, "mid_block.resnets.0"), like));
  sf_binder_at (plan->binder, "mid_block.attentions.0");
  if (plan->middle_attention)
    sf_unet_add (plan->unet, attention_block (plan, c,
                                              plan->middle_groups > 0 ? plan->middle_groups : plan->modulate ? 0
                                                                                                             : groups,
                                              plan->middle_factor));
  sf_unet_add (plan->unet, sf_res_block_new (sf_binder_at (plan->binder, "mid_block.resnets.1"), like));
}

static void
finish_picture (Plan *plan, int block, int level)
{
  int c = plan->channels[level];
  SfHead head = { .in = c, .out = plan->out, .groups = groups_of (c), .eps = (float) plan->eps };

  if (plan->picture_level >= 0)
    move_picture (plan, level + 1, level);
  if (level == 0)
    {
      sf_unet_add (plan->unet, sf_picture_out_new (NULL));
      return;
    }
  plan->picture_level = level;
  head = sf_head_bind (sf_binder_at (plan->binder, "up_blocks.%d", block), "skip_norm", "skip_conv", head);
  sf_unet_add (plan->unet, sf_picture_out_new (&head));
  sf_binder_at (plan->binder, "up_blocks.%d.resnet_up", block);
  sf_unet_add (plan->unet, res_block (plan, PICTURE, c, c, SF_RESAMPLE_FIR_UP));
}

static void
double_side (Plan *plan, int block, int level)
{
  int type = plan->up[block], c = plan->channels[level];

  sf_binder_at (plan->binder, "up_blocks.%d.upsamplers.0", block);
  if (type & BY_RESIDUAL)
    sf_unet_add (plan->unet, res_block (plan, type, c, c, SF_RESAMPLE_NEAREST));
  else
    sf_unet_add (plan->unet, sf_conv_block_new (plan->binder, "conv", (SfConvBlock) { .in = c, .out = c, .resample = SF_RESAMPLE_NEAREST }));
}

static void
build_up (Plan *plan)
{
  int in = plan->channels[plan->levels - 1];

  plan->picture_level = -1;
  for (int block = 0; block < plan->levels; block++)
    {
      int type = plan->up[block], level = plan->levels - 1 - block, out = plan->channels[level];

      for (int i = 0; i <= plan->layers; i++)
        {
          gboolean last = i == plan->layers;
          int kept = last ? plan->channels[MAX (level - 1, 0)] : out;

          sf_unet_begin (plan->unet, SF_UNET_UP);
          sf_binder_at (plan->binder, "up_blocks.%d.resnets.%d", block, i);
          sf_unet_add (plan->unet, up_res_block (plan, type, in, kept, out));
          /* With a picture beside: attention once, after all. */
          sf_binder_at (plan->binder, "up_blocks.%d.attentions.%d", block, type & PICTURE ? 0 : i);
          if ((type & ATTENTION) && (last || !(type & PICTURE)))
            sf_unet_add (plan->unet, block_attention (plan, type, out));
          in = out;
        }
      if (type & PICTURE)
        finish_picture (plan, block, level);
      else if (level > 0)
        double_side (plan, block, level);
    }
  if (plan->picture_level > 0)
    move_picture (plan, 0, 0);
}

static void
bind_time (SfTimeEmbedding *self, const Plan *plan)
{
  SfBinder *binder = plan->binder;
  int in = self->kind == SF_TIME_FOURIER ? 2 * self->channels : self->channels;

  sf_binder_at_top (binder);
  if (self->kind == SF_TIME_FOURIER)
    self->table = sf_bind (binder, "time_proj.weight", SF_SHAPE (self->channels));
  if (self->kind == SF_TIME_LEARNED)
    self->table = sf_bind (binder, "time_proj.weight", SF_SHAPE (self->n_table, self->channels));
  self->linear1 = sf_bind_linear (binder, "time_embedding.linear_1", in, self->out);
  self->linear2 = sf_bind_linear (binder, "time_embedding.linear_2", self->out, self->out);
  if (plan->class_type == CLASS_TIMESTEP)
    {
      self->class1 = sf_bind_linear (binder, "class_embedding.linear_1", in, self->out);
      self->class2 = sf_bind_linear (binder, "class_embedding.linear_2", self->out, self->out);
    }
  if (plan->class_type == CLASS_TABLE && plan->n_classes > 0)
    self->classes = sf_bind (binder, "class_embedding.weight", SF_SHAPE (plan->n_classes, self->out));
}

/*** The network ***/

/* Networks that are told the noise level itself predict the noise divided by it. */
static SfTensor *
divide_by_level (SfContext *cx, SfTensor *y, const double *level, int n)
{
  SfTensor *factors = sf_context_tensor (cx, n, 1, 1, 1);

  for (int i = 0; i < n && factors != NULL && !sf_context_is_dry (cx); i++)
    factors->data[i] = (float) (1 / level[i]);
  return sf_scale_items (cx, y, factors);
}

static SfTensor *
forward (SfNetwork *network, SfContext *cx, SfTensor *x, const double *t, const int *classes)
{
  Unet2d *self = (Unet2d *) network;
  int n = x->n;
  g_auto (SfStream) stream = { .x = self->centre ? sf_affine (cx, x, 2, -1) : x };
  g_autoptr (GPtrArray) kept = NULL;
  SfTensor *y;

  stream.embedding = sf_time_embedding_forward (&self->time, cx, t, classes, n);
  if (self->picture)
    stream.picture = sf_tensor_ref (stream.x);
  kept = sf_unet_encode (self->unet, cx, &stream);
  g_clear_pointer (&stream.picture, sf_tensor_unref);
  sf_unet_decode (self->unet, cx, &stream, kept);
  y = sf_head_forward (&self->head, cx, g_steal_pointer (&stream.x), g_steal_pointer (&stream.picture));
  if (self->time.kind == SF_TIME_FOURIER)
    y = divide_by_level (cx, y, t, n);
  return y;
}

static void
unet2d_free (SfNetwork *network)
{
  Unet2d *self = (Unet2d *) network;

  g_clear_pointer (&self->unet, sf_unet_free);
  g_free (self);
}

static gboolean
probe (JsonObject *config, const SfWeights *weights)
{
  return sf_weights_have (weights, "conv_in.weight") && sf_weights_have (weights, "down_blocks.0.resnets.0.conv1.weight");
}

static void
build (Unet2d *self, Plan *plan)
{
  SfHead head = { .in = plan->channels[0], .out = plan->out, .eps = (float) plan->eps };

  bind_time (&self->time, plan);
  build_down (plan);
  build_middle (plan);
  build_up (plan);
  head.groups = plan->groups > 0 ? plan->groups : groups_of (head.in);
  self->head = sf_head_bind (sf_binder_at_top (plan->binder), "conv_norm_out", "conv_out", head);
  for (int i = 0; i < plan->levels; i++)
    self->picture |= (plan->down[i] & PICTURE) != 0;
  self->parent.in_channels = plan->in;
  self->parent.out_channels = plan->out;
  self->parent.n_classes = plan->n_classes;
  self->parent.divisor = 1 << (plan->levels - 1);
}

static SfNetwork *
open_network (JsonObject *config, SfWeights *weights, GError **error)
{
  g_autoptr (SfBinder) binder = sf_binder_new (weights, "conv_in.weight", renamings);
  SfDescription options = { .object = config };
  Unet2d *self = g_new0 (Unet2d, 1);
  Plan plan = { .binder = binder, .unet = self->unet = sf_unet_new () };

  self->parent = (SfNetwork) { .forward = forward, .free = unet2d_free };
  read_plan (&plan, &options);
  read_time (&self->time, &plan, &options);
  read_size (&self->parent, &options);
  self->centre = sf_description_flag (&options, "center_input_sample", FALSE);
  if (sf_binder_check (binder, &options.error))
    build (self, &plan);
  return sf_network_finish (&self->parent, binder, weights, error);
}

const SfArch sf_arch_unet2d = {
  .name = "unet2d",
  .label = N_ ("U-Net of diffusers (UNet2DModel)"),
  .probe = probe,
  .open = open_network,
};
