/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks of guided-diffusion are read off their arrays: for many of them the arrays are listed here as the training code makes
 * them, and all that is told besides is the number of heads.
 */
#include "checkpoint.h"

typedef struct
{
  const char *name;
  int layers, levels, multiple[6];
  guint attention; /* bit i: level i */
  gboolean by_residual, convolves, modulate;
  int classes;
  gboolean is_classifier;
} Shape;

#define MODEL 32 /* channels that multiples are of */
#define EMBEDDING (4 * MODEL)

static void add (Checkpoint *checkpoint, const char *shape, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
add (Checkpoint *checkpoint, const char *shape, const char *format, ...)
{
  g_autofree char *name = NULL;
  va_list arguments;

  va_start (arguments, format);
  name = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  checkpoint_add (checkpoint, name, shape);
}

/* Weight and bias; @kernel: 0 for a norm. */
static void
add_layer (Checkpoint *checkpoint, const char *path, const char *name, int in, int out, int kernel, int n_dims)
{
  g_autofree char *bias = g_strdup_printf ("[%d]", out);
  g_autofree char *weight = kernel == 0   ? g_strdup (bias)
                            : n_dims == 4 ? g_strdup_printf ("[%d, %d, %d, %d]", out, in, kernel, kernel)
                            : n_dims == 3 ? g_strdup_printf ("[%d, %d, %d]", out, in, kernel)
                                          : g_strdup_printf ("[%d, %d]", out, in);

  add (checkpoint, weight, "%s.%s.weight", path, name);
  add (checkpoint, bias, "%s.%s.bias", path, name);
}

static void
add_res_block (Checkpoint *checkpoint, const Shape *shape, const char *path, int in, int out)
{
  add_layer (checkpoint, path, "in_layers.0", in, in, 0, 1);
  add_layer (checkpoint, path, "in_layers.2", in, out, 3, 4);
  add_layer (checkpoint, path, "emb_layers.1", EMBEDDING, shape->modulate ? 2 * out : out, 1, 2);
  add_layer (checkpoint, path, "out_layers.0", out, out, 0, 1);
  add_layer (checkpoint, path, "out_layers.3", out, out, 3, 4);
  if (in != out)
    add_layer (checkpoint, path, "skip_connection", in, out, 1, 4);
}

static void
add_attention (Checkpoint *checkpoint, const char *path, int c)
{
  add_layer (checkpoint, path, "norm", c, c, 0, 1);
  add_layer (checkpoint, path, "qkv", c, 3 * c, 1, 3);
  add_layer (checkpoint, path, "proj_out", c, c, 1, 3);
}

static void
add_way_down (Checkpoint *checkpoint, const Shape *shape, GArray *kept)
{
  int c = MODEL * shape->multiple[0], block = 1;

  add_layer (checkpoint, "input_blocks.0", "0", 3, c, 3, 4);
  g_array_append_val (kept, c);
  for (int level = 0; level < shape->levels; level++)
    {
      for (int i = 0; i < shape->layers; i++, block++)
        {
          g_autofree char *path = g_strdup_printf ("input_blocks.%d.0", block);
          g_autofree char *second = g_strdup_printf ("input_blocks.%d.1", block);

          add_res_block (checkpoint, shape, path, c, MODEL * shape->multiple[level]);
          c = MODEL * shape->multiple[level];
          if (shape->attention >> level & 1)
            add_attention (checkpoint, second, c);
          g_array_append_val (kept, c);
        }
      if (level < shape->levels - 1)
        {
          g_autofree char *path = g_strdup_printf ("input_blocks.%d.0", block++);

          if (shape->by_residual)
            add_res_block (checkpoint, shape, path, c, c);
          else if (shape->convolves)
            add_layer (checkpoint, path, "op", c, c, 3, 4);
          g_array_append_val (kept, c);
        }
    }
  add_res_block (checkpoint, shape, "middle_block.0", c, c);
  add_attention (checkpoint, "middle_block.1", c);
  add_res_block (checkpoint, shape, "middle_block.2", c, c);
}

static void
add_way_up (Checkpoint *checkpoint, const Shape *shape, const GArray *kept)
{
  int c = MODEL * shape->multiple[shape->levels - 1], block = 0;

  for (int level = shape->levels - 1; level >= 0; level--)
    for (int i = 0; i <= shape->layers; i++, block++)
      {
        g_autofree char *path = g_strdup_printf ("output_blocks.%d.0", block);
        g_autofree char *second = g_strdup_printf ("output_blocks.%d.1", block);
        g_autofree char *last = g_strdup_printf ("output_blocks.%d.%d", block, shape->attention >> level & 1 ? 2 : 1);

        add_res_block (checkpoint, shape, path, c + g_array_index (kept, int, kept->len - 1 - block), MODEL * shape->multiple[level]);
        c = MODEL * shape->multiple[level];
        if (shape->attention >> level & 1)
          add_attention (checkpoint, second, c);
        if (level > 0 && i == shape->layers && shape->by_residual)
          add_res_block (checkpoint, shape, last, c, c);
        else if (level > 0 && i == shape->layers && shape->convolves)
          add_layer (checkpoint, last, "conv", c, c, 3, 4);
      }
  add_layer (checkpoint, "out", "0", c, c, 0, 1);
  add_layer (checkpoint, "out", "2", c, 6, 3, 4);
}

static Checkpoint *
make (const Shape *shape)
{
  Checkpoint *checkpoint = checkpoint_new ();
  g_autoptr (GArray) kept = g_array_new (FALSE, FALSE, sizeof (int));
  int last = MODEL * shape->multiple[shape->levels - 1];

  add_layer (checkpoint, "time_embed", "0", MODEL, EMBEDDING, 1, 2);
  add_layer (checkpoint, "time_embed", "2", EMBEDDING, EMBEDDING, 1, 2);
  add_way_down (checkpoint, shape, kept);
  if (shape->is_classifier)
    {
      add_layer (checkpoint, "out", "0", last, last, 0, 1);
      add_layer (checkpoint, "out", "3", last, 10, 1, 4);
      return checkpoint;
    }
  add_way_up (checkpoint, shape, kept);
  if (shape->classes > 0)
    {
      g_autofree char *text = g_strdup_printf ("[%d, %d]", shape->classes, EMBEDDING);

      checkpoint_add (checkpoint, "label_emb.weight", text);
    }
  return checkpoint;
}

/* The published networks with narrower levels, and what could be mistaken. */
static const Shape shapes[] = {
  { "64x64", 3, 4, { 1, 2, 3, 4 }, 14, TRUE, FALSE, TRUE, 10, FALSE },
  { "128x128", 2, 5, { 1, 1, 2, 3, 4 }, 28, TRUE, FALSE, TRUE, 10, FALSE },
  { "256x256", 2, 6, { 1, 1, 2, 2, 4, 4 }, 56, TRUE, FALSE, TRUE, 0, FALSE },
  { "64x64-classifier", 4, 4, { 1, 2, 3, 4 }, 14, TRUE, FALSE, TRUE, 0, TRUE },
  { "256x256-classifier", 2, 6, { 1, 1, 2, 2, 4, 4 }, 56, TRUE, FALSE, TRUE, 0, TRUE },
  { "improved-cifar10", 3, 4, { 1, 2, 2, 2 }, 6, FALSE, TRUE, TRUE, 0, FALSE },
  { "improved-imagenet64", 3, 4, { 1, 2, 3, 4 }, 12, FALSE, TRUE, FALSE, 10, FALSE },
  { "nothing-learned", 1, 3, { 1, 1, 1 }, 0, FALSE, FALSE, FALSE, 0, FALSE },
  { "same-channels", 2, 4, { 1, 1, 1, 1 }, 0, TRUE, FALSE, FALSE, 0, FALSE },
  { "one-level", 5, 1, { 2 }, 0, TRUE, FALSE, TRUE, 0, FALSE },
  { "one-level-attention", 3, 1, { 1 }, 1, FALSE, TRUE, TRUE, 0, FALSE },
};

/* Every array has its use. */
static void
test_arrays (gconstpointer data)
{
  const Shape *shape = data;
  g_autoptr (Checkpoint) checkpoint = make (shape);
  g_autoptr (JsonObject) config = json_object_new ();
  g_autoptr (GList) names = checkpoint_names (checkpoint);
  g_autoptr (GError) error = NULL;
  g_autoptr (SfNetwork) network = NULL;

  json_object_set_int_member (config, "num_heads", 4);
  network = checkpoint_network (checkpoint, config, &error);
  g_assert_no_error (error);
  g_assert_null (network->unexpected);
  g_assert_cmpuint (network->parameters->len, ==, g_list_length (names));
  g_assert_cmpint (network->divisor, ==, 1 << (shape->levels - 1));
  g_assert_cmpint (network->n_classes, ==, shape->classes);
  g_assert_cmpint (network->out_channels, ==, shape->is_classifier ? 10 : 6);
}

/* Options that say something else than the arrays. */
static void
test_contradictions (void)
{
  static const struct
  {
    const char *option, *value;
  } rows[] = {
    { "num_res_blocks", "2" },
    { "channel_mult", "[1, 2, 3]" },
    { "channel_mult", "[1, 2, 3, 5]" },
    { "attention_resolutions", "[2, 4]" },
    { "attention_resolutions", "[]" },
    { "model_channels", "64" },
    { "out_channels", "3" },
    { "num_classes", "1000" },
    { "use_scale_shift_norm", "false" },
    { "resblock_updown", "false" },
    { "num_heads", "5" },
    { "num_head_channels", "24" },
  };
  g_autoptr (Checkpoint) checkpoint = make (&shapes[0]);
  g_autoptr (SfWeights) weights = checkpoint_open (checkpoint);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (JsonObject) config = json_object_new ();
      g_autoptr (GError) error = NULL;

      json_object_set_member (config, rows[i].option, json_from_string (rows[i].value, NULL));
      g_assert_null (sf_network_open (config, weights, &error));
      if (strstr (error->message, rows[i].option) == NULL)
        g_test_fail_printf ("“%s” does not name option “%s”", error->message, rows[i].option);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autofree char *path = g_strdup_printf ("/adm/arrays/%s", shapes[i].name);

      g_test_add_data_func (path, &shapes[i], test_arrays);
    }
  g_test_add_func ("/adm/contradictions", test_contradictions);
  return g_test_run ();
}
