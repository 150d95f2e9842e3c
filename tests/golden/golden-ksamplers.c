/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k-diffusion: samplers in sigma space, on given sigmas. */
#include <math.h>

#include "mix.h"
#include "reference.h"

typedef struct
{
  const char *function;
  const char *sampler;
  double eta; /* where none is given */
} Row;

static const Row rows[] = {
  { "sample_euler", "euler" },
  { "sample_euler_ancestral", "euler-ancestral", 1 },
  { "sample_heun", "heun" },
  { "sample_dpm_2", "dpm2" },
  { "sample_dpm_2_ancestral", "dpm2-ancestral", 1 },
  { "sample_lms", "lms" },
  { "sample_dpm_fast", "dpm-fast-ancestral", 0 },
  { "sample_dpm_adaptive", "dpm-adaptive" },
  { "sample_dpmpp_2s_ancestral", "dpmpp-2s-ancestral", 1 },
  { "sample_dpmpp_sde", "dpmpp-sde", 1 },
  { "sample_dpmpp_2m", "dpmpp-2m" },
  { "sample_dpmpp_2m_sde", "dpmpp-2m-sde", 1 },
  { "sample_dpmpp_3m_sde", "dpmpp-3m-sde", 1 },
};

/* One case. */
typedef struct
{
  Case *c;
  SfSampler sampler;
  SfNoiseProcess *process;
  SfNoiseLevel *levels;
  int n;       /* steps from level to level */
  int n_evaluations; /* at most */
  int *step;   /* of each evaluation: the reference's step */
  int *row;    /* the block of x that it sees, -1 = none */
  int results; /* blocks of x before the last one */
  Mix *mix;
  const GoldenTensor *noise_step;
  int draws_of_step, last_step; /* how many there were in the last step with noise */
  int tries, accepted;
} Run;

static const Row *
find_row (Case *c)
{
  const char *function = case_text (c, "fn", "");

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].function, function))
      return &rows[i];
  case_fail (c, "unknown sampler %s", function);
  return NULL;
}

/* The block of the noise that belongs to the present draw: noise_step says which step each is for; churn has one for each step. */
static void
draw (SfTensor *z, guint64 number, gpointer data)
{
  Run *self = data;
  int call, step;
  gsize block = 0;

  if (self->step == NULL) /* steps are not known before */
    {
      case_fill_state (self->c, "noise", number, z);
      return;
    }
  call = MIN (self->noise_step != NULL ? self->mix->call - 1 : self->mix->call, self->n_evaluations - 1);
  step = self->step[call];
  self->draws_of_step = step == self->last_step ? self->draws_of_step + 1 : 0;
  self->last_step = step;
  if (self->noise_step == NULL)
    block = step;
  else
    {
      while (block < self->noise_step->size && self->noise_step->value[block] != step)
        block++;
      block += self->draws_of_step;
      if (block >= self->noise_step->size || self->noise_step->value[block] != step)
        {
          case_fail (self->c, "draw %d in step %d, where the reference has none", self->draws_of_step, step);
          return;
        }
    }
  case_fill_state (self->c, "noise", block, z);
}

static void
tried (const SfTry *made, gpointer data)
{
  Run *self = data;
  int k = self->tries++;

  self->accepted += made->accepted;
  case_compare_number (self->c, "t", k, -log (made->level.sigma), TOLERANCE_STATE);
  case_compare_number (self->c, "h", k, made->next, TOLERANCE_STATE);
  case_compare_number (self->c, "error", k, made->error, TOLERANCE_STATE);
  case_compare_number (self->c, "n_accept", k, self->accepted, 0);
  case_compare_number (self->c, "nfe", k, self->mix->call, 0);
  case_compare_state (self->c, "x", k, made->y, 1, TOLERANCE_STATE);
}

/*** Levels, and which step of the reference an evaluation belongs to ***/

/* The sigmas of the case; each step has as many evaluations as the sampler says. */
static void
set_sigmas (Run *self)
{
  const GoldenTensor *sigmas = case_need (self->c, "sigmas");
  int each = self->sampler.evaluations;

  self->n = MAX ((int) sigmas->size - 1, 0);
  self->levels = g_new0 (SfNoiseLevel, self->n + 1);
  self->n_evaluations = self->n * each;
  self->step = g_new (int, self->n_evaluations);
  self->row = g_new (int, self->n_evaluations);
  for (gsize i = 0; i < sigmas->size; i++)
    self->levels[i] = sf_noise_process_level_at (self->process, sigmas->value[i]);
  for (int i = 0; i < self->n_evaluations; i++)
    {
      self->step[i] = i / each;
      self->row[i] = i % each == 0 ? i / each : -1;
    }
  self->results = self->n;
}

