/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every architecture with random weights: what it computes is right is for golden/nets to say; here are sizes, threads, memory and
 * gradients.
 */
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "models.h"

static void
assert_same (const SfTensor *a, const SfTensor *b)
{
  g_assert_true (sf_tensor_same_shape (a, b));
  g_assert_cmpmem (a->data, sf_tensor_size (a) * sizeof (float), b->data, sf_tensor_size (b) * sizeof (float));
}

static void
test_forward (gconstpointer name)
{
  g_auto (Model) model = model_new (name);
  g_autoptr (SfNetwork) network = model_open (&model);
  g_autoptr (SfTensor) y = model_forward (network, model.height, model.width);
  double power = 0;

  g_assert_cmpstr (network->arch->name, ==, model.arch);
  g_assert_null (network->unexpected);
  g_assert_cmpint (y->n, ==, MODEL_ITEMS);
  g_assert_cmpint (y->c, ==, network->out_channels);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    power += y->data[i] * y->data[i];
  g_assert_cmpfloat (power, >, 0);
  g_assert_cmpfloat (power / sf_tensor_size (y), <, 1000); /* NaN fails */
  for (int threads = 1; threads <= 4; threads *= 2)
    {
      g_autoptr (SfTensor) again = NULL;

      sf_parallel_set_threads (threads);
      again = model_forward (network, model.height, model.width);
      assert_same (again, y);
    }
  sf_parallel_set_threads (0);
}

/* A dry run tells work and memory of the wet one. */
static void
test_dry (gconstpointer name)
{
  g_auto (Model) model = model_new (name);
  g_autoptr (SfNetwork) network = model_open (&model);
  double work[2];
  gsize peak[2], live[2];

  for (int dry = 0; dry < 2; dry++)
    {
      g_autoptr (SfContext) cx = dry ? sf_context_new_dry () : sf_context_new (0);
      g_autoptr (GError) error = NULL;
      SfTensor *x = sf_context_tensor (cx, MODEL_ITEMS, model.height, model.width, network->in_channels);

      if (!dry)
        memset (x->data, 0, sf_tensor_size (x) * sizeof (float));
      sf_context_begin (cx, NULL, 0);
      sf_tensor_unref (sf_network_forward (network, cx, x, model_labels, network->n_classes > 0 ? model_classes : NULL));
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
test_half (gconstpointer name)
{
  g_auto (Model) model = model_new (name);
  g_autoptr (Checkpoint) stored = checkpoint_copy (model.checkpoint);
  g_autoptr (SfNetwork) single = NULL, half = NULL;
  g_autoptr (SfTensor) y = NULL, same = NULL;

  checkpoint_halve (stored, TRUE);
  half = checkpoint_network (stored, model.config, NULL);
  checkpoint_halve (model.checkpoint, FALSE);
  single = model_open (&model);
  y = model_forward (single, model.height, model.width);
  same = model_forward (half, model.height, model.width);
  assert_same (same, y);
}

/* What people's files call otherwise: wrapped, and as diffusers did before 0.15. */
static void
test_names (gconstpointer name)
{
  static const char *const renamings[][2] = {
    { "to_q.", "query." },
    { "to_k.", "key." },
    { "to_v.", "value." },
    { "to_out.0.", "proj_attn." },
    { "time_proj.weight", "time_proj.W" },
    { "", "module." },
  };
  g_auto (Model) model = model_new (name);
  g_autoptr (SfNetwork) network = model_open (&model);
  g_autoptr (SfTensor) y = model_forward (network, model.height, model.width);

  for (gsize i = 0; i < G_N_ELEMENTS (renamings); i++)
    {
      g_autoptr (SfNetwork) renamed = NULL;
      g_autoptr (SfTensor) same = NULL;

      checkpoint_rename (model.checkpoint, renamings[i][0], renamings[i][1]);
      renamed = model_open (&model);
      same = model_forward (renamed, model.height, model.width);
      g_assert_null (renamed->unexpected);
      assert_same (same, y);
    }
}

/*** Sizes and classes ***/

static void
assert_run_refused (SfNetwork *network, int h, int w, const int *with_classes, const char *part)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (GError) error = NULL;

  sf_context_begin (cx, NULL, 0);
  g_assert_null (sf_network_forward (network, cx, model_noise (h, w, network->in_channels), model_labels, with_classes));
  g_assert_false (sf_context_end (cx, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_refused (void)
{
  g_auto (Model) model = model_new ("unet2d");
  g_auto (Model) fixed = model_new ("adm-classifier");
  g_autoptr (SfNetwork) network = model_open (&model);
  g_autoptr (SfNetwork) classifier = model_open (&fixed);

  g_assert_cmpint (network->height, ==, 12);
  g_assert_cmpint (network->width, ==, 8);
  assert_run_refused (network, 6, 7, model_classes, "multiples of 2 pixels, not 7 × 6");
  assert_run_refused (network, 6, 8, NULL, "class from 0 to 4");
  assert_run_refused (network, 6, 8, (int[]) { 0, 5 }, "5 is none of them");
  assert_run_refused (network, 6, 8, (int[]) { -2, 0 }, "-2 is none of them");
  assert_run_refused (classifier, 4, 5, NULL, "5 × 5 pixels only, not of 5 × 4");
  assert_run_refused (classifier, 5, 5, model_classes, "knows no classes");
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
  y = sf_network_forward (network, cx, sf_tensor_copy (x, NULL), model_labels, network->n_classes > 0 ? model_classes : NULL);
  g_assert_true (sf_context_end (cx, NULL));
  return loss_of (y, NULL);
}

/* Along a random direction the loss changes as the gradient says; float32 leaves two digits of a difference. */
static void
test_gradient (gconstpointer name)
{
  const double step = 1e-2;
  g_auto (Model) model = model_new (name);
  g_autoptr (SfNetwork) network = model_open (&model);
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) x = model_noise (model.height, model.width, network->in_channels);
  g_autoptr (SfTensor) moved = sf_tensor_copy (x, NULL);
  g_autoptr (SfTensor) direction = sf_tensor_copy (x, NULL);
  g_autoptr (SfTensor) y = NULL;
  g_autoptr (SfTensor) dx = NULL;
  SfTensor *dy;
  double slope = 0, difference = 0;

  sf_context_begin (cx, NULL, 0);
  sf_context_start_tape (cx);
  y = sf_network_forward (network, cx, sf_tensor_ref (x), model_labels, network->n_classes > 0 ? model_classes : NULL);
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
    if (!model_is_there (archs[i]->name))
      g_test_fail_printf ("there is no model of architecture %s here", archs[i]->name);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  model_add_test ("forward", test_forward);
  model_add_test ("dry", test_dry);
  model_add_test ("half", test_half);
  model_add_test ("names", test_names);
  model_add_test ("gradient", test_gradient);
  g_test_add_func ("/network/archs", test_archs);
  g_test_add_func ("/network/refused", test_refused);
  return g_test_run ();
}
