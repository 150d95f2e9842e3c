/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every architecture with random weights: what it computes is right is for golden/nets to say; here are files that are not as they
 * should be, sizes, threads, memory and gradients.
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "checkpoint.h"

/* One of each architecture at least; the arrays are those that are needed to know what is missing. */
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

typedef struct
{
  JsonObject *config;
  Checkpoint *checkpoint;
  int height, width;
} Model;

static JsonObject *
parse (const char *text)
{
  g_autofree char *json = g_strdelimit (g_strdup (text), "'", '"');
  g_autoptr (JsonNode) node = json_from_string (json, NULL);

  return json_object_ref (json_node_get_object (node));
}

static Model
model_new (gconstpointer index)
{
  static Checkpoint *whole[G_N_ELEMENTS (models)]; /* made once, as that takes a while */
  gsize i = GPOINTER_TO_SIZE (index);
  Model self = { .config = parse (models[i].config), .height = models[i].height, .width = models[i].width };

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

static void
model_clear (Model *self)
{
  json_object_unref (self->config);
  checkpoint_free (self->checkpoint);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Model, model_clear)

static SfNetwork *
open_network (const Model *self)
{
  g_autoptr (GError) error = NULL;
  SfNetwork *network = checkpoint_network (self->checkpoint, self->config, &error);

  g_assert_no_error (error);
  return network;
}

/*** Runs ***/

#define ITEMS 2

static const double labels[ITEMS] = { 750, 12.5 };
static const int classes[ITEMS] = { 3, 0 };

static SfTensor *
noise (int h, int w, int c)
{
  SfTensor *x = sf_tensor_new (ITEMS, h, w, c, NULL);

  sf_rng_normal ((SfRng) { 1, 2 }, 0, x->data, sf_tensor_size (x));
  return x;
}

/* (transfer full): of two pictures, in a context of its own. */
static SfTensor *
forward (SfNetwork *network, int h, int w)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTensor) y = NULL;

  sf_context_begin (cx, NULL, 0);
  y = sf_network_forward (network, cx, noise (h, w, network->in_channels), labels, network->n_classes > 0 ? classes : NULL);
  sf_context_end (cx, &error);
  g_assert_no_error (error);
  return sf_tensor_copy (y, NULL);
}

static void
assert_same (const SfTensor *a, const SfTensor *b)
{
  g_assert_true (sf_tensor_same_shape (a, b));
  g_assert_cmpmem (a->data, sf_tensor_size (a) * sizeof (float), b->data, sf_tensor_size (b) * sizeof (float));
}

static void
test_forward (gconstpointer index)
{
  g_auto (Model) model = model_new (index);
  g_autoptr (SfNetwork) network = open_network (&model);
  g_autoptr (SfTensor) y = forward (network, model.height, model.width);
  double power = 0;

  g_assert_cmpstr (network->arch->name, ==, models[GPOINTER_TO_SIZE (index)].arch);
  g_assert_null (network->unexpected);
  g_assert_cmpint (y->n, ==, ITEMS);
  g_assert_cmpint (y->c, ==, network->out_channels);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    power += y->data[i] * y->data[i];
  g_assert_cmpfloat (power, >, 0);
  g_assert_cmpfloat (power / sf_tensor_size (y), <, 1000); /* NaN fails */
  for (int threads = 1; threads <= 4; threads *= 2)
    {
      g_autoptr (SfTensor) again = NULL;

      sf_parallel_set_threads (threads);
      again = forward (network, model.height, model.width);
      assert_same (again, y);
    }
  sf_parallel_set_threads (0);
}

/* A dry run tells work and memory of the wet one. */
static void
test_dry (gconstpointer index)
{
  g_auto (Model) model = model_new (index);
  g_autoptr (SfNetwork) network = open_network (&model);
  double work[2];
  gsize peak[2], live[2];

  for (int dry = 0; dry < 2; dry++)
    {
      g_autoptr (SfContext) cx = dry ? sf_context_new_dry () : sf_context_new (0);
      g_autoptr (GError) error = NULL;
      SfTensor *x = sf_context_tensor (cx, ITEMS, model.height, model.width, network->in_channels);

      if (!dry)
        memset (x->data, 0, sf_tensor_size (x) * sizeof (float));
      sf_context_begin (cx, NULL, 0);
      sf_tensor_unref (sf_network_forward (network, cx, x, labels, network->n_classes > 0 ? classes : NULL));
      work[dry] = sf_context_get_work (cx);
      g_assert_true (sf_context_end (cx, &error));
      peak[dry] = sf_arena_get_peak (sf_context_get_arena (cx));
      live[dry] = sf_arena_get_live_peak (sf_context_get_arena (cx));
    }
  g_assert_cmpfloat (work[0], >, 0);
  g_assert_cmpfloat (work[0], ==, work[1]);
  g_assert_cmpuint (peak[0], ==, peak[1]);
  g_assert_cmpuint (live[0], ==, live[1]);
  g_assert_cmpuint (peak[0], <=, 2 * live[0]);
}

