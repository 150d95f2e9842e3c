/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-denoiser-guided.h"

#include <math.h>

#define SIDE 6

/* D is the same everywhere: one number per channel. */
typedef struct
{
  SfDenoiser parent;
  double d[3];
  int calls;
} Flat;

static gboolean
flat_predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
              const SfProgress *progress, GError **error)
{
  Flat *self = (Flat *) denoiser;

  self->calls++;
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    denoised->data[i] = (SfReal) self->d[i % 3];
  return TRUE;
}

static void
flat_free (SfDenoiser *denoiser)
{
  g_free (denoiser);
}

static Flat *
flat_new (double r, double g, double b)
{
  Flat *self = g_new (Flat, 1);

  *self = (Flat) { { flat_predict, flat_free }, { r, g, b }, 0 };
  return self;
}

/* What @denoiser gives for a state of 0.7 sigma at @sigma is flat: its channels. */
static void
denoise (SfDenoiser *denoiser, double sigma, double d[3])
{
  SfNoiseLevel level = { .sigma = sigma, .a = 1 / sqrt (1 + sigma * sigma) };
  g_autoptr (SfTensor) x = sf_tensor_new (2, SIDE, SIDE, 3, NULL);
  g_autoptr (SfTensor) out = sf_tensor_new_like (x, NULL);

  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] = (SfReal) (0.7 * sigma);
  g_assert_true (sf_denoiser_predict (denoiser, x, &level, out, NULL, NULL, NULL));
  for (int c = 0; c < 3; c++)
    d[c] = out->data[c];
  for (gsize i = 0; i < sf_tensor_size (out); i++)
    g_assert_cmpfloat (out->data[i], ==, out->data[i % 3]);
}

static void
check (const double got[3], double r, double g, double b)
{
  const double want[3] = { r, g, b };

  for (int c = 0; c < 3; c++)
    g_assert_cmpfloat_with_epsilon (got[c], want[c], 1e-5);
}

/* u + w (c - u), whatever it is that is combined; nobody asks for u where it does not count. */
static void
test_plain (void)
{
  for (SfPrediction prediction = 0; prediction < SF_PREDICTION_PREVIOUS; prediction++)
    for (double w = 0; w <= 4; w++)
      {
        SfGuidance guidance = { .kind = sf_guidance_kind_find ("cfg"), .prediction = prediction, .scale = w };
        Flat *c = flat_new (0.2, 0.4, -0.1), *u = flat_new (0.1, 0.5, -0.1);
        g_autoptr (SfDenoiser) guided = sf_denoiser_guided_new (&guidance, &c->parent, &u->parent, NULL);
        double d[3];

        denoise (guided, 2, d);
        check (d, 0.1 + 0.1 * w, 0.5 - 0.1 * w, -0.1);
        g_assert_cmpint (c->calls, ==, 1);
        g_assert_cmpint (u->calls, ==, w != 1);
      }
}

/* Without noise there is nothing to steer, and with nothing but noise the weights act on D. */
static void
test_ends (void)
{
  SfGuidance guidance = { SF_GUIDANCE };
  g_autoptr (SfDenoiser) guided = NULL;
  double d[3];

  guidance.kind = sf_guidance_kind_find ("cfg");
  guidance.scale = 3;
  guided = sf_denoiser_guided_new (&guidance, &flat_new (0.2, 0.4, 0)->parent, &flat_new (0.1, 0.5, 0)->parent, NULL);
  denoise (guided, 0, d);
  check (d, 0.2, 0.4, 0);
  denoise (guided, SF_NOISE_SIGMA_PURE, d);
  check (d, 0.4, 0.2, 0);
}

