/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models.h"

#include "base/sf-rng.h"

/* The arrays are those that are needed to know what is missing. */
static const struct
{
  const char *name, *arch, *config;
  struct
  {
    const char *name, *shape;
  } arrays[8];
  int height, width;
} models[] = {
  { "unet2d", "unet2d", "{'in_channels': 3, 'out_channels': 6, 'block_out_channels': [8, 12], 'down_block_types': ['DownBlock2D', 'AttnDownBlock2D'],"
                        " 'up_block_types': ['AttnUpBlock2D', 'UpBlock2D'], 'layers_per_block': 1, 'norm_num_groups': 4, 'attention_head_dim': 4,"
                        " 'downsample_padding': 0, 'num_class_embeds': 5, 'sample_size': [12, 8]}",
    { { "conv_in.weight", "[8, 3, 3, 3]" }, { "down_blocks.0.resnets.0.conv1.weight", "[8, 8, 3, 3]" } },
    6,
    10 },
  { "ncsnpp", "unet2d", "{'block_out_channels': [32, 32], 'down_block_types': ['SkipDownBlock2D', 'AttnSkipDownBlock2D'],"
                        " 'up_block_types': ['AttnSkipUpBlock2D', 'SkipUpBlock2D'], 'layers_per_block': 1, 'norm_num_groups': null,"
                        " 'attention_head_dim': null, 'time_embedding_type': 'fourier', 'sample_size': 8}",
    { { "conv_in.weight", "[32, 3, 3, 3]" }, { "down_blocks.0.resnets.0.conv1.weight", "[32, 32, 3, 3]" } },
    4,
    6 },
  { "adm", "adm", "{'num_heads': 4, 'image_size': 8}", { { "time_embed.0.weight", "[64, 32]" }, { "input_blocks.0.0.weight", "[32, 3, 3, 3]" }, { "input_blocks.1.0.in_layers.2.weight", "[32, 32, 3, 3]" }, { "input_blocks.1.0.emb_layers.1.weight", "[64, 64]" }, { "output_blocks.0.0.in_layers.2.weight", "[32, 64, 3, 3]" }, { "label_emb.weight", "[5, 64]" }, { "out.2.weight", "[6, 32, 3, 3]" } }, 5, 7 },
  { "adm-classifier", "adm-classifier", "{'num_head_channels': 16}", { { "time_embed.0.weight", "[64, 32]" }, { "input_blocks.0.0.weight", "[32, 3, 3, 3]" }, { "input_blocks.1.0.in_layers.2.weight", "[32, 32, 3, 3]" }, { "input_blocks.1.0.emb_layers.1.weight", "[32, 64]" }, { "out.2.positional_embedding", "[32, 26]" }, { "out.2.c_proj.weight", "[7, 32, 1]" } }, 5, 5 },
  { "adm-classifier-mean", "adm-classifier", "{'num_head_channels': 16}", { { "time_embed.0.weight", "[64, 32]" }, { "input_blocks.0.0.weight", "[32, 3, 3, 3]" }, { "input_blocks.1.0.in_layers.2.weight", "[32, 32, 3, 3]" }, { "input_blocks.1.0.emb_layers.1.weight", "[32, 64]" }, { "out.0.weight", "[32]" }, { "out.3.weight", "[7, 32, 1, 1]" } }, 5, 3 },
  { "adm-classifier-sizes", "adm-classifier", "{'num_head_channels': 16}", { { "time_embed.0.weight", "[64, 32]" }, { "input_blocks.0.0.weight", "[32, 3, 3, 3]" }, { "input_blocks.1.0.in_layers.2.weight", "[32, 32, 3, 3]" }, { "input_blocks.1.0.emb_layers.1.weight", "[32, 64]" }, { "out.0.weight", "[2048, 96]" }, { "out.2.weight", "[7, 2048]" } }, 3, 4 },
  { "adm-classifier-norm", "adm-classifier", "{'num_head_channels': 16}", { { "time_embed.0.weight", "[64, 32]" }, { "input_blocks.0.0.weight", "[32, 3, 3, 3]" }, { "input_blocks.1.0.in_layers.2.weight", "[32, 32, 3, 3]" }, { "input_blocks.1.0.emb_layers.1.weight", "[32, 64]" }, { "out.0.weight", "[2048, 96]" }, { "out.3.weight", "[7, 2048]" } }, 3, 4 },
  { "learned-time", "unet2d", "{'block_out_channels': [8], 'down_block_types': ['DownBlock2D'], 'up_block_types': ['UpBlock2D'], 'layers_per_block': 1,"
                              " 'norm_num_groups': 4, 'attention_head_dim': 4, 'time_embedding_type': 'learned', 'num_train_timesteps': 800,"
                              " 'class_embed_type': 'timestep'}",
    { { "conv_in.weight", "[8, 3, 3, 3]" }, { "down_blocks.0.resnets.0.conv1.weight", "[8, 8, 3, 3]" } },
    3,
    4 },
  { "plain-class", "unet2d", "{'block_out_channels': [8], 'down_block_types': ['DownBlock2D'], 'up_block_types': ['UpBlock2D'], 'layers_per_block': 1,"
                             " 'norm_num_groups': 4, 'attention_head_dim': 4, 'class_embed_type': 'identity'}",
    { { "conv_in.weight", "[8, 3, 3, 3]" }, { "down_blocks.0.resnets.0.conv1.weight", "[8, 8, 3, 3]" } },
    4,
    3 },
};

