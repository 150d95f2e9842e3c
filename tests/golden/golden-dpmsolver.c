/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DPM-Solver authors' code: from t = 1 to 1 / N, or on to 0, in a x0 + s n. */
#include <math.h>
#include <string.h>

#include "mix.h"
#include "reference.h"

typedef enum
{
  METHOD_MULTISTEP,
  METHOD_SINGLESTEP,
  METHOD_SINGLESTEP_FIXED,
  METHOD_ADAPTIVE,
  N_METHODS,
} Method;

/* One case. */
typedef struct
{
  Case *c;
  SfNoiseProcess *process;
  Method method;
  int order, steps;
  double begin, end; /* time */
  const char *skip;
  SfNoiseLevel *levels;
  int n;    /* steps from level to level */
  int *row; /* the block of x that each evaluation sees, -1 = none */
  int rows; /* blocks of x before that of the last level */
} Run;

/* The level a share @u of the way. */
static SfNoiseLevel
level_at (const Run *self, double u)
{
  const SfNoiseProcess *process = self->process;
  double begin = self->begin, end = self->end, t;

  if (g_str_equal (self->skip, "time_uniform"))
    t = begin + u * (end - begin);
  else if (g_str_equal (self->skip, "time_quadratic"))
    t = pow (sqrt (begin) + u * (sqrt (end) - sqrt (begin)), 2);
  else
    {
      double max = sf_noise_process_sigma (process, begin * process->n - 1), min = sf_noise_process_sigma (process, end * process->n - 1);

      if (!g_str_equal (self->skip, "logSNR"))
        case_fail (self->c, "unknown skip type %s", self->skip);
      return sf_noise_process_level_at (process, max * pow (min / max, u));
    }
  return sf_noise_process_level (process, t * process->n - 1);
}

/* How many levels the outer step that begins with @left of them has. */
static int
outer_order (const Run *self, int left)
{
  return self->method == METHOD_SINGLESTEP && self->order == 3 && left == 3 ? 2 : MIN (self->order, left);
}

/* Outer steps are spaced by the skip type if that is logSNR; all their levels are, if by time. */
static void
set_levels (Run *self)
{
  int outer = 0, k = 0, level = 0;

  self->n = self->method == METHOD_SINGLESTEP_FIXED ? self->steps / self->order * self->order : self->steps;
  self->levels = g_new (SfNoiseLevel, self->n + 1);
  self->row = g_new (int, self->n);
  if (self->method == METHOD_MULTISTEP)
    self->order = 1;
  for (int left = self->n; left > 0; left -= outer_order (self, left))
    outer++;
  for (k = 0; level < self->n; k++)
    {
      int order = outer_order (self, self->n - level);

      for (int j = 0; j < order; j++, level++)
        {
          self->levels[level] = level_at (self, g_str_equal (self->skip, "logSNR") ? (k + (double) j / order) / outer : (double) level / self->n);
          self->row[level] = j > 0 ? -1 : self->method == METHOD_MULTISTEP ? k
                                                                           : k - 1;
        }
    }
  self->levels[self->n] = level_at (self, 1);
  self->rows = self->method == METHOD_MULTISTEP ? k : k - 1;
}

static Method
find_method (Case *c)
{
  static const char *const names[N_METHODS] = { "multistep", "singlestep", "singlestep_fixed", "adaptive" };
  const char *name = case_text (c, "sample.method", "multistep");

  for (int i = 0; i < N_METHODS; i++)
    if (g_str_equal (names[i], name))
      return i;
  case_fail (c, "unknown method %s", name);
  return METHOD_MULTISTEP;
}

static SfSampler
find_sampler (Case *c, Method method)
{
  SfSampler sampler = *sf_sampler_find (method == METHOD_MULTISTEP ? "dpmpp-3m" : method == METHOD_ADAPTIVE ? "dpm-solver-adaptive"
                                                                                                            : "dpmpp-3s");
  const char *algorithm = case_text (c, "algorithm", "dpmsolver++");

  sampler.output = g_str_equal (algorithm, "dpmsolver") ? SF_OUTPUT_NOISE : SF_OUTPUT_DENOISED;
  if (!g_str_equal (algorithm, "dpmsolver") && !g_str_equal (algorithm, "dpmsolver++"))
    case_fail (c, "unknown algorithm %s", algorithm);
  return sampler;
}

/* Thresholds are for estimates of the image. */
static SfClip
find_clip (Case *c)
{
  const char *name = case_text (c, "x0fn", NULL);
  double quantile = case_number (c, "ratio", 0.995), least = case_number (c, "max_val", 1);

  if (name != NULL && !g_str_equal (name, "dynamic_thresholding"))
    case_fail (c, "unknown x0 function %s", name);
  return name != NULL ? (SfClip) { SF_CLIP_DYNAMIC, .range = least, .quantile = quantile } : (SfClip) { SF_CLIP_NONE };
}