/* A file in half precision gives what the same numbers in single precision give. */
static void
test_half (gconstpointer index)
{
  g_auto (Model) model = model_new (index);
  g_autoptr (Checkpoint) stored = checkpoint_copy (model.checkpoint);
  g_autoptr (SfNetwork) single = NULL, half = NULL;
  g_autoptr (SfTensor) y = NULL, same = NULL;

  checkpoint_halve (stored, TRUE);
  half = checkpoint_network (stored, model.config, NULL);
  checkpoint_halve (model.checkpoint, FALSE);
  single = open_network (&model);
  y = forward (single, model.height, model.width);
  same = forward (half, model.height, model.width);
  assert_same (same, y);
}

/* What people's files call otherwise: wrapped, and as diffusers did before 0.15. */
static void
test_names (gconstpointer index)
{
  static const char *const renamings[][2] = {
    { "to_q.", "query." },
    { "to_k.", "key." },
    { "to_v.", "value." },
    { "to_out.0.", "proj_attn." },
    { "time_proj.weight", "time_proj.W" },
    { "", "module." },
  };
  g_auto (Model) model = model_new (index);
  g_autoptr (SfNetwork) network = open_network (&model);
  g_autoptr (SfTensor) y = forward (network, model.height, model.width);

  for (gsize i = 0; i < G_N_ELEMENTS (renamings); i++)
    {
      g_autoptr (SfNetwork) renamed = NULL;
      g_autoptr (SfTensor) same = NULL;

      checkpoint_rename (model.checkpoint, renamings[i][0], renamings[i][1]);
      renamed = open_network (&model);
      same = forward (renamed, model.height, model.width);
      g_assert_null (renamed->unexpected);
      assert_same (same, y);
    }
}

/*** Files that are not as they should be ***/

static void
assert_refused (const Model *model, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfNetwork) network = checkpoint_network (model->checkpoint, model->config, &error);

  g_assert_null (network);
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("“%s” does not say “%s”", error->message, part);
}

/* Without any one array, but that of classes, which a network may lack; and with any one of another shape.  Where one that tells
 * what the network is is not there, others do not fit.
 */
static void
test_arrays (gconstpointer index)
{
  g_auto (Model) model = model_new (index);
  g_autoptr (Checkpoint) whole = checkpoint_copy (model.checkpoint);
  g_autoptr (GList) names = checkpoint_names (whole);

  for (GList *l = names; l != NULL; l = l->next)
    {
      g_autofree char *is = sf_array_describe (checkpoint_array (whole, l->data));
      g_autofree char *more = g_strconcat ("[2, ", is + 1, NULL);

      checkpoint_free (model.checkpoint);
      model.checkpoint = checkpoint_copy (whole);
      checkpoint_remove (model.checkpoint, l->data);
      if (!g_str_equal (l->data, "label_emb.weight"))
        assert_refused (&model, "");
      checkpoint_add (model.checkpoint, l->data, more);
      assert_refused (&model, "");
    }
}

static void
test_messages (void)
{
  g_auto (Model) model = model_new (GSIZE_TO_POINTER (0));
  SfArray *array;

  checkpoint_remove (model.checkpoint, "mid_block.attentions.0.to_v.bias");
  assert_refused (&model, "the array “mid_block.attentions.0.to_v.bias” of shape [12] is missing");
  checkpoint_add (model.checkpoint, "mid_block.attentions.0.to_v.bias", "[13]");
  assert_refused (&model, "the array “mid_block.attentions.0.to_v.bias” has the shape [13] instead of [12]");
  checkpoint_add (model.checkpoint, "mid_block.attentions.0.to_v.bias", "[12]");
  array = checkpoint_array (model.checkpoint, "mid_block.attentions.0.to_v.bias");
  array->dtype = SF_DTYPE_I32;
  assert_refused (&model, "the array “mid_block.attentions.0.to_v.bias” holds numbers of type I32");
}

