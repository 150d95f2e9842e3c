/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-denoiser-tiled.h"

#include <math.h>

#include "base/sf-rng.h"

#define TILE_HEIGHT 8
#define TILE_WIDTH 12

/* D = half of the state plus what the tile's number is times @step: tiles disagree by it. */
typedef struct
{
  SfDenoiser parent;
  double step;
  int calls;
  int fail_at; /* 0 = never */
  const SfTensor *part; /* (nullable): what it is shown beside the state, which is the same */
} Inner;

static gboolean
inner_predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
               const SfProgress *progress, GError **error)
{
  Inner *self = (Inner *) denoiser;

  g_assert_cmpint (x->h, ==, TILE_HEIGHT);
  g_assert_cmpint (x->w, ==, TILE_WIDTH);
  if (++self->calls == self->fail_at)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped");
      return FALSE;
    }
  if (self->part != NULL)
    g_assert_cmpmem (self->part->data, sf_tensor_size (self->part) * sizeof (float), x->data, sf_tensor_size (x) * sizeof (float));
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    {
      denoised->data[i] = (float) (x->data[i] / 2 + self->step * (self->calls % 2));
      if (variance != NULL)
        variance->data[i] = -x->data[i];
    }
  return TRUE;
}

static void
inner_free (SfDenoiser *denoiser)
{
  g_free (denoiser);
}

static Inner *
inner_new (double step)
{
  Inner *self = g_new0 (Inner, 1);

  self->parent = (SfDenoiser) { .predict = inner_predict, .free = inner_free, .variance = SF_VARIANCE_LEARNED };
  self->step = step;
  return self;
}

static SfTensor *
noise (int h, int w)
{
  SfTensor *x = sf_tensor_new (1, h, w, 3, NULL);

  sf_rng_normal ((SfRng) { 3, 1 }, 0, x->data, sf_tensor_size (x));
  return x;
}

/* Where all tiles agree, nothing is seen of them: for every size and edge.  Each is shown its part of another picture. */
static void
test_agreement (void)
{
  static const struct
  {
    int h, w;
    gboolean wrap_y, wrap_x;
  } cases[] = { { 8, 12 }, { 9, 12 }, { 8, 13 }, { 31, 50 }, { 8, 12, TRUE, TRUE }, { 20, 12, TRUE, FALSE }, { 17, 41, FALSE, TRUE }, { 100, 23, TRUE, TRUE } };
  const SfNoiseLevel level = { .sigma = 1, .a = 1 };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Inner *inner = inner_new (0);
      g_autoptr (SfTensor) x = noise (cases[i].h, cases[i].w), y = sf_tensor_new_like (x, NULL), v = sf_tensor_new_like (x, NULL);
      g_autoptr (SfTensor) part = sf_tensor_new (1, TILE_HEIGHT, TILE_WIDTH, 3, NULL);
      g_autoptr (SfDenoiser) tiled = sf_denoiser_tiled_new (&inner->parent, TILE_HEIGHT, TILE_WIDTH, cases[i].wrap_y, cases[i].wrap_x, x, part);

      inner->part = part;
      g_assert_true (sf_denoiser_predict (tiled, x, &level, y, v, NULL, NULL));
      g_assert_cmpint (inner->calls, ==, sf_tiles_count (cases[i].h, cases[i].w, TILE_HEIGHT, TILE_WIDTH, cases[i].wrap_y, cases[i].wrap_x));
      for (gsize k = 0; k < sf_tensor_size (x); k++)
        {
          g_assert_cmpfloat (fabsf (y->data[k] - x->data[k] / 2), <, 1e-6);
          g_assert_cmpfloat (fabsf (v->data[k] + x->data[k]), <, 2e-6);
        }
    }
}

/* Where they disagree, the result goes from one to the other without a step; across an edge that wraps, too. */
static void
test_no_seam (void)
{
  const SfNoiseLevel level = { .sigma = 1, .a = 1 };
  const int h = 8, w = 48;

  for (int wrap = 0; wrap < 2; wrap++)
    {
      Inner *inner = inner_new (1);
      g_autoptr (SfDenoiser) tiled = sf_denoiser_tiled_new (&inner->parent, TILE_HEIGHT, TILE_WIDTH, FALSE, wrap, NULL, NULL);
      g_autoptr (SfTensor) x = sf_tensor_new (1, h, w, 3, NULL), y = sf_tensor_new_like (x, NULL);
      float steepest = 0;

      g_assert_true (sf_denoiser_predict (tiled, x, &level, y, NULL, NULL, NULL));
      for (int i = 0; i < (wrap ? w : w - 1); i++)
        steepest = MAX (steepest, fabsf (y->data[i * 3] - y->data[(i + 1) % w * 3]));
      g_assert_cmpfloat (steepest, >, 0.1); /* they do disagree, */
      g_assert_cmpfloat (steepest, <, 0.6); /* and share three pixels or more */
    }
}

static void
test_failure (void)
{
  const SfNoiseLevel level = { .sigma = 1, .a = 1 };
  Inner *inner = inner_new (0);
  g_autoptr (SfDenoiser) tiled = sf_denoiser_tiled_new (&inner->parent, TILE_HEIGHT, TILE_WIDTH, FALSE, FALSE, NULL, NULL);
  g_autoptr (SfTensor) x = noise (20, 40), y = sf_tensor_new_like (x, NULL);
  g_autoptr (GError) error = NULL;

  inner->fail_at = 3;
  g_assert_false (sf_denoiser_predict (tiled, x, &level, y, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (inner->calls, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/denoiser-tiled/agreement", test_agreement);
  g_test_add_func ("/denoiser-tiled/no-seam", test_no_seam);
  g_test_add_func ("/denoiser-tiled/failure", test_failure);
  return g_test_run ();
}
