/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic of the samplers: time per step on 1024 x 1024 x 3, with a denoiser that costs nothing, in per cent of the time of the
 * evaluations that a step makes of the cheapest real denoiser: the finest level of the patch engine.
 */
#include "sf-bench.h"

#include <math.h>

#include "denoisers/sf-engine.h"
#include "diffusion/sf-betas.h"
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

/*** The cheapest denoiser ***/

typedef struct
{
  SfDenoiser *denoiser;
  SfTensor *x, *y;
} Evaluation;

static void
evaluate (gpointer data)
{
  const SfNoiseLevel level = { .sigma = 0.03, .a = 1 };
  Evaluation *e = data;

  sf_denoiser_predict (e->denoiser, e->x, &level, e->y, NULL, NULL, NULL);
}

/* The second evaluation and later ones: they start from the patches that the first one found. */
static void
measure_evaluation (gconstpointer in, gpointer out)
{
  g_autoptr (SfTensor) example = sf_tensor_new (1, 256, 256, 3, NULL);
  const SfRegion region = { .image = example, .width = SIDE, .height = SIDE, .generate = TRUE };
  Evaluation e;
  SfEngine *engine;

  for (gsize i = 0; i < sf_tensor_size (example); i++)
    example->data[i] = (float) (0.5 * sin (i / 3 % 256 / 7.0) + 0.4 * cos (i / 768 / 5.0 + i % 3));
  engine = sf_engine_find ("patch")->open (&region, NULL, NULL, NULL);
  engine->begin (engine, 0, 1, NULL, NULL, NULL);
  e = (Evaluation) { engine->level (engine, engine->n_levels - 1)->denoiser, sf_tensor_new (1, SIDE, SIDE, 3, NULL),
                     sf_tensor_new (1, SIDE, SIDE, 3, NULL) };
  for (gsize i = 0; i < sf_tensor_size (e.x); i++)
    e.x->data[i] = example->data[(i / 3 / SIDE % 256 * 256 + i / 3 % SIDE % 256) * 3 + i % 3];
  sf_add_noise (e.x, 0.03, (SfRng) { 2, 2 });
  evaluate (&e);
  *(double *) out = bench_best (evaluate, &e, 3);
}

typedef struct
{
  double noisy, calm;
} Figures;

static void
measure (gconstpointer in, gpointer out)
{
  const SfScheduleOptions ends = { .sigma_max = 1.5, .sigma_min = 0.03 };
  Run run = { .sampler = in, .options = { SF_SAMPLER_OPTIONS } };
  Figures *figures = out;

  run.y = sf_tensor_new (1, SIDE, SIDE, 3, NULL);
  sf_schedule_fill (sf_schedule_find ("exponential"), sf_noise_process_ddpm (), &ends, STEPS, run.levels, NULL);
  figures->noisy = bench_best (sample, &run, 3) / sf_sampler_evaluations (run.sampler, STEPS);
  run.options.eta = 0;
  figures->calm = bench_best (sample, &run, 3) / sf_sampler_evaluations (run.sampler, STEPS);
}

void
bench_samplers (Bench *bench)
{
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);
  double evaluation = 0;

  bench_in_child (1, measure_evaluation, NULL, &evaluation, sizeof evaluation);
  bench_row (bench, "cheapest evaluation");
  bench_figure (bench, "patch engine", evaluation * 1e3, "ms");
  bench_row_end (bench);
  for (int i = 0; i < n; i++)
    {
      Figures f;

      if (samplers[i]->own_loop) /* the number of their evaluations depends on the denoiser */
        continue;
      if (!bench_in_child (1, measure, samplers[i], &f, sizeof f))
        continue;
      bench_row (bench, samplers[i]->name);
      bench_figure (bench, "per evaluation", f.noisy * 1e3, "ms");
      bench_figure (bench, "eta 0", f.calm * 1e3, "ms");
      bench_figure (bench, "share", 100 * f.noisy / evaluation, "%");
      bench_row_end (bench);
    }
}