static void
test_unexpected (void)
{
  g_auto (Model) model = model_new (GSIZE_TO_POINTER (0));
  g_autoptr (SfNetwork) network = NULL;

  checkpoint_add (model.checkpoint, "up_blocks.7.surprise", "[3]");
  checkpoint_add (model.checkpoint, "another", "[3]");
  network = open_network (&model);
  g_assert_cmpuint (g_strv_length (network->unexpected), ==, 2);
  g_assert_cmpstr (network->unexpected[0], ==, "another");
  g_assert_cmpstr (network->unexpected[1], ==, "up_blocks.7.surprise");
}

/* Averaged weights beside the others are those to use. */
static void
test_average (void)
{
  g_auto (Model) model = model_new (GSIZE_TO_POINTER (2));
  g_autoptr (SfNetwork) network = NULL;

  checkpoint_rename (model.checkpoint, "", "model_ema.");
  checkpoint_add (model.checkpoint, "model.input_blocks.0.0.weight", "[32, 3, 3, 3]");
  network = open_network (&model);
  g_assert_cmpstr (((SfParameter *) network->parameters->pdata[0])->name, ==, "model_ema.time_embed.0.weight");
}

static void
test_values (void)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY };
  const char *name = "down_blocks.0.resnets.0.conv2.weight";
  g_auto (Model) model = model_new (GSIZE_TO_POINTER (0));
  SfArray *array = checkpoint_array (model.checkpoint, name);

  for (gsize i = 0; i <= G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SfNetwork) network = open_network (&model);

      g_assert_true (sf_network_check_values (network, NULL, &error) == (i == 0));
      if (i > 0)
        {
          g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
          g_assert_nonnull (strstr (error->message, name));
        }
      if (i < G_N_ELEMENTS (bad))
        ((float *) array->data)[array->n - 1] = bad[i];
    }
}