/* Steps equal in log sigma, the k-th of order[k] and so of as many evaluations, which here are levels. */
static void
set_fast (Run *self, double max, double min)
{
  int n = case_int (self->c, "n", 0), steps = n / 3 + 1, level = 0;

  self->n = self->n_evaluations = n;
  self->levels = g_new0 (SfNoiseLevel, n + 1);
  self->step = g_new (int, n);
  self->row = g_new (int, n);
  for (int k = 0; level < n; k++)
    {
      int left = n - level, order = left > 3 ? 3 : left == 3 ? 2
                                                             : left;

      for (int j = 0; j < order; j++, level++)
        {
          double sigma = max * pow (min / max, (k + (double) j / order) / steps);

          self->levels[level] = sf_noise_process_level_at (self->process, sigma);
          self->step[level] = k;
          self->row[level] = j == 0 ? k : -1;
        }
    }
  self->levels[n] = sf_noise_process_level_at (self->process, min);
  self->results = steps;
}

static void
set_ends (Run *self, double max, double min)
{
  self->n = 1;
  self->levels = g_new0 (SfNoiseLevel, 2);
  self->levels[0] = sf_noise_process_level_at (self->process, max);
  self->levels[1] = sf_noise_process_level_at (self->process, min);
}

/*** One case ***/

static SfSolver
find_solver (Case *c)
{
  const char *name = case_text (c, "kw.solver_type", NULL);

  if (name != NULL && !g_str_equal (name, "midpoint") && !g_str_equal (name, "heun"))
    case_fail (c, "unknown solver type %s", name);
  return name == NULL ? SF_SOLVER_DEFAULT : g_str_equal (name, "heun") ? SF_SOLVER_TAYLOR
                                                                       : SF_SOLVER_MIDPOINT;
}

static SfSamplerOptions
read_options (Case *c, double eta, Run *run)
{
  return (SfSamplerOptions) {
    .eta = case_number (c, "kw.eta", eta),
    .noise_scale = case_number (c, "kw.s_noise", 1),
    .churn = case_number (c, "kw.s_churn", 0),
    .churn_min = case_number (c, "kw.s_tmin", 0),
    .churn_max = case_number (c, "kw.s_tmax", G_MAXDOUBLE),
    .order = case_int (c, "kw.order", 0),
    .solver = find_solver (c),
    .ratio = case_number (c, "kw.r", 0),
    .full_order_last = run->sampler.output == SF_OUTPUT_DENOISED || run->sampler.history > 3,
    .relative_tolerance = case_number (c, "kw.rtol", 0),
    .absolute_tolerance = case_number (c, "kw.atol", 0),
    .first_step = case_number (c, "kw.h_init", 0),
    .step_control = { case_number (c, "kw.pcoeff", 0), case_number (c, "kw.icoeff", 1), case_number (c, "kw.dcoeff", 0) },
    .accepted_step = case_number (c, "kw.accept_safety", 0),
    .noise = draw,
    .noise_data = run,
    .tried = tried,
    .tried_data = run,
  };
}

static void
run (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_diffusers_process (c, "schedule.");
  const Row *row = find_row (c);
  double max = case_number (c, "sigma_max", 0), min = case_number (c, "sigma_min", 0);
  Run self = { .c = c, .process = process, .noise_step = case_tensor (c, "noise_step"), .last_step = -1 };
  g_autoptr (SfTensor) y = case_state (c, "x_init", 0, 4);
  SfSamplerOptions options;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfDenoiser) denoiser = NULL;

  if (process == NULL || row == NULL)
    return;
  self.sampler = *sf_sampler_find (row->sampler);
  self.mix = mix_new (c);
  denoiser = &self.mix->parent;
  options = read_options (c, row->eta, &self);
  case_node (c, "sigmas"); /* how the reference made the tensor: the group timesteps */
  case_implied (c, "noise"); /* there may be some for steps that inject none */
  if (g_str_equal (row->function, "sample_dpm_fast"))
    set_fast (&self, max, min);
  else if (g_str_equal (row->function, "sample_dpm_adaptive"))
    {
      self.sampler.uses_eta = self.sampler.stochastic = options.eta > 0; /* which no row of our list has */
      set_ends (&self, max, min);
    }
  else
    set_sigmas (&self);
  if (self.row != NULL)
    self.mix->trajectory = "x";
  self.mix->chosen = self.row == NULL;
  self.mix->row = self.row;
  self.mix->n_rows = self.n_evaluations;
  self.mix->head = reference_head (c, "pred", SF_PREDICTION_EPSILON);
  if (case_ok (c, sf_sample (&self.sampler, denoiser, process, self.levels, self.n, &options, (SfRng) { 0 }, y, NULL, &error), &error))
    case_compare_state (c, "x", self.results > 0 ? self.results : self.tries - 1, y, 1, TOLERANCE_STATE);
  if (self.results == 0 && self.tries != (int) case_need (c, "t")->size)
    case_fail (c, "%d tries", self.tries);
  if (self.mix->call != (int) case_need (c, "model_t")->size)
    case_fail (c, "%d evaluations", self.mix->call);
  g_free (self.levels);
  g_free (self.step);
  g_free (self.row);
}

const GoldenGroup golden_ksamplers = { "ksamplers", run };
