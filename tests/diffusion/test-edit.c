/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-betas.h"
#include "diffusion/sf-edit.h"

#include <math.h>
#include <string.h>

#include "analytic.h"
#include "base/sf-error.h"

#define SIDE 12
#define STEPS 10

/* A denoiser in which every pixel knows of all others: D = half the state, half its mean, both as at less noise. */
static gboolean
coupled_predict (SfDenoiser *self, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
                 const SfProgress *progress, GError **error)
{
  gsize n = sf_tensor_size (x);
  double mean = 0, shrink = 1 / (1 + level->sigma * level->sigma);

  for (gsize i = 0; i < n; i++)
    mean += x->data[i] / n;
  for (gsize i = 0; i < n; i++)
    denoised->data[i] = (SfReal) (shrink * (x->data[i] + mean) / 2);
  return TRUE;
}

static void
coupled_free (SfDenoiser *self)
{
  g_free (self);
}

static SfDenoiser *
coupled_new (void)
{
  SfDenoiser *self = g_new0 (SfDenoiser, 1);

  *self = (SfDenoiser) { coupled_predict, coupled_free };
  return self;
}

static SfTensor *
image_new (void)
{
  SfTensor *x = sf_tensor_new (1, SIDE, SIDE, 3, NULL);

  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] = (SfReal) sin (0.1 * i);
  return x;
}

/* 1 in the left half, @right in the other. */
static SfTensor *
mask_new (double left, double right)
{
  SfTensor *mask = sf_tensor_new (1, SIDE, SIDE, 1, NULL);

  for (gsize i = 0; i < sf_tensor_size (mask); i++)
    mask->data[i] = (SfReal) (i % SIDE < SIDE / 2 ? left : right);
  return mask;
}

/* What becomes of image_new(). */
static SfTensor *
edited (const SfEdit *edit, const char *sampler, const SfSamplerOptions *options)
{
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, STEPS);
  g_autoptr (SfDenoiser) denoiser = coupled_new ();
  g_autoptr (GError) error = NULL;
  SfTensor *x = image_new ();

  g_assert_true (sf_edit (edit, sf_sampler_find (sampler), denoiser, sf_noise_process_ddpm (), levels, STEPS, options, (SfRng) { 7, 0 }, x, NULL, &error));
  g_assert_no_error (error);
  return x;
}

/* The largest difference where @mask is 1 (or, with @mask %NULL, anywhere). */
static double
distance (const SfTensor *a, const SfTensor *b, const SfTensor *mask)
{
  double worst = 0;

  for (gsize i = 0; i < sf_tensor_size (a); i++)
    if (mask == NULL || mask->data[i / a->c] >= 1)
      worst = MAX (worst, fabs (a->data[i] - b->data[i]));
  return worst;
}

/*** Strength ***/

static void
test_strength (void)
{
  static const struct
  {
    int n;
    double strength;
    int steps;
  } rows[] = { { 100, 0.29, 28 }, { 100, 0.57, 56 }, { 20, 0.1, 2 }, { 10, 0, 0 }, { 10, 1, 10 }, { 1, 0.99, 0 }, { 30, 0.58, 17 } };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (sf_edit_steps (rows[i].n, rows[i].strength), ==, rows[i].steps);
}

static void
test_nothing (void)
{
  SfEdit edit = { .strength = 0, .repeats = 3 };
  g_autoptr (SfTensor) x = edited (&edit, "ddpm", NULL);
  g_autoptr (SfTensor) image = image_new ();

  g_assert_cmpmem (x->data, sf_tensor_size (x) * sizeof (SfReal), image->data, sf_tensor_size (x) * sizeof (SfReal));
}

/* The more strength, the further from the image. */
static void
test_distance (void)
{
  g_autoptr (SfTensor) image = image_new ();
  double last = 0;

  for (double strength = 0.2; strength <= 1; strength += 0.4)
    {
      SfEdit edit = { .strength = strength, .repeats = 1 };
      g_autoptr (SfTensor) x = edited (&edit, "euler", NULL);
      double d = distance (x, image, NULL);

      g_assert_cmpfloat (d, >, last);
      last = d;
    }
}