static void
test_others (void)
{
  static const char *const arrays[][2] = {
    { "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", "latent" },
    { "first_stage_model.quant_conv.weight", "latent" },
    { "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", "latent" },
    { "layer4.2.conv3.weight", "no network that Sfumato knows" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (arrays); i++)
    {
      g_auto (Model) model = { parse ("{}"), checkpoint_new (), 0, 0 };

      checkpoint_add (model.checkpoint, arrays[i][0], "[4, 4]");
      assert_refused (&model, arrays[i][1]);
    }
}

/*** Options ***/

static void
test_options (void)
{
  static const struct
  {
    const char *option, *value, *message;
  } rows[] = {
    { "act_fn", "\"tanh\"", "option “act_fn” of the network is \"tanh\"; it must be “silu”, “swish”, “mish”, “gelu” or “relu”" },
    { "down_block_types", "[\"DownBlock2D\", \"CrossAttnDownBlock2D\"]", "option “down_block_types” of the network is \"CrossAttnDownBlock2D\"; it must be" },
    { "up_block_types", "[\"UpBlock2D\"]", "2 block_out_channels, 2 down_block_types and 1 up_block_types" },
    { "block_out_channels", "8", "a list of at most 16 elements" },
    { "block_out_channels", "null", "option “block_out_channels” of the network is missing" },
    { "block_out_channels", "[8, 1e9]", "a number from 1 to 65536" },
    { "norm_num_groups", "5", "8 channels of “down_blocks.0.resnets.0.norm1” cannot be normalised in 5 groups" },
    { "norm_num_groups", "2.5", "a whole number" },
    { "attention_head_dim", "64", "heads of 64 channels (“attention_head_dim”) do not fit attention over 12 channels" },
    { "downsample_padding", "2", "a number from 0 to 1" },
    { "add_attention", "1", "true or false" },
    { "time_embedding_type", "\"none\"", "“positional”, “fourier” or “learned”" },
    { "resnet_time_scale_shift", "\"spatial\"", "“default” or “scale_shift”" },
    { "class_embed_type", "\"projection\"", "“timestep” or “identity”" },
    { "block_out_channels", "[]", "0 block_out_channels" },
    { "sample_size", "[]", "has 0 numbers" },
    { "sample_size", "[1, 2, 3]", "option “sample_size” of the network has 3 numbers" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Model) model = model_new (GSIZE_TO_POINTER (0));

      json_object_set_member (model.config, rows[i].option, json_from_string (rows[i].value, NULL));
      assert_refused (&model, rows[i].message);
    }
}

/* A picture beside that does not reach the end. */
static void
test_mixed (void)
{
  g_auto (Model) model = model_new (GSIZE_TO_POINTER (1));

  json_object_set_member (model.config, "up_block_types", json_from_string ("[\"AttnSkipUpBlock2D\", \"UpBlock2D\"]", NULL));
  json_object_set_int_member (model.config, "norm_num_groups", 8);
  assert_refused (&model, "cannot be mixed");
}

/* Any option may be anything: it is refused, or the network runs. */
static void
test_junk (gconstpointer index)
{
  static const char *const junk[] = { "null", "0", "1", "-1", "3", "1e30", "65536", "2147483648", "0.5", "true", "\"\"", "\"x\"", "[]",
                                      "[1, 2, 3]", "[null]", "[\"DownBlock2D\", \"SkipDownBlock2D\"]", "[\"SkipUpBlock2D\", \"UpBlock2D\"]", "{}" };
  g_auto (Model) model = model_new (index);
  g_autoptr (SfWeights) weights = checkpoint_open (model.checkpoint);
  g_autoptr (GList) options = json_object_get_members (model.config);
  static const char *const more[] = { "num_res_blocks", "channel_mult", "attention_resolutions", "num_heads_upsample", "num_head_channels",
                                      "mid_block_type", "freq_shift", "num_train_timesteps", "time_embedding_dim", "class_embed_type",
                                      "upsample_type", "image_size", "sample_size", "attn_norm_num_groups" };

  for (gsize i = 0; i < G_N_ELEMENTS (more); i++)
    if (!json_object_has_member (model.config, more[i]))
      options = g_list_append (options, (gpointer) more[i]);
  for (GList *l = options; l != NULL; l = l->next)
    for (gsize i = 0; i < G_N_ELEMENTS (junk); i++)
      {
        g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), model.config);
        g_autoptr (JsonNode) copy = json_node_copy (node);
        g_autofree char *text = json_to_string (copy, FALSE);
        g_autoptr (JsonObject) config = parse (text);
        g_autoptr (GError) error = NULL;
        g_autoptr (SfNetwork) network = NULL;

        json_object_set_member (config, l->data, json_from_string (junk[i], NULL));
        network = sf_network_open (config, weights, &error);
        g_assert_true ((network == NULL) == (error != NULL));
        if (network != NULL && sf_network_check_size (network, model.height, model.width, NULL))
          sf_tensor_unref (forward (network, model.height, model.width));
      }
}

/* Heads cannot be read off the arrays. */
static void
test_no_options (void)
{
  g_auto (Model) model = model_new (GSIZE_TO_POINTER (2));
  g_autoptr (SfWeights) weights = checkpoint_open (model.checkpoint);
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_network_open (NULL, weights, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "num_head_channels"));
}

/*** Sizes and classes ***/

static void
assert_run_refused (SfNetwork *network, int h, int w, const int *with_classes, const char *part)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (GError) error = NULL;

  sf_context_begin (cx, NULL, 0);
  g_assert_null (sf_network_forward (network, cx, noise (h, w, network->in_channels), labels, with_classes));
  g_assert_false (sf_context_end (cx, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_refused (void)
{
  g_auto (Model) model = model_new (GSIZE_TO_POINTER (0));
  g_auto (Model) fixed = model_new (GSIZE_TO_POINTER (3));
  g_autoptr (SfNetwork) network = open_network (&model);
  g_autoptr (SfNetwork) classifier = open_network (&fixed);

  g_assert_cmpint (network->height, ==, 12);
  g_assert_cmpint (network->width, ==, 8);
  assert_run_refused (network, 6, 7, classes, "multiples of 2 pixels, not 7 × 6");
  assert_run_refused (network, 6, 8, NULL, "class from 0 to 4");
  assert_run_refused (network, 6, 8, (int[]) { 0, 5 }, "5 is none of them");
  assert_run_refused (network, 6, 8, (int[]) { -2, 0 }, "-2 is none of them");
  assert_run_refused (classifier, 4, 5, NULL, "5 × 5 pixels only, not of 5 × 4");
  assert_run_refused (classifier, 5, 5, classes, "knows no classes");
}

/*** Gradients ***/

/* Sum of y times fixed random numbers. */
static double
loss_of (const SfTensor *y, SfTensor *dy)
{
  g_autofree float *weight = g_new (float, sf_tensor_size (y));
  double loss = 0;

  sf_rng_normal ((SfRng) { 3, 4 }, 0, weight, sf_tensor_size (y));
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    loss += (double) weight[i] * y->data[i];
  if (dy != NULL)
    memcpy (dy->data, weight, sf_tensor_size (dy) * sizeof (float));
  return loss;
}

static double
run_loss (SfNetwork *network, const SfTensor *x)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) y = NULL;

  sf_context_begin (cx, NULL, 0);
  y = sf_network_forward (network, cx, sf_tensor_copy (x, NULL), labels, network->n_classes > 0 ? classes : NULL);
  g_assert_true (sf_context_end (cx, NULL));
  return loss_of (y, NULL);
}

