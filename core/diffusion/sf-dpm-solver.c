/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-dpm-solver.h"

#include <math.h>
#include <string.h>

#include "diffusion/sf-quadrature.h"

/*** One step, given where it begins and ends ***/

/* state = y * base + value * output + slope * its derivative + bend * its second derivative + noise, where derivatives are by
 * lambda in units of the step h.
 */
typedef struct
{
  double y, value, slope, bend, noise;
} Terms;

/* ++:  (t / s) e^(-eta h) y - phi_1 D - phi_2 D' - phi_3 D''    with phi of -(1 + eta) h, noise t sqrt(1 - e^(-2 eta h))
 * n:   y - (1 + eta) t (phi_1 n + phi_2 n' + phi_3 n'')         with phi of h, noise t sqrt(eta (e^(2 h) - 1))
 */
static Terms
terms (const SfSampling *s, double eta, double from, double to)
{
  double h = log (from / to), phi[3];

  if (s->sampler->output == SF_OUTPUT_NOISE)
    {
      double scale = to > 0 ? -(1 + eta) * to : 0;

      if (to == 0)
        return (Terms) { .y = 1, .value = -from };
      sf_phi (h, G_N_ELEMENTS (phi), phi);
      return (Terms) { 1, scale * phi[0], scale * phi[1], scale * phi[2], to * sqrt (eta * expm1 (2 * h)) };
    }
  if (to == 0)
    return (Terms) { .value = 1 };
  sf_phi (-(1 + eta) * h, G_N_ELEMENTS (phi), phi);
  return (Terms) { to / from * exp (-eta * h), -phi[0], -phi[1], -phi[2], to * sqrt (-expm1 (-2 * eta * h)) };
}

static double
noise_share (const SfSampling *s)
{
  return s->sampler->uses_eta ? s->options->eta : 0;
}

/* weight * (newer - older) / r, the quotient of two outputs that are r steps apart. */
static void
add_quotient (SfSamplerStage *stage, double weight, int newer, int older, double r)
{
  if (r != 0)
    {
      stage->d[newer] += weight / r;
      stage->d[older] -= weight / r;
    }
}

/*** Multistep ***/

static double
step_length (const SfSampling *s, int k)
{
  return log (s->levels[k].sigma / s->levels[k + 1].sigma);
}

int
sf_dpm_multistep_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  SfSolver solver = s->options->solver;
  double from = s->levels[k].sigma, to = s->levels[k + 1].sigma;
  Terms w = terms (s, noise_share (s), from, to);
  int order = from != to ? sf_sampling_order (s, k) : 1;
  double h = step_length (s, k), r0 = order > 1 ? step_length (s, k - 1) / h : 0;

  *stage = (SfSamplerStage) { .y = w.y, .d = { w.value }, .noise = w.noise };
  if (order == 2)
    {
      /* The authors' own form has half the weight of the value here; the same to this order. */
      gboolean own = solver == SF_SOLVER_MIDPOINT || (solver == SF_SOLVER_DEFAULT && s->sampler->history == 2);

      add_quotient (stage, own ? w.value / 2 : w.slope, 0, 1, r0);
    }
  else if (order == 3)
    {
      /* D1 = Q0 + r0 (Q0 - Q1) / (r0 + r1),  D2 = (Q0 - Q1) / (r0 + r1).  That is half the second derivative: all published
       * code has it so, and is of second order. */
      double r1 = step_length (s, k - 2) / h, bend = (w.slope * r0 + w.bend) / (r0 + r1);

      add_quotient (stage, w.slope + bend, 0, 1, r0);
      add_quotient (stage, -bend, 1, 2, r1);
    }
  return 1;
}

/*** Singlestep ***/

/* The levels of a block, of which the present step leads from the first to number @q. */
typedef struct
{
  int q, last;
  double sigma[SF_MAX_HISTORY + 1]; /* 0 … last */
} Block;