const double model_labels[MODEL_ITEMS] = { 750, 12.5 };
const int model_classes[MODEL_ITEMS] = { 3, 0 };

JsonObject *
model_parse (const char *text)
{
  g_autofree char *json = g_strdelimit (g_strdup (text), "'", '"');
  g_autoptr (JsonNode) node = json_from_string (json, NULL);

  return json_object_ref (json_node_get_object (node));
}

static gsize
find (const char *name)
{
  gsize i = 0;

  while (!g_str_equal (models[i].name, name))
    g_assert_cmpuint (++i, <, G_N_ELEMENTS (models));
  return i;
}

Model
model_new (const char *name)
{
  static Checkpoint *whole[G_N_ELEMENTS (models)]; /* made once, as that takes a while */
  gsize i = find (name);
  Model self = { .arch = models[i].arch, .config = model_parse (models[i].config), .height = models[i].height, .width = models[i].width };

  if (whole[i] == NULL)
    {
      whole[i] = checkpoint_new ();
      for (int k = 0; models[i].arrays[k].name != NULL; k++)
        checkpoint_add (whole[i], models[i].arrays[k].name, models[i].arrays[k].shape);
      checkpoint_complete (whole[i], self.config);
    }
  self.checkpoint = checkpoint_copy (whole[i]);
  return self;
}

void
model_clear (Model *self)
{
  json_object_unref (self->config);
  checkpoint_free (self->checkpoint);
}

gboolean
model_is_there (const char *arch)
{
  for (gsize i = 0; i < G_N_ELEMENTS (models); i++)
    if (g_str_equal (models[i].arch, arch))
      return TRUE;
  return FALSE;
}

void
model_add_test (const char *test, GTestDataFunc func)
{
  for (gsize i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree char *path = g_strdup_printf ("/network/%s/%s", models[i].name, test);

      g_test_add_data_func (path, models[i].name, func);
    }
}

SfNetwork *
model_open (const Model *self)
{
  g_autoptr (GError) error = NULL;
  SfNetwork *network = checkpoint_network (self->checkpoint, self->config, &error);

  g_assert_no_error (error);
  return network;
}

SfTensor *
model_noise (int h, int w, int c)
{
  SfTensor *x = sf_tensor_new (MODEL_ITEMS, h, w, c, NULL);

  sf_rng_normal ((SfRng) { 1, 2 }, 0, x->data, sf_tensor_size (x));
  return x;
}

SfTensor *
model_forward (SfNetwork *network, int h, int w)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTensor) y = NULL;

  sf_context_begin (cx, NULL, 0);
  y = sf_network_forward (network, cx, model_noise (h, w, network->in_channels), model_labels, network->n_classes > 0 ? model_classes : NULL);
  sf_context_end (cx, &error);
  g_assert_no_error (error);
  return sf_tensor_copy (y, NULL);
}
