/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop that all samplers share.
 *
 * States in memory: the caller's, one for each output of the history, and one more where a result is not the base; samplers with
 * a loop of their own may have two more.  Everything is allocated before the first step.
 */
#include "diffusion/sf-sampling.h"

#include <math.h>
#include <string.h>

#include "base/sf-parallel.h"
#include "diffusion/sf-langevin.h"
#include "diffusion/sf-sde.h"

#define MAX_OUTPUTS (SF_MAX_HISTORY + 1) /* with clipping, the newest may be there twice */
#define MAX_WORK 2 /* states beside the outputs, of samplers with own_loop */
#define TILE 65536 /* elements: a tile must outweigh waking a thread */

struct _SfRun
{
  SfSampling s; /* what the sampler sees */
  SfDenoiser *denoiser;
  const SfProgress *progress;
  SfRng rng;
  guint64 draws;

  SfTensor *base;               /* the caller's */
  SfTensor *extra;              /* (nullable) results that are not the base */
  SfTensor *x;                  /* (transfer none) the present state: base or extra */
  SfNoiseLevel level;           /* of x */
  SfTensor *output[MAX_OUTPUTS]; /* newest first */
  int n_outputs;                /* that are allocated */
  SfTensor *second;             /* (nullable) the denoiser's, of kind s.variance */
  SfTensor *deviation;          /* (nullable) */
  SfTensor *gradient;           /* (nullable) */
  SfTensor *z;                  /* (nullable) where the options give the noise, and for the corrector */
  SfTensor *denoised;           /* (nullable) for the corrector */
  SfTensor *work[MAX_WORK];
  int evaluations, expected;
};

void
sf_noisy_state (const SfTensor *x0, const SfNoiseLevel *level, const SfSamplerOptions *options, guint64 draw, SfRng rng,
                SfTensor *y)
{
  if (options != NULL && options->noise != NULL)
    {
      options->noise (y, draw, options->noise_data);
      sf_weighted_sum (y, 2, (double[]) { level->sigma, 1 }, (const SfTensor *[]) { y, x0 });
      return;
    }
  memcpy (y->data, x0->data, sf_tensor_size (y) * sizeof (SfReal));
  sf_add_noise (y, level->sigma, rng);
}

/*** One run ***/

static gboolean
rises (const SfSampling *s, int k)
{
  return s->levels[k + 1].sigma > s->levels[k].sigma && !s->options->invert;
}

/* Steps of the corrector at each level. */
static int
corrections (const SfSampling *s)
{
  return s->options->corrector.kind != SF_CORRECTOR_NONE ? s->options->corrector.steps : 0;
}

/* The result of the stage becomes the base. */
static gboolean
is_in_place (const SfSamplerStage *stage, gboolean last)
{
  return last ? !stage->keep_base : stage->new_base;
}

/* Counts what step @k would do, and leaves s->past as it would.  @extra: (inout): whether a result is not the base. */
static int
count_step (SfSampling *s, int k, gboolean *extra)
{
  SfSamplerStage stages[SF_MAX_STAGES] = { 0 };
  int evaluations = 0, kept = 0, n;

  if (rises (s, k))
    {
      s->past = 0;
      return 0;
    }
  n = s->sampler->plan (s, k, stages);
  for (int i = 0; i < n; i++)
    {
      *extra |= !is_in_place (&stages[i], i == n - 1);
      evaluations += !stages[i].no_evaluation;
      kept += !stages[i].no_evaluation - stages[i].forget;
    }
  s->past = MIN (s->past + kept, s->sampler->history - 1);
  return evaluations + corrections (s);
}

static int
count_evaluations (const SfSampling *sampling, gboolean *extra)
{
  SfSampling s = *sampling;
  int evaluations = 0;

  if (s.sampler->own_loop)
    return sf_sampler_evaluations (s.sampler, s.n);
  for (int k = 0; k < s.n; k++)
    evaluations += count_step (&s, k, extra);
  return evaluations;
}

