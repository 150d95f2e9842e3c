/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoints and options that are not as they should be, of every architecture. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/sf-error.h"
#include "models.h"

/*** Arrays ***/

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
test_arrays (gconstpointer name)
{
  g_auto (Model) model = model_new (name);
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
  g_auto (Model) model = model_new ("unet2d");
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
  g_auto (Model) model = model_new ("unet2d");
  g_autoptr (SfNetwork) network = NULL;

  checkpoint_add (model.checkpoint, "up_blocks.7.surprise", "[3]");
  checkpoint_add (model.checkpoint, "another", "[3]");
  network = model_open (&model);
  g_assert_cmpuint (g_strv_length (network->unexpected), ==, 2);
  g_assert_cmpstr (network->unexpected[0], ==, "another");
  g_assert_cmpstr (network->unexpected[1], ==, "up_blocks.7.surprise");
}

/* Averaged weights beside the others are those to use. */
static void
test_average (void)
{
  g_auto (Model) model = model_new ("adm");
  g_autoptr (SfNetwork) network = NULL;

  checkpoint_rename (model.checkpoint, "", "model_ema.");
  checkpoint_add (model.checkpoint, "model.input_blocks.0.0.weight", "[32, 3, 3, 3]");
  network = model_open (&model);
  g_assert_cmpstr (((SfParameter *) network->parameters->pdata[0])->name, ==, "model_ema.time_embed.0.weight");
}

static void
test_values (void)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY };
  const char *name = "down_blocks.0.resnets.0.conv2.weight";
  g_auto (Model) model = model_new ("unet2d");
  SfArray *array = checkpoint_array (model.checkpoint, name);

  for (gsize i = 0; i <= G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SfNetwork) network = model_open (&model);

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
      g_auto (Model) model = { .config = model_parse ("{}"), .checkpoint = checkpoint_new () };

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
    { "sample_size", "[]", "option “sample_size” of the network is []; it must be one number or two" },
    { "sample_size", "[1, 2, 3]", "option “sample_size” of the network is [1,2,3]; it must be one number or two" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Model) model = model_new ("unet2d");

      json_object_set_member (model.config, rows[i].option, json_from_string (rows[i].value, NULL));
      assert_refused (&model, rows[i].message);
    }
}

/* A picture beside that does not reach the end. */
static void
test_mixed (void)
{
  g_auto (Model) model = model_new ("ncsnpp");

  json_object_set_member (model.config, "up_block_types", json_from_string ("[\"AttnSkipUpBlock2D\", \"UpBlock2D\"]", NULL));
  json_object_set_int_member (model.config, "norm_num_groups", 8);
  assert_refused (&model, "cannot be mixed");
}

/* Any option may be anything: it is refused, or the network runs. */
static void
test_junk (gconstpointer name)
{
  static const char *const junk[] = { "null", "0", "1", "-1", "3", "1e30", "65536", "2147483648", "0.5", "true", "\"\"", "\"x\"", "[]",
                                      "[1, 2, 3]", "[null]", "[\"DownBlock2D\", \"SkipDownBlock2D\"]", "[\"SkipUpBlock2D\", \"UpBlock2D\"]", "{}" };
  g_auto (Model) model = model_new (name);
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
        g_autoptr (JsonObject) config = model_parse (text);
        g_autoptr (GError) error = NULL;
        g_autoptr (SfNetwork) network = NULL;

        json_object_set_member (config, l->data, json_from_string (junk[i], NULL));
        network = sf_network_open (config, weights, &error);
        g_assert_true ((network == NULL) == (error != NULL));
        if (network != NULL && sf_network_check_size (network, model.height, model.width, NULL))
          sf_tensor_unref (model_forward (network, model.height, model.width));
      }
}

/* Heads cannot be read off the arrays. */
static void
test_no_options (void)
{
  g_auto (Model) model = model_new ("adm");
  g_autoptr (SfWeights) weights = checkpoint_open (model.checkpoint);
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_network_open (NULL, weights, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "num_head_channels"));
}

int
main (int argc, char **argv)
{
  if (access ("/dev/shm", W_OK) == 0)
    g_setenv ("TMPDIR", "/dev/shm", FALSE); /* for the thousand files, each of which waits for the disk */
  g_test_init (&argc, &argv, NULL);
  model_add_test ("arrays", test_arrays);
  model_add_test ("junk", test_junk);
  g_test_add_func ("/network/average", test_average);
  g_test_add_func ("/network/messages", test_messages);
  g_test_add_func ("/network/mixed", test_mixed);
  g_test_add_func ("/network/no-options", test_no_options);
  g_test_add_func ("/network/options", test_options);
  g_test_add_func ("/network/others", test_others);
  g_test_add_func ("/network/unexpected", test_unexpected);
  g_test_add_func ("/network/values", test_values);
  return g_test_run ();
}