/* What is unwanted and lies along what is wanted changes nothing; what lies across is taken away. */
static void
test_perpendicular (void)
{
  SfGuidance guidance = { .kind = sf_guidance_kind_find ("perpendicular"), .prediction = SF_PREDICTION_SAMPLE, .scale = 2, .third_scale = 0.5 };
  g_autoptr (SfDenoiser) along = sf_denoiser_guided_new (&guidance, &flat_new (1, 0, 0)->parent, &flat_new (0, 0, 0)->parent, &flat_new (-3, 0, 0)->parent);
  g_autoptr (SfDenoiser) across = sf_denoiser_guided_new (&guidance, &flat_new (1, 0, 0)->parent, &flat_new (0, 0, 0)->parent, &flat_new (0, 1, 0)->parent);
  double d[3];

  denoise (along, 1, d);
  check (d, 2, 0, 0);
  denoise (across, 1, d);
  check (d, 2, -1, 0);
}

/* e + t (u - e) + w (c - u) */
static void
test_three_way (void)
{
  SfGuidance guidance = { .kind = sf_guidance_kind_find ("three-way"), .scale = 5, .third_scale = 1.5 };
  g_autoptr (SfDenoiser) guided = sf_denoiser_guided_new (&guidance, &flat_new (1, 0, 0)->parent, &flat_new (0, 1, 0)->parent, &flat_new (0, 0, 1)->parent);
  double d[3];

  denoise (guided, 1, d);
  check (d, 5, 1.5 - 5, 1 - 1.5);
}

/* No noise is found at first, so that D is the state; then as ever. */
static void
test_zero_first (void)
{
  SfGuidance guidance = { SF_GUIDANCE, .kind = sf_guidance_kind_find ("cfg"), .zero_first = 2 };
  g_autoptr (SfDenoiser) denoiser = NULL;
  double d[3];

  guidance.scale = 3;
  denoiser = sf_denoiser_guided_new (&guidance, &flat_new (0.1, 0.2, 0.3)->parent, &flat_new (0, 0, 0)->parent, NULL);
  for (int i = 0; i < 2; i++)
    {
      denoise (denoiser, 2, d);
      check (d, 1.4, 1.4, 1.4);
    }
  denoise (denoiser, 2, d);
  check (d, 0.3, 0.6, 0.9);
}

/* The momentum of calls before this one counts. */
static void
test_momentum (void)
{
  SfGuidance guidance = { .kind = sf_guidance_kind_find ("apg"), .prediction = SF_PREDICTION_SAMPLE, .scale = 2, .momentum = 0.5, .eta = 1 };
  g_autoptr (SfDenoiser) guided = sf_denoiser_guided_new (&guidance, &flat_new (1, 0, 0)->parent, &flat_new (0, 0, 0)->parent, NULL);
  double d[3];

  denoise (guided, 1, d);
  check (d, 2, 0, 0);
  denoise (guided, 1, d);
  check (d, 3, 0, 0);
  denoise (guided, 1, d);
  check (d, 3.5, 0, 0);
}

static gboolean
pull (const SfTensor *y, const SfNoiseLevel *level, SfTensor *gradient, gpointer data, const SfProgress *progress, GError **error)
{
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    gradient->data[i] = (SfReal) (*(double *) data - level->a * y->data[i]);
  return TRUE;
}

/* D + sigma^2 a gradient, after clipping. */
static void
test_classified (void)
{
  double target = 0.3, d[3], sigma = 2, a = 1 / sqrt (5), shift = sigma * sigma * a * (target - a * 0.7 * sigma);
  SfClip clip = { .kind = SF_CLIP_STATIC };
  g_autoptr (SfDenoiser) classified = sf_denoiser_classified_new (&flat_new (0.1, 0.2, 7)->parent, pull, &target, &clip);

  denoise (classified, sigma, d);
  check (d, 0.1 + shift, 0.2 + shift, 1 + shift);
  denoise (classified, 0, d);
  check (d, 0.1, 0.2, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guided/plain", test_plain);
  g_test_add_func ("/guided/ends", test_ends);
  g_test_add_func ("/guided/perpendicular", test_perpendicular);
  g_test_add_func ("/guided/three-way", test_three_way);
  g_test_add_func ("/guided/momentum", test_momentum);
  g_test_add_func ("/guided/zero-first", test_zero_first);
  g_test_add_func ("/guided/classified", test_classified);
  return g_test_run ();
}