static gboolean
allocate (SfRun *run, gboolean extra, GError **error)
{
  const SfSampler *sampler = run->s.sampler;
  const SfSamplerOptions *options = run->s.options;
  gboolean ok = TRUE;

#define NEW(field, wanted) ok = ok && (!(wanted) || (run->field = sf_tensor_new_like (run->base, error)) != NULL)
  run->n_outputs = sampler->history + (sampler->raw_noise && options->clip.keep_noise);
  for (int i = 0; i < run->n_outputs; i++)
    NEW (output[i], TRUE);
  NEW (extra, extra);
  NEW (second, sampler->deviation != NULL && run->s.variance != SF_VARIANCE_NONE);
  NEW (deviation, sampler->deviation != NULL);
  NEW (gradient, options->gradient != NULL);
  NEW (z, options->noise != NULL || corrections (&run->s) > 0);
  NEW (denoised, corrections (&run->s) > 0);
#undef NEW
  run->s.second = run->second;
  return ok;
}

static void
run_clear (SfRun *run)
{
  for (int i = 0; i < MAX_OUTPUTS; i++)
    sf_tensor_unref (run->output[i]);
  for (int i = 0; i < MAX_WORK; i++)
    sf_tensor_unref (run->work[i]);
  sf_tensor_unref (run->extra);
  sf_tensor_unref (run->second);
  sf_tensor_unref (run->deviation);
  sf_tensor_unref (run->gradient);
  sf_tensor_unref (run->z);
  sf_tensor_unref (run->denoised);
}

/* Makes room for a newest output, the oldest one's. */
static SfTensor *
push_output (SfRun *run)
{
  SfTensor *oldest = run->output[run->n_outputs - 1];

  memmove (run->output + 1, run->output, (run->n_outputs - 1) * sizeof *run->output);
  return run->output[0] = oldest;
}

/* The newest output becomes the next to be overwritten. */
static void
forget_output (SfRun *run)
{
  SfTensor *newest = run->output[0];

  memmove (run->output, run->output + 1, (run->n_outputs - 1) * sizeof *run->output);
  run->output[run->n_outputs - 1] = newest;
}

/* Calls @func, which may be %NULL, with the present state. */
static gboolean
call (SfRun *run, SfStateFunc func, gpointer data, GError **error)
{
  return func == NULL || func (run->x, &run->level, data, error);
}

static gboolean
predict (SfRun *run, const SfTensor *x, const SfNoiseLevel *level, const SfProgress *part, SfTensor *output, GError **error)
{
  if (!sf_denoiser_predict (run->denoiser, x, level, output, run->second, part, error))
    return FALSE;
  run->evaluations++;
  sf_progress_set (part, 1);
  return TRUE;
}

/* From D to what the sampler wants: n = (x - D) / sigma, v = a n - sigma a D. */
static void
to_output (const SfRun *run, const SfTensor *x, const SfNoiseLevel *level, SfTensor *output)
{
  gboolean v = run->s.sampler->output == SF_OUTPUT_NETWORK && run->s.predicts_v;
  double a = v ? level->a : 1, w = a / level->sigma;

  if (run->s.sampler->output != SF_OUTPUT_DENOISED)
    sf_weighted_sum (output, 2, (double[]) { w, v ? -w - level->sigma * a : -w }, (const SfTensor *[]) { x, output });
}

/* D of the present state, not clipped. */
static gboolean
predict_present (SfRun *run, SfTensor *output, GError **error)
{
  SfProgress part = sf_progress_sub (run->progress, (double) run->evaluations / run->expected,
                                     (run->evaluations + 1.0) / run->expected);

  return call (run, run->s.options->before, run->s.options->before_data, error) &&
         predict (run, run->x, &run->level, &part, output, error);
}

/* The newest output is that of the present state. */
static gboolean
evaluate (SfRun *run, GError **error)
{
  const SfClip *clip = &run->s.options->clip;
  SfTensor *output = push_output (run);

  if (!predict_present (run, output, error))
    return FALSE;
  run->s.raw = output;
  if (run->s.sampler->raw_noise && clip->keep_noise)
    {
      SfTensor *clipped = push_output (run);

      memcpy (clipped->data, output->data, sf_tensor_size (output) * sizeof (SfReal));
      output = clipped;
    }
  sf_clip (clip, output);
  run->s.state = run->x;
  run->s.denoised = output;
  to_output (run, run->x, &run->level, output);
  return TRUE;
}

/* Adds @sum's noise to what it is: the next draw of the run. */
static void
draw (SfRun *run, double scale, SfSum *sum)
{
  if (scale == 0)
    return;
  sum->noise = scale * run->s.options->noise_scale;
  sum->rng = run->rng;
  if (run->s.options->noise != NULL)
    {
      run->s.options->noise (run->z, run->draws, run->s.options->noise_data);
      sum->z = run->z->data;
    }
  run->rng.stream++;
  run->draws++;
}