/* The step to level q; the outputs are those of levels q - 1 … 0. */
static SfSamplerStage
single (const SfSampling *s, double eta, const Block *block)
{
  const double *sigma = block->sigma;
  int q = block->q;
  Terms w = terms (s, eta, sigma[0], sigma[q]);
  SfSolver solver = s->options->solver;
  SfSamplerStage stage = { .y = w.y, .noise = w.noise };
  double h = log (sigma[0] / sigma[q]), r0 = q > 1 ? log (sigma[0] / sigma[q - 1]) / h : 0;

  stage.d[q - 1] = w.value;
  if (q == 2)
    {
      gboolean own = solver == SF_SOLVER_MIDPOINT || (solver == SF_SOLVER_DEFAULT && block->last == 2);

      add_quotient (&stage, own ? w.value / 2 : w.slope, 0, 1, r0);
    }
  else if (q == 3 && solver != SF_SOLVER_TAYLOR)
    add_quotient (&stage, w.slope, 0, 2, r0); /* of third order if r0 = 2 / 3, to which all smooth schedules tend */
  else if (q == 3)
    {
      /* D1 = (r0 Q1 - r1 Q0) / (r0 - r1),  D2 = 2 (Q0 - Q1) / (r0 - r1) */
      double r1 = log (sigma[0] / sigma[1]) / h;

      add_quotient (&stage, (2 * w.bend - r1 * w.slope) / (r0 - r1), 0, 2, r0);
      add_quotient (&stage, (r0 * w.slope - 2 * w.bend) / (r0 - r1), 1, 2, r1);
    }
  return stage;
}

/* Which step of its block that from levels[k] is, from 1.  Blocks are full but for the end: into 0 goes a step of its own, and
 * so does the last of all that would end a full block, where steps are large (Lu et al. 2022).
 */
static int
place (const SfSampling *s, int k, int past)
{
  int order = sf_sampling_highest_order (s);
  gboolean alone = k == s->n - 1 && (s->levels[k + 1].sigma == 0 || (s->n % order == 0 && !s->options->full_order_last));

  return alone ? 1 : MIN (k % order, past) + 1;
}

static Block
block_of (const SfSampling *s, int k)
{
  int q = place (s, k, s->past), last = q, begin = k - q + 1;
  Block block = { .q = q };

  while (begin + last < s->n && place (s, begin + last, s->past + last - q + 1) == last + 1)
    last++;
  block.last = last;
  for (int j = 0; j <= last; j++)
    block.sigma[j] = s->levels[begin + j].sigma;
  return block;
}

int
sf_dpm_singlestep_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  Block block = block_of (s, k);

  *stage = single (s, noise_share (s), &block);
  stage->keep_base = block.q < block.last;
  return 1;
}

int
sf_dpm_ancestral_plan (const SfSampling *s, int k, SfSamplerStage *stage)
{
  Block block = block_of (s, k);
  double *sigma = block.sigma, end = sigma[block.last], noise, down;

  if (s->options->eta == 0)
    return sf_dpm_singlestep_plan (s, k, stage);
  /* Not below the end of the run: there is no noise in its last step. */
  sf_ancestral_split (sigma[0], end, s->options->eta, &noise, &down);
  down = MAX (down, s->levels[s->n].sigma);
  if (end > 0)
    for (int j = 1; j <= block.last; j++)
      sigma[j] = sigma[0] * pow (sigma[j] / sigma[0], log (down / sigma[0]) / log (end / sigma[0]));
  *stage = single (s, 0, &block);
  if (block.q < block.last)
    {
      stage->keep_base = TRUE;
      stage->level = sf_sampling_level (s, sigma[block.q]);
    }
  else
    stage->noise = sqrt ((end - down) * (end + down));
  return 1;
}

/*** Adaptive ***/

#define RELATIVE_TOLERANCE 0.05
#define ABSOLUTE_TOLERANCE 0.0078 /* one of the 256 steps between -1 and 1 */
#define FIRST_STEP 0.05
#define LAST_STEP 1e-5
#define ACCEPTED 0.81      /* of k-diffusion's controller */
#define LEAST_ERROR 1e-8   /* likewise */

typedef struct _Adaptive Adaptive;

/* How a step size is chosen. */
typedef struct
{
  gboolean scaled; /* see the header */
  double accepted; /* a try is good if the factor is at least this */
  double (*factor) (Adaptive *self, double error); /* on the step size */
} Control;

/* States: outputs, that inside of a step, the lower-order result of the last good try. */
struct _Adaptive
{
  SfRun *run;
  const SfSampling *s;
  Control control;
  int order;
  double quality[3];                         /* 1 / error of this try and of the last two good ones; 0 = not yet known */
  SfTensor *x, *output[3], *inside, *before; /* output: oldest first */
  double before_a;                           /* scale of before */
};

