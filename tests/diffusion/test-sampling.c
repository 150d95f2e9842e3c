/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all samplers are made of, samplers beside each other, and what none of them does. */
#include "sampling.h"

#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-mixture.h"

/*** Parts ***/

/* up^2 + down^2 = t^2, and eta = 1 is the posterior's variance. */
static void
test_split (void)
{
  for (double eta = 0; eta <= 1; eta += 0.25)
    {
      double up, down, s = 3, t = 2;

      sf_ancestral_split (s, t, eta, &up, &down);
      g_assert_cmpfloat_with_epsilon (up * up + down * down, t * t, 1e-12);
      g_assert_cmpfloat_with_epsilon (up * up, eta * eta * t * t * (s * s - t * t) / (s * s), 1e-12);
      sf_ancestral_split (s, 0, eta, &up, &down);
      g_assert_cmpfloat (up, ==, 0);
      g_assert_cmpfloat (down, ==, 0);
    }
}

/* Tiles join: the noise of a whole state is one run of sf_rng_normal(). */
static void
test_add_noise (void)
{
  SfRng rng = { 9, 4 };
  g_autoptr (SfTensor) x = sf_tensor_new (1, SIDE, SIDE - 1, 3, NULL);
  g_autofree float *noise = g_new (float, sf_tensor_size (x));

  sf_rng_normal (rng, 0, noise, sf_tensor_size (x));
  sf_add_noise (x, 1, rng);
  g_assert_cmpmem (x->data, sf_tensor_size (x) * sizeof (float), noise, sf_tensor_size (x) * sizeof (float));
}

static void
test_weighted_sum (void)
{
  g_autoptr (SfTensor) x = start (SIDE, 1);
  g_autoptr (SfTensor) z = start (SIDE, 2);
  g_autoptr (SfTensor) out = sf_tensor_new_like (x, NULL);

  sf_weighted_sum (out, 2, (double[]) { 0.5, -2 }, (const SfTensor *[]) { x, z });
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    g_assert_cmpfloat_with_epsilon (out->data[i], 0.5 * x->data[i] - 2 * z->data[i], 1e-5);
  sf_weighted_sum (x, 2, (double[]) { 0.5, -2 }, (const SfTensor *[]) { x, z });
  g_assert_cmpfloat (distance (x, out), ==, 0);
}

/*** Between samplers ***/

/* DDPM, DDIM with eta = 1 and Euler ancestral with eta = 1 are one sampler in three forms; so are DDIM and TCD with eta = 0 and
 * Euler.  Six steps of float32
 * arithmetic on numbers up to about 20 leave 1e-5.
 */
static void
test_same_family (void)
{
  g_autoptr (SfTensor) ddpm = run (sf_sampler_find ("ddpm"), 6, 1, (SfRng) { 5, 0 });
  g_autoptr (SfTensor) ddim = run (sf_sampler_find ("ddim"), 6, 1, (SfRng) { 5, 0 });
  g_autoptr (SfTensor) ancestral = run (sf_sampler_find ("euler-ancestral"), 6, 1, (SfRng) { 5, 0 });
  g_autoptr (SfTensor) ddim0 = run (sf_sampler_find ("ddim"), 6, 0, (SfRng) { 5, 0 });
  g_autoptr (SfTensor) euler = run (sf_sampler_find ("euler"), 6, 0, (SfRng) { 5, 0 });
  g_autoptr (SfTensor) tcd = run (sf_sampler_find ("tcd"), 6, 0, (SfRng) { 5, 0 });

  g_assert_cmpfloat (distance (ddpm, ddim), <, 1e-5);
  g_assert_cmpfloat (distance (ddpm, ancestral), <, 1e-5);
  g_assert_cmpfloat (distance (ddim0, euler), <, 1e-5);
  g_assert_cmpfloat (distance (tcd, euler), <, 1e-5); /* a jump to the next level and no further */
}

/* The same step by theory. */
static gboolean
are_twins (const char *a, const char *b)
{
  static const char *const pairs[][2] = {
    { "euler-ancestral", "ddim" },
    { "lcm", "flow-stochastic" },      /* but for the weights of LCM at the clean end */
    { "ddpm-large", "ancestral-sde" }, /* on a process that preserves the variance */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    if (g_str_equal (a, pairs[i][0]) && g_str_equal (b, pairs[i][1]))
      return TRUE;
  return FALSE;
}

/* No sampler is another one under a second name. */
static void
test_all_different (void)
{
  g_autofree SfNoiseLevel *levels = levels_new ("karras", 8, 0.03, 12);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_tensor_unref);
  g_autoptr (SfDenoiser) mixture = sf_denoiser_mixture_new ();
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  options.eta = 0.5;
  for (int i = 0; i < n; i++)
    {
      SfTensor *y = sf_tensor_new (1, 16, 16, 2, NULL);

      g_ptr_array_add (results, y);
      sf_mixture_draw (y, 8, (SfRng) { 11, 1000 });
      g_assert_true (sf_sample (samplers[i], mixture, sf_noise_process_ddpm (), levels, 12, &options, (SfRng) { 11, 0 }, y, NULL, NULL));
      for (int j = 0; j < i; j++)
        if (distance (results->pdata[j], y) < 1e-4 && !are_twins (samplers[j]->name, samplers[i]->name))
          g_error ("%s and %s are the same", samplers[j]->name, samplers[i]->name);
    }
}

