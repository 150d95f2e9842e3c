/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>

#include "base/sf-rng.h"
#include "weights/sf-weights.h"

static char *folder;

void
files_begin (void)
{
  folder = g_dir_make_tmp ("sfumato-test-XXXXXX", NULL);
  g_assert_nonnull (folder);
  g_setenv ("XDG_DATA_HOME", folder, TRUE);
  g_unsetenv ("SFUMATO_MODELS");
}

void
files_begin_in (const char *path)
{
  folder = g_strdup (path);
}

static void
remove_all (const char *path)
{
  GDir *dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_all (child);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_remove (path);
}

void
files_end (void)
{
  remove_all (folder);
  g_clear_pointer (&folder, g_free);
}

char *
files_path (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static char *
path_with_folders (const char *name)
{
  char *path = files_path (name);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  return path;
}

void
files_write (const char *name, const char *text)
{
  g_autofree char *path = path_with_folders (name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

void
files_remove (const char *name)
{
  g_autofree char *path = files_path (name);

  remove_all (path);
}

/*** Networks ***/

typedef struct
{
  GPtrArray *names;
  GArray *arrays;
  gsize n;
} Net;

static void
add (Net *net, const char *prefix, const char *name, int n_dims, const int *dims)
{
  SfArray array = { .dtype = SF_DTYPE_F32, .n_dims = n_dims, .n = 1 };
  const SfRng rng = { .seed = net->names->len };
  float *data;

  for (int i = 0; i < n_dims; i++)
    array.n *= array.dim[i] = (gsize) dims[i];
  data = g_new (float, array.n);
  sf_rng_normal (rng, 0, data, array.n);
  for (gsize i = 0; i < array.n; i++)
    data[i] *= 0.1f;
  array.data = data;
  net->n += array.n;
  g_ptr_array_add (net->names, g_strconcat (prefix, name, NULL));
  g_array_append_val (net->arrays, array);
}

#define ADD(net, prefix, name, ...) \
  add (net, prefix, name, G_N_ELEMENTS (((int[]) { __VA_ARGS__ })), (int[]) { __VA_ARGS__ })

/* NAME.weight and NAME.bias */
#define LAYER(net, prefix, name, out, ...)                 \
  do                                                       \
    {                                                      \
      ADD (net, prefix, name ".weight", out, __VA_ARGS__); \
      ADD (net, prefix, name ".bias", out);                \
    }                                                      \
  while (0)

static void
add_norm (Net *net, const char *prefix, const char *name, int channels)
{
  g_autofree char *weight = g_strconcat (name, ".weight", NULL), *bias = g_strconcat (name, ".bias", NULL);

  ADD (net, prefix, weight, channels);
  ADD (net, prefix, bias, channels);
}

static void
net_init (Net *net)
{
  *net = (Net) { g_ptr_array_new_with_free_func (g_free), g_array_new (FALSE, FALSE, sizeof (SfArray)) };
}

/* Writes and forgets it. */
static gsize
net_write (Net *net, const char *name, const NetShape *shape)
{
  g_autofree char *path = path_with_folders (name);
  g_autoptr (GError) error = NULL;

  if (shape->broken)
    *(float *) g_array_index (net->arrays, SfArray, net->arrays->len - 1).data = NAN;
  if (shape->extra != NULL)
    ADD (net, "", shape->extra, 1);
  sf_weights_write_safetensors (path, (const char *const *) net->names->pdata, (const SfArray *) net->arrays->data, (int) net->arrays->len, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < net->arrays->len; i++)
    g_free ((gpointer) g_array_index (net->arrays, SfArray, i).data);
  g_ptr_array_unref (net->names);
  g_array_unref (net->arrays);
  return net->n;
}

static int
or_three (int channels)
{
  return channels > 0 ? channels : 3;
}

static void
add_unet2d_block (Net *net, const char *prefix, int in)
{
  add_norm (net, prefix, "norm1", in);
  LAYER (net, prefix, "conv1", 8, in, 3, 3);
  LAYER (net, prefix, "time_emb_proj", 8, 32);
  add_norm (net, prefix, "norm2", 8);
  LAYER (net, prefix, "conv2", 8, 8, 3, 3);
  if (in != 8)
    LAYER (net, prefix, "conv_shortcut", 8, in, 1, 1);
}

void
files_write_unet2d (const char *name, const NetShape *shape)
{
  Net net;

  net_init (&net);
  LAYER (&net, "", "conv_in", 8, or_three (shape->in), 3, 3);
  LAYER (&net, "", "time_embedding.linear_1", 32, 8);
  LAYER (&net, "", "time_embedding.linear_2", 32, 32);
  if (shape->classes > 0)
    ADD (&net, "", "class_embedding.weight", shape->classes, 32);
  add_unet2d_block (&net, "down_blocks.0.resnets.0.", 8);
  add_unet2d_block (&net, "mid_block.resnets.0.", 8);
  add_unet2d_block (&net, "mid_block.resnets.1.", 8);
  add_unet2d_block (&net, "up_blocks.0.resnets.0.", 16);
  add_unet2d_block (&net, "up_blocks.0.resnets.1.", 16);
  add_norm (&net, "", "conv_norm_out", 8);
  LAYER (&net, "", "conv_out", or_three (shape->out), 8, 3, 3);
  net_write (&net, name, shape);
}

void
files_write_unet2d_config (const char *name, const NetShape *shape)
{
  g_autofree char *classes = shape->classes > 0 ? g_strdup_printf ("%d", shape->classes) : g_strdup ("null");
  g_autofree char *text = g_strdup_printf (
      "{\"_class_name\": \"UNet2DModel\", \"sample_size\": %d, \"in_channels\": %d, \"out_channels\": %d, \"num_class_embeds\": %s,\n"
      " \"block_out_channels\": [8], \"layers_per_block\": 1, \"down_block_types\": [\"DownBlock2D\"], \"up_block_types\": [\"UpBlock2D\"],\n"
      " \"norm_num_groups\": 4, \"add_attention\": false, \"downsample_padding\": 0, \"flip_sin_to_cos\": false, \"freq_shift\": 1}",
      shape->side > 0 ? shape->side : 8, or_three (shape->in), or_three (shape->out), classes);

  files_write (name, text);
}

static void
add_adm_block (Net *net, const char *prefix, int in)
{
  add_norm (net, prefix, "in_layers.0", in);
  LAYER (net, prefix, "in_layers.2", 32, in, 3, 3);
  LAYER (net, prefix, "emb_layers.1", 64, 128);
  add_norm (net, prefix, "out_layers.0", 32);
  LAYER (net, prefix, "out_layers.3", 32, 32, 3, 3);
  if (in != 32)
    LAYER (net, prefix, "skip_connection", 32, in, 1, 1);
}

/* What a network and a classifier have in common. */
static void
add_adm_way_down (Net *net, const NetShape *shape)
{
  LAYER (net, "", "time_embed.0", 128, 32);
  LAYER (net, "", "time_embed.2", 128, 128);
  LAYER (net, "", "input_blocks.0.0", 32, or_three (shape->in), 3, 3);
  add_adm_block (net, "input_blocks.1.0.", 32);
  add_adm_block (net, "middle_block.0.", 32);
  add_norm (net, "middle_block.1.", "norm", 32);
  LAYER (net, "middle_block.1.", "qkv", 96, 32, 1);
  LAYER (net, "middle_block.1.", "proj_out", 32, 32, 1);
  add_adm_block (net, "middle_block.2.", 32);
  add_norm (net, "", "out.0", 32);
}

gsize
files_write_adm (const char *name, const NetShape *shape)
{
  Net net;

  net_init (&net);
  add_adm_way_down (&net, shape);
  if (shape->classes > 0)
    ADD (&net, "", "label_emb.weight", shape->classes, 128);
  add_adm_block (&net, "output_blocks.0.0.", 64);
  add_adm_block (&net, "output_blocks.1.0.", 64);
  LAYER (&net, "", "out.2", or_three (shape->out), 32, 3, 3);
  return net_write (&net, name, shape);
}

void
files_write_adm_classifier (const char *name, const NetShape *shape)
{
  Net net;

  net_init (&net);
  add_adm_way_down (&net, shape);
  LAYER (&net, "", "out.3", shape->classes, 32, 1, 1);
  net_write (&net, name, shape);
}
