/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is around the sampler: latents, pixels, timesteps as the network sees them, thresholds. */
#include "diffusion/sf-gaussian.h"
#include "golden.h"
#include "nn/sf-waves.h"
#include "tensor/sf-pixel.h"

static void
run_posterior (Case *c)
{
  g_autoptr (SfTensor) moments = case_state (c, "parameters", 0, 4);
  g_autoptr (SfTensor) x = case_state (c, "noise", 0, 4);
  g_autoptr (SfTensor) drawn = sf_tensor_copy (x, NULL);
  g_autoptr (SfTensor) none = sf_tensor_new_like (x, NULL);
  g_autoptr (SfTensor) one = sf_tensor_new_like (x, NULL);
  g_autofree double *kl = g_new (double, x->n);
  g_autofree double *nll = g_new (double, x->n);

  case_number (c, "scale", 1); /* of the data drawn for the case */
  sf_gaussian_draw (moments, drawn);
  case_compare_state (c, "sample", 0, drawn, 1, TOLERANCE_STATE);
  /* The deviation is what unit noise adds. */
  for (gsize i = 0; i < sf_tensor_size (one); i++)
    one->data[i] = 1;
  sf_gaussian_draw (moments, none);
  sf_gaussian_draw (moments, one);
  for (gsize i = 0; i < sf_tensor_size (one); i++)
    one->data[i] -= none->data[i];
  case_compare_state (c, "std", 0, one, 1, TOLERANCE_STATE);
  sf_gaussian_kl_to_unit (moments, kl);
  sf_gaussian_nll (moments, x, nll);
  case_compare_array (c, "kl", kl, x->n, TOLERANCE_STATE);
  case_compare_array (c, "nll", nll, x->n, TOLERANCE_STATE);
}

static void
run_pixels (Case *c)
{
  const GoldenTensor *x = case_need (c, "x");

  for (gsize i = 0; i < x->size; i++)
    {
      case_compare_number (c, "unit", i, sf_pixel_to_unit (x->value[i]), TOLERANCE_TABLE);
      case_compare_number (c, "u8", i, sf_pixel_to_u8 (x->value[i]), 0);
    }
  for (int i = 0; i < 256; i++)
    case_compare_number (c, "from_u8", i, sf_pixel_from_u8 (i), TOLERANCE_TABLE);
}

static void
compare_embedding (Case *c, const char *name, SfWaves waves, int n)
{
  const GoldenTensor *t = case_need (c, "t");
  g_autofree SfReal *out = g_new (SfReal, n);

  for (gsize i = 0; i < t->size; i++)
    {
      sf_waves (&waves, t->value[i], out, n);
      for (int k = 0; k < n; k++)
        case_compare_number (c, name, i * n + k, out[k], TOLERANCE_STATE);
    }
}

static void
run_embedding (Case *c)
{
  int n = case_int (c, "dim", 0);

  case_node (c, "t");
  if (n < 4)
    {
      case_fail (c, "an embedding of %d numbers", n);
      return;
    }
  compare_embedding (c, "openai", SF_WAVES_OPENAI, n);
  compare_embedding (c, "sd", SF_WAVES_OPENAI, n);
  compare_embedding (c, "ddpm", SF_WAVES_HO, n);
}

static void
run_threshold (Case *c)
{
  SfClip clip = { SF_CLIP_DYNAMIC, .quantile = case_number (c, "ratio", 0.995), .max = case_number (c, "max", 1) };
  g_autoptr (SfTensor) x = case_state (c, "x", 0, 4);

  case_node (c, "shape");
  case_node (c, "scale");
  sf_clip (&clip, x);
  case_compare_state (c, "out", 0, x, 1, TOLERANCE_STATE);
}

static void
run (Case *c)
{
  if (case_has (c, "ratio"))
    run_threshold (c);
  else if (case_has (c, "dim"))
    run_embedding (c);
  else if (case_tensor (c, "u8") != NULL)
    run_pixels (c);
  else if (case_tensor (c, "parameters") != NULL)
    run_posterior (c);
  else
    case_fail (c, "unknown function");
}

const GoldenGroup golden_aux = { "aux", run };