/* out = what @stage makes of the base and the @n newest of the outputs */
static void
combine (const Adaptive *self, const SfSamplerStage *stage, int n, SfTensor *out)
{
  double w[4] = { stage->y };
  const SfTensor *x[4] = { self->x };

  for (int j = 0; j < n; j++)
    {
      w[j + 1] = stage->d[j];
      x[j + 1] = self->output[n - 1 - j];
    }
  sf_weighted_sum (out, n + 1, w, x);
}

/* The two results of a try, in the scale a x0 + s n if the error is measured there. */
typedef struct
{
  const Adaptive *self;
  const SfSamplerStage *low, *high;
  double relative, absolute, scale, before_scale;
} Difference;

/* Squares of (high - low) / max (absolute, relative max (|low|, |before|)). */
static double
difference_terms (gsize begin, gsize end, gconstpointer data)
{
  const Difference *d = data;
  const Adaptive *self = d->self;
  int n = self->order;
  double sum = 0;

  for (gsize i = begin; i < end; i++)
    {
      double low = d->low->y * self->x->data[i], difference = (d->high->y - d->low->y) * self->x->data[i], limit;

      for (int j = 0; j < n; j++)
        {
          double output = self->output[j]->data[i], w = j < n - 1 ? d->low->d[n - 2 - j] : 0;

          low += w * output;
          difference += (d->high->d[n - 1 - j] - w) * output;
        }
      limit = MAX (d->absolute, d->relative * MAX (d->scale * fabs (low), d->before_scale * fabs (self->before->data[i])));
      sum += (d->scale * difference / limit) * (d->scale * difference / limit);
    }
  return sum;
}

/* Root mean square of those, over the worst image or all of them. */
static double
error_of (const Adaptive *self, const SfSamplerStage *low, const SfSamplerStage *high, double a)
{
  const SfSamplerOptions *options = self->s->options;
  gboolean scaled = self->control.scaled;
  Difference difference = {
    self,
    low,
    high,
    .relative = options->relative_tolerance > 0 ? options->relative_tolerance : RELATIVE_TOLERANCE,
    .absolute = options->absolute_tolerance > 0 ? options->absolute_tolerance : ABSOLUTE_TOLERANCE,
    .scale = scaled ? a : 1,
    .before_scale = scaled ? self->before_a : 1,
  };
  gsize images = scaled ? self->x->n : 1, size = sf_tensor_size (self->x) / images;
  double worst = 0;

  for (gsize image = 0; image < images; image++)
    worst = MAX (worst, sqrt (sf_sum_terms (image * size, (image + 1) * size, difference_terms, &difference) / size));
  return worst;
}

/* One try of a step from @level to sigma = @to: two results from the same outputs, of the order and of the one below. */
static gboolean
try_step (Adaptive *self, const SfNoiseLevel *level, double to, double done, SfSamplerStage *low, SfSamplerStage *high, GError **error)
{
  Block block = { .last = self->order };
  SfNoiseLevel at = *level;

  for (int j = 0; j <= self->order; j++)
    block.sigma[j] = level->sigma * pow (to / level->sigma, (double) j / self->order);
  for (int j = 0; j < self->order; j++)
    {
      if (!sf_run_evaluate (self->run, j > 0 ? self->inside : self->x, &at, done, self->output[j], error))
        return FALSE;
      block.q = j + 1;
      *high = single (self->s, 0, &block);
      if (j + 1 < self->order)
        combine (self, high, j + 1, self->inside);
      at = sf_sampling_level (self->s, block.sigma[j + 1]);
    }
  /* The step of the order below uses all outputs but the newest, for the whole of the interval. */
  block.sigma[self->order - 1] = block.sigma[self->order];
  block.q = block.last = self->order - 1;
  *low = single (self->s, 0, &block);
  return TRUE;
}

/* The try becomes the state at @to, with the noise that an ancestral step adds. */
static gboolean
accept (Adaptive *self, const SfSamplerStage *low, const SfSamplerStage *high, double noise, const SfNoiseLevel *to, GError **error)
{
  combine (self, low, self->order - 1, self->before);
  combine (self, high, self->order, self->x);
  self->before_a = to->a;
  sf_run_add_noise (self->run, noise);
  self->quality[2] = self->quality[1];
  self->quality[1] = self->quality[0];
  return sf_run_reached (self->run, to, error);
}