/*** What is kept ***/

/* To the bit, whatever the sampler; the rest changes. */
static void
test_kept (void)
{
  static const char *const samplers[] = { "ddpm", "heun", "dpmpp-2m", "euler-ancestral", "annealed-langevin" };
  g_autoptr (SfTensor) image = image_new ();
  g_autoptr (SfTensor) mask = mask_new (1, 0);
  g_autoptr (SfTensor) rest = mask_new (0, 1);

  for (SfKeep keep = SF_KEEP_ONE_NOISE; keep <= SF_KEEP_FRESH; keep++)
    for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
      for (double strength = 0.6; strength <= 1; strength += 0.4)
        {
          SfEdit edit = { .mask = mask, .keep = keep, .strength = strength, .repeats = 2 };
          g_autoptr (SfTensor) x = edited (&edit, samplers[i], NULL);

          g_assert_cmpfloat (distance (x, image, mask), ==, 0);
          g_assert_cmpfloat (distance (x, image, rest), >, 0.1);
        }
}

/* A mask of one number per channel, or for each of several images, says the same. */
static void
test_mask_shapes (void)
{
  g_autoptr (SfTensor) narrow = mask_new (1, 0);
  g_autoptr (SfTensor) wide = sf_tensor_new (1, SIDE, SIDE, 3, NULL);

  for (gsize i = 0; i < sf_tensor_size (wide); i++)
    wide->data[i] = narrow->data[i / 3];
  for (SfKeep keep = SF_KEEP_ONE_NOISE; keep <= SF_KEEP_FRESH; keep++)
    {
      SfEdit edit = { .mask = narrow, .keep = keep, .strength = 1, .repeats = 1 };
      g_autoptr (SfTensor) a = edited (&edit, "ddpm", NULL);
      g_autoptr (SfTensor) b = NULL;

      edit.mask = wide;
      b = edited (&edit, "ddpm", NULL);
      g_assert_cmpfloat (distance (a, b, NULL), ==, 0);
    }
}

/* Repeats go on from the result, each with noise of its own. */
static void
test_repeats (void)
{
  g_autoptr (SfTensor) mask = mask_new (1, 0);
  g_autoptr (SfTensor) rest = mask_new (0, 1);
  SfEdit edit = { .mask = mask, .keep = SF_KEEP_NOISIER, .strength = 0.5, .repeats = 1 };
  g_autoptr (SfTensor) once = edited (&edit, "ddpm", NULL);
  g_autoptr (SfTensor) twice = NULL, again = NULL;
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, STEPS);
  g_autoptr (SfDenoiser) denoiser = coupled_new ();

  again = sf_tensor_copy (once, NULL);
  g_assert_true (sf_edit (&edit, sf_sampler_find ("ddpm"), denoiser, sf_noise_process_ddpm (), levels, STEPS, NULL,
                          (SfRng) { 7, G_GUINT64_CONSTANT (1) << 32 }, again, NULL, NULL));
  edit.repeats = 2;
  twice = edited (&edit, "ddpm", NULL);
  g_assert_cmpfloat (distance (twice, again, NULL), ==, 0);
  g_assert_cmpfloat (distance (twice, once, rest), >, 0.01);
}

/*** Differential diffusion ***/