/* Along a random direction the loss changes as the gradient says; float32 leaves two digits of a difference. */
static void
test_gradient (gconstpointer index)
{
  const double step = 1e-2;
  g_auto (Model) model = model_new (index);
  g_autoptr (SfNetwork) network = open_network (&model);
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) x = noise (model.height, model.width, network->in_channels);
  g_autoptr (SfTensor) moved = sf_tensor_copy (x, NULL);
  g_autoptr (SfTensor) direction = sf_tensor_copy (x, NULL);
  g_autoptr (SfTensor) y = NULL;
  g_autoptr (SfTensor) dx = NULL;
  SfTensor *dy;
  double slope = 0, difference = 0;

  sf_context_begin (cx, NULL, 0);
  sf_context_start_tape (cx);
  y = sf_network_forward (network, cx, sf_tensor_ref (x), labels, network->n_classes > 0 ? classes : NULL);
  dy = sf_tensor_copy (y, NULL);
  loss_of (y, dy);
  dx = sf_context_gradient (cx, y, dy, x);
  g_assert_true (sf_context_end (cx, NULL));
  sf_rng_normal ((SfRng) { 5, 6 }, 0, direction->data, sf_tensor_size (x));
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    slope += (double) dx->data[i] * direction->data[i];
  for (int sign = -1; sign <= 1; sign += 2)
    {
      for (gsize i = 0; i < sf_tensor_size (x); i++)
        moved->data[i] = (float) (x->data[i] + sign * step * direction->data[i]);
      difference += sign * run_loss (network, moved) / (2 * step);
    }
  g_assert_cmpfloat_with_epsilon (slope, difference, 0.02 * MAX (fabs (difference), 1));
}

static void
test_archs (void)
{
  int n;
  const SfArch *const *archs = sf_archs (&n);

  for (int i = 0; i < n; i++)
    {
      gboolean found = FALSE;

      for (gsize k = 0; k < G_N_ELEMENTS (models); k++)
        found |= g_str_equal (models[k].arch, archs[i]->name);
      if (!found)
        g_test_fail_printf ("there is no model of architecture %s here", archs[i]->name);
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } tests[] = {
    { "forward", test_forward },
    { "dry", test_dry },
    { "half", test_half },
    { "names", test_names },
    { "arrays", test_arrays },
    { "junk", test_junk },
    { "gradient", test_gradient },
  };

  if (access ("/dev/shm", W_OK) == 0)
    g_setenv ("TMPDIR", "/dev/shm", FALSE); /* for the thousand files, each of which waits for the disk */
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (models); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (tests); k++)
      {
        g_autofree char *path = g_strdup_printf ("/network/%s/%s", models[i].name, tests[k].name);

        g_test_add_data_func (path, GSIZE_TO_POINTER (i), tests[k].func);
      }
  g_test_add_func ("/network/archs", test_archs);
  g_test_add_func ("/network/average", test_average);
  g_test_add_func ("/network/messages", test_messages);
  g_test_add_func ("/network/mixed", test_mixed);
  g_test_add_func ("/network/no-options", test_no_options);
  g_test_add_func ("/network/options", test_options);
  g_test_add_func ("/network/others", test_others);
  g_test_add_func ("/network/refused", test_refused);
  g_test_add_func ("/network/unexpected", test_unexpected);
  g_test_add_func ("/network/values", test_values);
  return g_test_run ();
}