/* The result of @stage, in @out, which may be the base. */
static void
combine (SfRun *run, const SfSamplerStage *stage, SfTensor *out)
{
  SfSum sum = { .out = out->data, .n = 1, .w = { stage->y }, .x = { run->base->data } };

  for (int j = 0; j < run->n_outputs; j++)
    if (stage->d[j] != 0)
      {
        sum.w[sum.n] = stage->d[j];
        sum.x[sum.n++] = run->output[j]->data;
      }
  if (stage->per_element)
    sum.deviation = run->deviation->data;
  draw (run, stage->noise, &sum);
  sf_sum_run (&sum, sf_tensor_size (out));
}

/* mean += variance * gradient, in the scale of the result: a' y' += a'^2 var (y') * gradient (Dhariwal & Nichol 2021). */
typedef struct
{
  SfReal *y;
  const SfReal *gradient, *deviation; /* deviation (nullable): 1 */
  SfReal factor;
} Shift;

static void
shift_tile (gsize begin, gsize end, gpointer data)
{
  const Shift *self = data;

  for (gsize i = begin; i < end; i++)
    self->y[i] += self->factor * (self->deviation != NULL ? self->deviation[i] * self->deviation[i] : 1) * self->gradient[i];
}

static void
shift_mean (SfRun *run, const SfSamplerStage *stage, SfTensor *y)
{
  Shift shift = { y->data, run->gradient->data, stage->per_element ? run->deviation->data : NULL, (SfReal) (stage->variance * stage->level.a) };

  sf_parallel_for (sf_tensor_size (y), TILE, shift_tile, &shift, NULL);
}

/* deviation_max, for the steps that have it; none has it into the clean image. */
static void
limit_noise (SfRun *run, int k, SfSamplerStage *stage)
{
  const SfSamplerOptions *options = run->s.options;
  SfReal limit = (SfReal) (options->deviation_max / stage->level.a);

  if (limit == 0 || stage->noise == 0 || k + 1 < run->s.n - options->deviation_max_steps)
    return;
  for (gsize i = 0; stage->per_element && i < sf_tensor_size (run->deviation); i++)
    run->deviation->data[i] = MIN (run->deviation->data[i], limit);
  if (!stage->per_element)
    stage->noise = MIN (stage->noise, limit);
}

static gboolean
run_stage (SfRun *run, int k, SfSamplerStage *stage, gboolean last, GError **error)
{
  const SfSamplerOptions *options = run->s.options;
  SfTensor *out = is_in_place (stage, last) ? run->base : run->extra;
  double done;
  SfProgress still;

  if (!stage->no_evaluation && !evaluate (run, error))
    return FALSE;
  if (stage->per_element && !run->s.sampler->deviation (&run->s, k, run->deviation, error))
    return FALSE;
  done = (double) run->evaluations / run->expected;
  still = sf_progress_sub (run->progress, done, done);
  if (options->gradient != NULL &&
      !options->gradient (run->x, &run->level, run->gradient, options->gradient_data, &still, error))
    return FALSE;
  limit_noise (run, k, stage);
  combine (run, stage, out);
  if (options->gradient != NULL)
    shift_mean (run, stage, out);
  for (int i = 0; i < stage->forget; i++)
    forget_output (run);
  run->x = out;
  return sf_run_reached (run, &stage->level, error);
}

/* Up again: what a forward step of the process does to y. */
static gboolean
rise (SfRun *run, int k, GError **error)
{
  double s = run->s.levels[k].sigma, t = run->s.levels[k + 1].sigma;
  SfSamplerStage stage = { .y = 1, .noise = sqrt ((t - s) * (t + s)), .level = run->s.levels[k + 1] };

  if (run->x != run->base)
    memcpy (run->base->data, run->x->data, sf_tensor_size (run->x) * sizeof (SfReal));
  combine (run, &stage, run->base);
  run->x = run->base;
  run->s.past = 0;
  return sf_run_reached (run, &stage.level, error);
}