/*** What cannot be ***/

/* The error names the sampler and @part; the state is not touched. */
static void
assert_refused (const char *sampler, const SfSamplerOptions *options, const SfNoiseProcess *process, SfNoiseLevel second, const char *part)
{
  SfNoiseLevel levels[3] = { { .t = 900, .sigma = 5, .a = 0.2 }, second, sf_noise_level_clean () };
  g_autoptr (SfDenoiser) denoiser = &normal_new ()->parent;
  g_autoptr (SfTensor) y = start (8, 5);
  g_autoptr (SfTensor) before = sf_tensor_copy (y, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (sf_sample (sf_sampler_find (sampler), denoiser, process, levels, 2, options, (SfRng) { 1, 0 }, y, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, sampler));
  g_assert_nonnull (strstr (error->message, part));
  g_assert_cmpfloat (distance (y, before), ==, 0);
}

static gboolean
no_gradient (const SfTensor *y, const SfNoiseLevel *level, SfTensor *gradient, gpointer data, const SfProgress *progress, GError **error)
{
  g_assert_not_reached ();
}

static void
test_refused (void)
{
  const SfNoiseProcess *ddpm = sf_noise_process_ddpm ();
  g_autoptr (SfNoiseProcess) flow = sf_noise_process_new_continuous (sf_noise_kind_find ("flow"), (double[2]) { 0 }, NULL);
  const SfNoiseLevel good = { .t = 300, .sigma = 1, .a = 0.7 };
  const double gamma[2] = { 0.5, 0.5 };
  const struct
  {
    const char *sampler;
    SfSamplerOptions options;
    SfNoiseLevel second;
    const SfNoiseProcess *process;
    const char *part;
  } rows[] = {
    { "ddim", { SF_SAMPLER_OPTIONS }, { .sigma = 6, .a = 0.1 }, ddpm, "6" },       /* rises */
    { "ddim", { SF_SAMPLER_OPTIONS }, { .sigma = NAN, .a = 1 }, ddpm, "nan" },
    { "ddim", { SF_SAMPLER_OPTIONS }, { .sigma = 0, .a = 1 }, ddpm, "0" },                      /* before the end */
    { "ddim", { .eta = 1.5, .noise_scale = 1 }, good, ddpm, "1.5" },
    { "ddim", { .eta = -0.1, .noise_scale = 1 }, good, ddpm, "-0.1" },
    { "ddim", { .eta = NAN, .noise_scale = 1 }, good, ddpm, "nan" },
    { "euler", { SF_SAMPLER_OPTIONS, .order = 2 }, good, ddpm, "2" },
    { "ddim", { SF_SAMPLER_OPTIONS, .churn = 4 }, good, ddpm, "4" },
    { "euler", { SF_SAMPLER_OPTIONS, .gradient = no_gradient }, good, ddpm, "ddpm" },
    { "ddpm", { SF_SAMPLER_OPTIONS, .invert = TRUE }, good, ddpm, "heun" },
    { "analytic-ddpm", { SF_SAMPLER_OPTIONS, .gamma = gamma }, good, flow, "flow" },             /* of a process without a table */
    { "ode", { SF_SAMPLER_OPTIONS, .rises = TRUE }, good, ddpm, "resample" },
    { "ode", { SF_SAMPLER_OPTIONS, .corrector = { SF_CORRECTOR_LANGEVIN, 0.1, 1 } }, good, ddpm, "corrector" },
    { "euler", { SF_SAMPLER_OPTIONS, .corrector = { SF_CORRECTOR_LANGEVIN, 0, 1 } }, good, ddpm, "corrector" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_refused (rows[i].sampler, &rows[i].options, rows[i].process, rows[i].second, rows[i].part);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sampler/add-noise", test_add_noise);
  g_test_add_func ("/sampler/weighted-sum", test_weighted_sum);
  g_test_add_func ("/sampler/all-different", test_all_different);
  g_test_add_func ("/sampler/refused", test_refused);
  g_test_add_func ("/sampler/same-family", test_same_family);
  g_test_add_func ("/sampler/split", test_split);
  return g_test_run ();
}
