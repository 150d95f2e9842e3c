/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic of the samplers: time per step on 1024 x 1024 x 3, with a denoiser that costs nothing, and how that compares
 * with the cheapest evaluation there is (one pass over the state).
 */
#include "sf-bench.h"

#include <string.h>

#include "diffusion/sf-sampler.h"
#include "diffusion/sf-schedule.h"

#define SIDE 1024
#define STEPS 8

static gboolean
predict (SfDenoiser *self, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
         const SfProgress *progress, GError **error)
{
  return TRUE;
}

static void
free_nothing (SfDenoiser *self)
{
}

typedef struct
{
  const SfSampler *sampler;
  SfTensor *y;
  SfNoiseLevel levels[STEPS + 1];
  SfSamplerOptions options;
} Run;

static void
sample (gpointer data)
{
  Run *run = data;
  SfDenoiser nothing = { predict, free_nothing };

  sf_sample (run->sampler, &nothing, sf_noise_process_ddpm (), run->levels, STEPS, &run->options, (SfRng) { 1, 1 }, run->y, NULL, NULL);
}

static void
copy (gpointer data)
{
  Run *run = data;
  static float *out;

  if (out == NULL)
    out = g_new0 (float, sf_tensor_size (run->y));
  memcpy (out, run->y->data, sf_tensor_size (run->y) * sizeof (float));
}

typedef struct
{
  double noisy, calm, pass;
} Figures;

static void
measure (gconstpointer in, gpointer out)
{
  const SfScheduleOptions ends = { .sigma_max = 1.5, .sigma_min = 0.03 };
  Run run = { .sampler = in, .options = { SF_SAMPLER_OPTIONS } };
  Figures *figures = out;

  run.y = sf_tensor_new (1, SIDE, SIDE, 3, NULL);
  sf_schedule_fill (sf_schedule_find ("exponential"), sf_noise_process_ddpm (), &ends, STEPS, run.levels, NULL);
  figures->noisy = bench_best (sample, &run, 3) / STEPS;
  run.options.eta = 0;
  figures->calm = bench_best (sample, &run, 3) / STEPS;
  figures->pass = bench_best (copy, &run, 5);
}

void
bench_samplers (Bench *bench)
{
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);

  for (int i = 0; i < n; i++)
    {
      Figures f;

      if (!bench_in_child (1, measure, samplers[i], &f, sizeof f))
        continue;
      bench_row (bench, samplers[i]->name);
      bench_figure (bench, "step", f.noisy * 1e3, "ms");
      bench_figure (bench, "eta 0", f.calm * 1e3, "ms");
      bench_figure (bench, "passes", f.noisy / f.pass, "x one copy");
      bench_row_end (bench);
    }
}