static SfSolver
find_solver (Case *c, Method method)
{
  const char *name = case_text (c, "sample.solver_type", "dpmsolver");

  if (g_str_equal (name, "taylor"))
    return SF_SOLVER_TAYLOR;
  if (!g_str_equal (name, "dpmsolver"))
    case_fail (c, "unknown solver type %s", name);
  return method == METHOD_MULTISTEP ? SF_SOLVER_MIDPOINT : SF_SOLVER_DEFAULT;
}

static void
read_run (Run *self)
{
  Case *c = self->c;

  self->method = find_method (c);
  self->order = case_int (c, "sample.order", 2);
  self->steps = case_int (c, "sample.steps", 20);
  self->skip = case_text (c, "sample.skip_type", "time_uniform");
  self->begin = case_number (c, "sample.t_start", 1);
  self->end = case_number (c, "sample.t_end", 1.0 / self->process->n);
}

/* The authors lower the order for fewer than 10 steps, and of single steps only the third. */
static SfSamplerOptions
read_options (const Run *self)
{
  Case *c = self->c;
  gboolean lower = case_flag (c, "sample.lower_order_final", TRUE);

  return (SfSamplerOptions) {
    .noise_scale = 1,
    .order = self->order,
    .solver = find_solver (c, self->method),
    .full_order_last = self->method == METHOD_MULTISTEP ? !lower || self->steps >= 10 : self->method != METHOD_SINGLESTEP || self->order != 3,
    .relative_tolerance = case_number (c, "sample.rtol", 0),
    .absolute_tolerance = case_number (c, "sample.atol", 0),
  };
}

/* @self->levels, then perhaps one more step into the clean image. */
static gboolean
sample (const Run *self, const SfSampler *sampler, SfDenoiser *denoiser, SfSamplerOptions *options, SfTensor *y, GError **error)
{
  const SfNoiseLevel last[] = { self->levels[self->n], sf_noise_level_clean () };
  SfClip clip = find_clip (self->c);

  if (sampler->output == SF_OUTPUT_DENOISED)
    options->clip = clip;
  if (!sf_sample (sampler, denoiser, self->process, self->levels, self->n, options, (SfRng) { 0 }, y, NULL, error))
    return FALSE;
  if (!case_flag (self->c, "sample.denoise_to_zero", FALSE))
    return TRUE;
  if (self->row != NULL)
    case_compare_state (self->c, "x", self->rows, y, last[0].a, TOLERANCE_STATE);
  *options = (SfSamplerOptions) { .clip = clip };
  return sf_sample (sf_sampler_find ("euler"), denoiser, self->process, last, 1, options, (SfRng) { 0 }, y, NULL, error);
}

static void
run (Case *c)
{
  g_autoptr (SfNoiseProcess) process = reference_dpmsolver_process (c, "schedule.");
  Run self = { .c = c, .process = process };
  g_autoptr (SfTensor) y = case_state (c, "x_T", 0, 4);
  g_autoptr (SfDenoiser) denoiser = NULL;
  g_autoptr (GError) error = NULL;
  SfSamplerOptions options;
  SfSampler sampler;
  Mix *mix;

  if (process == NULL)
    return;
  read_run (&self);
  options = read_options (&self);
  sampler = find_sampler (c, self.method);
  if (self.method == METHOD_ADAPTIVE)
    {
      self.n = 1;
      self.levels = g_new (SfNoiseLevel, 2);
      self.levels[0] = level_at (&self, 0);
      self.levels[1] = level_at (&self, 1);
    }
  else
    set_levels (&self);
  mix = mix_new (c);
  denoiser = &mix->parent;
  mix->head = reference_head (c, "head", SF_PREDICTION_EPSILON);
  if (reference_head (c, "model_type", mix->head) != mix->head)
    case_fail (c, "head and model_type differ");
  mix->scaled = TRUE;
  mix->chosen = self.method == METHOD_ADAPTIVE;
  mix->row = self.row;
  mix->n_rows = self.n;
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    y->data[i] = (SfReal) (y->data[i] / self.levels[0].a);
  if (case_tensor (c, "x") != NULL && self.row != NULL)
    mix->trajectory = "x";
  if (case_ok (c, sample (&self, &sampler, denoiser, &options, y, &error), &error))
    {
      double a = case_flag (c, "sample.denoise_to_zero", FALSE) ? 1 : self.levels[self.n].a;

      case_compare_state (c, "out", 0, y, a, TOLERANCE_STATE);
      if (mix->trajectory != NULL)
        case_compare_state (c, "x", case_need (c, "x")->dim[0] - 1, y, a, TOLERANCE_STATE);
    }
  if (mix->call != (int) case_need (c, "model_t")->size)
    case_fail (c, "%d evaluations", mix->call);
  g_free (self.levels);
  g_free (self.row);
}

const GoldenGroup golden_dpmsolver = { "dpmsolver", run };