/* A map of 0 is no mask at all; one of 0 and 1 is latent replacement. */
static void
test_soft_ends (void)
{
  g_autoptr (SfTensor) none = mask_new (0, 0);
  g_autoptr (SfTensor) half = mask_new (1, 0);
  SfEdit soft = { .mask = none, .keep = SF_KEEP_SOFT, .strength = 0.7, .repeats = 1 };
  SfEdit plain = { .strength = 0.7, .repeats = 1 }, hard = { .mask = half, .keep = SF_KEEP_ONE_NOISE, .strength = 0.7, .repeats = 1 };
  g_autoptr (SfTensor) a = edited (&soft, "euler", NULL), b = edited (&plain, "euler", NULL);
  g_autoptr (SfTensor) c = NULL, d = edited (&hard, "euler", NULL);

  soft.mask = half;
  c = edited (&soft, "euler", NULL);
  g_assert_cmpfloat (distance (a, b, NULL), ==, 0);
  g_assert_cmpfloat (distance (c, d, NULL), ==, 0);
  g_assert_cmpfloat (distance (b, d, NULL), >, 0.1); /* the coupling tells */
}

/* Where the state at each evaluation is the image and the one noise. */
typedef struct
{
  const SfTensor *image;
  SfTensor *z; /* the noise in the first state */
  int k;
  gboolean held[2][STEPS]; /* in the left half and in the right */
} Held;

static gboolean
see_held (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  Held *self = data;

  for (int half = 0; half < 2; half++)
    self->held[half][self->k] = TRUE;
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    {
      double noise = (y->data[i] - self->image->data[i]) / level->sigma;

      if (self->k == 0)
        self->z->data[i] = (SfReal) noise;
      else if (fabs (noise - self->z->data[i]) > 1e-4)
        self->held[i / 3 % SIDE < SIDE / 2 ? 0 : 1][self->k] = FALSE;
    }
  self->k++;
  return TRUE;
}

/* A pixel of map m follows the image before step k as long as m > k / n. */
static void
test_soft_time (void)
{
  g_autoptr (SfTensor) image = image_new ();
  g_autoptr (SfTensor) z = sf_tensor_new_like (image, NULL);
  g_autoptr (SfTensor) mask = mask_new (0.5, 0.21);
  Held held = { .image = image, .z = z };
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .before = see_held, .before_data = &held };
  SfEdit edit = { .mask = mask, .keep = SF_KEEP_SOFT, .strength = 1, .repeats = 1 };
  g_autoptr (SfTensor) x = edited (&edit, "euler", &options);

  g_assert_cmpint (held.k, ==, STEPS);
  for (int k = 0; k < STEPS; k++)
    {
      g_assert_true (held.held[0][k] == (k < 5));
      g_assert_true (held.held[1][k] == (k < 3));
    }
}

/*** RePaint ***/

static void
test_walk (void)
{
  static const int expected[] = { 5, 4, 3, 2, 3, 4, 3, 2, 1, 0, 1, 2, 1, 0, -1 };
  static const int singly[] = { 3, 2, 1, 2, 1, 0, 1, 0, -1 };
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, 6);
  g_autofree SfNoiseLevel *walk = NULL;
  g_autofree SfNoiseLevel *single = NULL;
  int n;

  walk = sf_edit_walk (levels, 6, 1, 2, 2, &n);
  g_assert_cmpint (n + 1, ==, G_N_ELEMENTS (expected));
  for (int k = 0; k <= n; k++)
    g_assert_cmpfloat (walk[k].sigma, ==, levels[5 - expected[k]].sigma);
  single = sf_edit_walk (levels + 2, 4, 2, 1, 1, &n);
  g_assert_cmpint (n + 1, ==, G_N_ELEMENTS (singly));
  for (int k = 0; k <= n; k++)
    g_assert_cmpfloat (single[k].sigma, ==, levels[5 - singly[k]].sigma);
}