static gboolean
adapt (Adaptive *self, const SfNoiseLevel *begin, const SfNoiseLevel *end, GError **error)
{
  const SfSamplerOptions *options = self->s->options;
  SfNoiseLevel level = *begin;
  double all = log (begin->sigma / end->sigma), rest = all, h = options->first_step > 0 ? options->first_step : FIRST_STEP;

  self->before_a = level.a;
  memcpy (self->before->data, self->x->data, sf_tensor_size (self->x) * sizeof (SfReal));
  while (rest > LAST_STEP)
    {
      SfNoiseLevel to = h < rest ? sf_sampling_level (self->s, level.sigma * exp (-h)) : *end;
      SfSamplerStage low = { 0 }, high = { 0 };
      SfTry made = { .y = self->x };
      double noise, down, factor;

      sf_ancestral_split (level.sigma, to.sigma, noise_share (self->s), &noise, &down);
      down = MAX (down, end->sigma);
      if (!try_step (self, &level, down, 1 - rest / all, &low, &high, error))
        return FALSE;
      made.error = error_of (self, &low, &high, to.a);
      factor = self->control.factor (self, made.error);
      made.accepted = factor >= self->control.accepted;
      if (made.accepted)
        {
          level = to;
          rest = log (level.sigma / end->sigma);
          if (!accept (self, &low, &high, sqrt ((to.sigma - down) * (to.sigma + down)), &to, error))
            return FALSE;
        }
      h = self->control.scaled ? MIN (h * factor, rest) : h * factor;
      made.level = level;
      made.next = h;
      if (options->tried != NULL)
        options->tried (&made, options->tried_data);
    }
  return TRUE;
}

/* From the last level above 0 into the clean image. */
static gboolean
finish (Adaptive *self, const SfNoiseLevel *end, GError **error)
{
  Block block = { .q = 1, .last = 1, .sigma = { end->sigma, 0 } };
  SfSamplerStage stage = single (self->s, 0, &block);
  SfNoiseLevel clean = sf_noise_level_clean ();

  if (!sf_run_evaluate (self->run, self->x, end, 1, self->output[0], error))
    return FALSE;
  combine (self, &stage, 1, self->x);
  return sf_run_reached (self->run, &clean, error);
}

static gboolean
run_adaptive (SfRun *run, Control control, GError **error)
{
  const SfSampling *s = sf_run_sampling (run);
  gboolean clean = s->levels[s->n].sigma == 0;
  const SfNoiseLevel *end = &s->levels[clean ? s->n - 1 : s->n];
  Adaptive self = { run, s, control, .order = MAX (sf_sampling_highest_order (s), 2), .x = sf_run_state (run) };
  SfTensor **const work[] = { &self.inside, &self.before, &self.output[0], &self.output[1], &self.output[2] };

  for (int i = 0; i < self.order + 2; i++)
    if ((*work[i] = sf_run_work (run, i, error)) == NULL)
      return FALSE;
  return adapt (&self, &s->levels[0], end, error) && (!clean || finish (&self, end, error));
}

/* 1 + atan (q0^b1 q1^b2 q2^b3 - 1), with b from the weights of a PID controller and the order of what is controlled. */
static double
soft_factor (Adaptive *self, double error)
{
  const double *weight = self->s->options->step_control, usual[] = { 0, 1, 0 };
  double order = noise_share (self->s) > 0 ? 1.5 : self->order, *q = self->quality;

  if (weight[0] == 0 && weight[1] == 0 && weight[2] == 0)
    weight = usual;
  q[0] = 1 / (error + LEAST_ERROR);
  for (int i = 1; i < 3; i++)
    if (q[i] == 0)
      q[i] = q[0];
  return 1 + atan (pow (q[0], (weight[0] + weight[1] + weight[2]) / order) * pow (q[1], -(weight[0] + 2 * weight[2]) / order) *
                       pow (q[2], weight[2] / order) -
                   1);
}

gboolean
sf_dpm_adaptive_run (SfRun *run, GError **error)
{
  double accepted = sf_run_sampling (run)->options->accepted_step;

  return run_adaptive (run, (Control) { .accepted = accepted > 0 ? accepted : ACCEPTED, .factor = soft_factor }, error);
}

static double
plain_factor (Adaptive *self, double error)
{
  return 0.9 * pow (error, -1.0 / self->order);
}

gboolean
sf_dpm_solver_adaptive_run (SfRun *run, GError **error)
{
  return run_adaptive (run, (Control) { .scaled = TRUE, .accepted = 0.9, .factor = plain_factor }, error);
}