/* Langevin steps at the level where step @k begins. */
static gboolean
correct (SfRun *run, int k, GError **error)
{
  const SfSamplerOptions *options = run->s.options;

  for (int i = 0; i < corrections (&run->s); i++)
    {
      SfSum noise = { .out = run->z->data };
      double keep = sf_sde_keep (&run->s, k), delta;

      if (!predict_present (run, run->denoised, error))
        return FALSE;
      sf_clip (&options->clip, run->denoised);
      draw (run, 1, &noise);
      sf_sum_run (&noise, sf_tensor_size (run->z));
      delta = sf_langevin_delta (&options->corrector, &run->level, keep * keep, run->x, run->denoised, run->z);
      sf_weighted_sum (run->x, 3, (double[]) { 1 - delta, delta, run->level.sigma * sqrt (2 * delta) },
                       (const SfTensor *[]) { run->x, run->denoised, run->z });
      if (!sf_run_reached (run, &run->level, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
run_step (SfRun *run, int k, GError **error)
{
  SfSamplerStage stages[SF_MAX_STAGES] = { 0 };
  int n, past = run->s.past;

  if (rises (&run->s, k))
    return rise (run, k, error);
  if (!correct (run, k, error))
    return FALSE;
  n = run->s.sampler->plan (&run->s, k, stages);
  for (int i = 0; i < n; i++)
    {
      SfSamplerStage *stage = &stages[i];

      if (stage->level.a == 0)
        stage->level = run->s.levels[k + 1];
      if (!run_stage (run, k, stage, i == n - 1, error))
        return FALSE;
      past += !stage->no_evaluation - stage->forget;
    }
  run->s.past = MIN (past, run->s.sampler->history - 1);
  return TRUE;
}

static gboolean
run_all (SfRun *run, GError **error)
{
  if (run->s.sampler->own_loop)
    return run->s.sampler->run (run, error);
  for (int k = 0; k < run->s.n; k++)
    if (!run_step (run, k, error))
      return FALSE;
  if (run->x != run->base)
    memcpy (run->base->data, run->x->data, sf_tensor_size (run->x) * sizeof (SfReal));
  return TRUE;
}

gboolean
sf_sample (const SfSampler *self, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n,
           const SfSamplerOptions *options, SfRng rng, SfTensor *y, const SfProgress *progress, GError **error)
{
  static const SfSamplerOptions defaults = { SF_SAMPLER_OPTIONS };
  SfRun run = { .denoiser = denoiser, .progress = progress, .rng = rng, .base = y, .x = y };
  gboolean ok, extra = FALSE;

  g_return_val_if_fail (n >= 0, FALSE);

  if (options == NULL)
    options = &defaults;
  if (!sf_sampler_check (self, process, levels, n, options, error))
    return FALSE;
  if (n == 0)
    return TRUE;
  run.s = (SfSampling) { .sampler = self, .options = options, .process = process, .levels = levels, .n = n, .variance = denoiser->variance, .predicts_v = denoiser->predicts_v };
  run.level = levels[0];
  run.expected = count_evaluations (&run.s, &extra);
  ok = allocate (&run, extra, error) && run_all (&run, error);
  run_clear (&run);
  return ok;
}

/*** Samplers with a loop of their own ***/

const SfSampling *
sf_run_sampling (SfRun *run)
{
  return &run->s;
}

SfTensor *
sf_run_state (SfRun *run)
{
  return run->base;
}

void
sf_run_add_noise (SfRun *run, double scale)
{
  SfSum sum = { .out = run->base->data, .n = 1, .w = { 1 }, .x = { run->base->data } };

  draw (run, scale, &sum);
  if (scale != 0)
    sf_sum_run (&sum, sf_tensor_size (run->base));
}

gboolean
sf_run_reached (SfRun *run, const SfNoiseLevel *level, GError **error)
{
  run->level = *level;
  return call (run, run->s.options->state, run->s.options->state_data, error);
}

gboolean
sf_run_evaluate (SfRun *run, const SfTensor *x, const SfNoiseLevel *level, double done, SfTensor *output, GError **error)
{
  SfProgress part = sf_progress_sub (run->progress, done, done);

  if (!predict (run, x, level, &part, output, error))
    return FALSE;
  sf_clip (&run->s.options->clip, output);
  to_output (run, x, level, output);
  return TRUE;
}

SfTensor *
sf_run_work (SfRun *run, int i, GError **error)
{
  SfTensor **work;

  g_return_val_if_fail (i >= 0 && i < run->n_outputs + MAX_WORK, NULL);

  work = i < run->n_outputs ? &run->output[i] : &run->work[i - run->n_outputs];
  if (*work == NULL)
    *work = sf_tensor_new_like (run->base, error);
  return *work;
}