/* An evaluation for each step down, none up; the noise of what is kept is new each time. */
static void
test_repaint (void)
{
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, STEPS);
  g_autofree SfNoiseLevel *walk = NULL;
  g_autoptr (SfTensor) x = image_new ();
  g_autoptr (SfTensor) image = image_new ();
  g_autoptr (SfTensor) z = sf_tensor_new_like (x, NULL);
  g_autoptr (SfTensor) mask = mask_new (1, 0);
  Normal *normal = normal_new ();
  g_autoptr (SfDenoiser) denoiser = &normal->parent;
  SfEdit edit = { .mask = mask, .keep = SF_KEEP_FRESH, .strength = 1, .repeats = 1 };
  Held held = { .image = image, .z = z };
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .before = see_held, .before_data = &held };
  int n, down = 0;

  walk = sf_edit_walk (levels, STEPS, 1, 3, 2, &n);
  for (int k = 0; k < n; k++)
    down += walk[k + 1].sigma < walk[k].sigma;
  g_assert_cmpint (down, >, STEPS);
  options.before = NULL;
  g_assert_true (sf_edit (&edit, sf_sampler_find ("ddpm"), denoiser, sf_noise_process_ddpm (), walk, n, &options, (SfRng) { 7, 0 }, x, NULL, NULL));
  g_assert_cmpint (normal->calls, ==, down);
  g_assert_cmpfloat (distance (x, image, mask), ==, 0);

  options.before = see_held;
  g_assert_true (sf_edit (&edit, sf_sampler_find ("ddpm"), denoiser, sf_noise_process_ddpm (), levels, STEPS, &options, (SfRng) { 7, 0 }, x, NULL, NULL));
  for (int k = 1; k < STEPS; k++)
    g_assert_false (held.held[0][k]);
}

/*** What goes wrong ***/

static void
test_cancel (void)
{
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, STEPS);
  SfEdit edit = { .strength = 0.5, .repeats = 2 };

  for (int at = 1; at <= STEPS; at++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      Normal *normal = normal_new ();
      g_autoptr (SfDenoiser) denoiser = &normal->parent;
      g_autoptr (SfTensor) x = image_new ();
      SfProgress progress = { .cancellable = cancellable, .lo = 0, .hi = 1 };

      normal->cancellable = cancellable;
      normal->cancel_at = at;
      g_assert_false (sf_edit (&edit, sf_sampler_find ("ddpm"), denoiser, sf_noise_process_ddpm (), levels, STEPS, NULL, (SfRng) { 7, 0 }, x, &progress, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (normal->calls, ==, at);
    }
}

static void
test_errors (void)
{
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 5, 0.05, STEPS);
  g_autoptr (SfDenoiser) denoiser = coupled_new ();
  g_autoptr (SfTensor) image = image_new ();
  g_autoptr (SfTensor) small = sf_tensor_new (1, SIDE - 1, SIDE, 1, NULL);
  g_autoptr (SfTensor) channels = sf_tensor_new (1, SIDE, SIDE, 2, NULL);
  g_autoptr (SfTensor) several = sf_tensor_new (2, SIDE, SIDE, 1, NULL);
  const SfEdit wrong[] = {
    { .strength = -0.1, .repeats = 1 },
    { .strength = 1.1, .repeats = 1 },
    { .strength = NAN, .repeats = 1 },
    { .strength = 1, .repeats = 0 },
    { .mask = small, .strength = 1, .repeats = 1 },
    { .mask = channels, .strength = 1, .repeats = 1 },
    { .mask = several, .strength = 1, .repeats = 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (sf_edit (&wrong[i], sf_sampler_find ("ddpm"), denoiser, sf_noise_process_ddpm (), levels, STEPS, NULL, (SfRng) { 7, 0 }, image, NULL, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/edit/strength", test_strength);
  g_test_add_func ("/edit/nothing", test_nothing);
  g_test_add_func ("/edit/distance", test_distance);
  g_test_add_func ("/edit/kept", test_kept);
  g_test_add_func ("/edit/mask-shapes", test_mask_shapes);
  g_test_add_func ("/edit/repeats", test_repeats);
  g_test_add_func ("/edit/soft-ends", test_soft_ends);
  g_test_add_func ("/edit/soft-time", test_soft_time);
  g_test_add_func ("/edit/walk", test_walk);
  g_test_add_func ("/edit/repaint", test_repaint);
  g_test_add_func ("/edit/cancel", test_cancel);
  g_test_add_func ("/edit/errors", test_errors);
  return g_test_run ();
}
