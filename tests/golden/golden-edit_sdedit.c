/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SDEdit, RePaint and differential diffusion, each as its authors' code has it. */
#include <math.h>

#include "diffusion/sf-betas.h"
#include "diffusion/sf-posterior.h"
#include "diffusion/sf-timesteps.h"
#include "edit.h"
#include "reference.h"

/* All levels of @process, falling, and the clean image. */
static SfNoiseLevel *
levels_of (const SfNoiseProcess *process)
{
  SfNoiseLevel *levels = g_new (SfNoiseLevel, process->n + 1);

  for (int k = 0; k < process->n; k++)
    levels[k] = sf_noise_process_level (process, process->n - 1 - k);
  levels[process->n] = sf_noise_level_clean ();
  return levels;
}

/* Block @name, of as many dimensions as the tensor has; the parameter of that name says it with one number per pixel. */
static SfTensor *
mask_of (Case *c, const char *name)
{
  case_node (c, name);
  return case_state (c, name, 0, CLAMP (case_need (c, name)->n_dims, 3, 4));
}

/*** SDEdit ***/

static gboolean
is_large (Case *c)
{
  const char *name = case_text (c, "var", "fixedsmall");

  if (!g_str_equal (name, "fixedsmall") && !g_str_equal (name, "fixedlarge"))
    case_fail (c, "unknown variance %s", name);
  return g_str_equal (name, "fixedlarge");
}

/* Logarithms of what the reference takes for the variances; that of the last step is not used. */
static void
compare_log_variance (Case *c, const SfNoiseLevel *levels, int n, gboolean large)
{
  g_autofree double *log_variance = g_new (double, n);

  for (int t = 0; t < n; t++)
    {
      const SfNoiseLevel *from = &levels[n - 1 - MAX (t, large)], *to = from + 1;
      SfPosterior p = sf_posterior (from, to);
      double variance = (t > 0 && large ? p.large : p.small) * to->a * to->a;

      log_variance[t] = log (MAX (variance, 1e-20));
    }
  case_compare_array (c, "logvar", log_variance, n, TOLERANCE_TABLE);
}

/* For each repeat a row for what is kept, then one for each of @steps steps, the last of which is not used. */
static void
share_rows (Comparison *self, int steps)
{
  guint n = self->own->rows->len;

  g_array_set_size (self->own->rows, 0);
  g_array_set_size (self->kept->rows, 0);
  for (gsize row = 0; row < n; row++)
    if (row % (steps + 1) == 0)
      g_array_append_val (self->kept->rows, row);
    else if (row % (steps + 1) < (gsize) steps)
      g_array_append_val (self->own->rows, row);
}

static void
run_sdedit (Case *c, Mix *mix)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfNoiseProcess) process = sf_noise_process_new_named ("linear", case_int (c, "T", 1000), case_number (c, "beta_start", 0), case_number (c, "beta_end", 0), &error);
  int t = case_int (c, "t", 0);
  gboolean large = is_large (c);
  g_autoptr (SfTensor) image = case_state (c, "img", 0, 3);
  g_autoptr (SfTensor) x = sf_tensor_new (case_int (c, "batch", 1), image->h, image->w, image->c, NULL);
  g_autoptr (SfTensor) mask = mask_of (c, "mask");
  g_autoptr (Replay) own = replay_new (c, "noise");
  g_autoptr (Replay) kept = replay_new (c, "noise");
  g_autofree SfNoiseLevel *levels = NULL;
  Comparison comparison = { .c = c, .own = own, .kept = kept, .model_x = "model_x", .copies = 1, .x = "x_after_repeat", .results = RESULTS_END };
  SfSamplerOptions options = comparison_options (&comparison);
  SfEdit edit = { .mask = mask, .keep = SF_KEEP_NOISIER, .strength = 1, .repeats = case_int (c, "repeats", 1) };

  if (!case_ok (c, process != NULL, &error))
    return;
  if (t < 1 || t > process->n)
    {
      case_fail (c, "t is %d", t);
      return;
    }
  levels = levels_of (process);
  case_compare_array (c, "betas", process->beta, process->n, TOLERANCE_TABLE);
  compare_log_variance (c, levels, process->n, large);
  share_rows (&comparison, t);
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] = 2 * image->data[i % sf_tensor_size (image)] - 1;
  case_ok (c, sf_edit (&edit, sf_sampler_find (large ? "ddpm-large" : "ddpm"), &mix->parent, process, levels + process->n - t, t, &options, (SfRng) { 0 }, x, NULL, &error), &error);
  comparison_end (&comparison);
}

/*** RePaint ***/

/* For each step down a row for its noise, used or not, and then, but for the first, one for what is kept; a row for each step
 * up.
 */
static void
share_rows_of_walk (Comparison *self, const SfNoiseLevel *walk, int n)
{
  gsize row = 0;

  g_array_set_size (self->own->rows, 0);
  g_array_set_size (self->kept->rows, 0);
  for (int k = 0; k < n; k++)
    {
      gboolean down = walk[k + 1].sigma < walk[k].sigma;

      if (walk[k + 1].sigma > 0)
        g_array_append_val (self->own->rows, row);
      row++;
      if (down && k > 0)
        {
          g_array_append_val (self->kept->rows, row);
          row++;
        }
    }
}

/* Places in the chain, counted from its cleanest level; -1 = clean. */
static void
compare_walk (Case *c, const SfNoiseProcess *process, const SfNoiseLevel *walk, int n)
{
  g_autofree double *times = g_new (double, n + 1);

  for (int k = 0; k <= n; k++)
    times[k] = walk[k].sigma > 0 ? rint (sf_noise_process_t (process, walk[k].sigma)) : -1;
  case_compare_array (c, "times", times, n + 1, 0);
}

/* (nullable): @n timesteps of OpenAI's linear chain. */
static SfNoiseProcess *
short_process (Case *c, int total, int n)
{
  g_autofree int *keep = g_new (int, MAX (total, 1));
  g_autoptr (GError) error = NULL;
  g_autoptr (SfNoiseProcess) whole = sf_noise_process_new_named ("openai-linear", total, 0, 0, &error);
  SfNoiseProcess *part = NULL;

  if (whole != NULL && sf_timesteps_sections (total, &n, 1, keep, &error) == n)
    part = sf_noise_process_respace (whole, keep, n, &error);
  case_ok (c, part != NULL, &error);
  return part;
}

static void
run_repaint (Case *c, Mix *mix)
{
  g_autoptr (SfNoiseProcess) process = short_process (c, case_int (c, "T", 1000), case_int (c, "jump.t_T", 0));
  g_autoptr (Replay) own = replay_new (c, "noise");
  g_autoptr (Replay) kept = replay_new (c, "noise");
  g_autoptr (Replay) start = replay_new (c, "x_T");
  g_autoptr (SfTensor) image = case_state (c, "gt", 0, 4);
  g_autoptr (SfTensor) mask = mask_of (c, "mask");
  g_autofree SfNoiseLevel *levels = NULL;
  g_autofree SfNoiseLevel *walk = NULL;
  Comparison comparison = { .c = c, .own = own, .kept = kept, .start = start, .x = "x", .results = RESULTS_DOWN };
  SfSamplerOptions options = comparison_options (&comparison);
  SfEdit edit = { .mask = mask, .keep = SF_KEEP_FRESH, .strength = 1, .repeats = 1 };
  g_autoptr (GError) error = NULL;
  int n;

  if (process == NULL)
    return;
  levels = levels_of (process);
  walk = sf_edit_walk (levels, process->n, case_int (c, "jump.n_sample", 1), case_int (c, "jump.jump_length", 1), case_int (c, "jump.jump_n_sample", 1), &n);
  case_compare_array (c, "betas", process->beta, process->n, TOLERANCE_TABLE);
  case_compare_array (c, "timestep_map", process->label, process->n, 0);
  compare_walk (c, process, walk, n);
  share_rows_of_walk (&comparison, walk, n);
  g_array_set_size (start->rows, 1); /* the whole batch is one block */
  mix->parent.variance = SF_VARIANCE_LEARNED_RANGE;
  mix->second = MIX_SECOND_RANGE;
  edit.pure_sigma = 1 / levels[0].a;
  options.clip.kind = SF_CLIP_STATIC;
  case_ok (c, sf_edit (&edit, sf_sampler_find ("ddpm"), &mix->parent, process, walk, n, &options, (SfRng) { 0 }, image, NULL, &error), &error);
  comparison_end (&comparison);
}

/*** Differential diffusion ***/

static void
run_differential (Case *c, Mix *mix)
{
  const char *cls = case_text (c, "cls", "");
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, cls, "kw.");
  int n = case_int (c, "steps", 0);
  g_autofree SfNoiseLevel *levels = process != NULL ? reference_diffusers_levels (c, cls, "kw.", process, &n) : NULL;
  g_autoptr (SfTensor) image = case_state (c, "image", 0, 4);
  g_autoptr (SfTensor) map = mask_of (c, "map");
  g_autoptr (Replay) own = replay_new (c, "noise");
  g_autoptr (Replay) kept = replay_new (c, "init_noise");
  Comparison comparison = { .c = c, .own = own, .kept = kept, .model_x = "model_x", .copies = 1, .x = "out", .results = RESULTS_END };
  SfSamplerOptions options = comparison_options (&comparison);
  SfEdit edit = { .mask = map, .keep = SF_KEEP_SOFT, .strength = case_number (c, "strength", 1), .repeats = 1 };
  g_autoptr (GError) error = NULL;
  SfSampler sampler;

  if (levels == NULL || !reference_diffusers_sampler (c, cls, &sampler, &options))
    return;
  for (int k = 0; k < n; k++)
    case_compare_number (c, "timesteps", k, levels[k].t, TOLERANCE_TABLE);
  if (g_str_equal (cls, "DDIMScheduler"))
    options.eta = case_number (c, "eta", 0);
  comparison.end = levels[n].sigma;
  mix->head = reference_prediction (c, "kw.", SF_PREDICTION_EPSILON);
  mix->parent.predicts_v = mix->head == SF_PREDICTION_V;
  case_ok (c, sf_edit (&edit, &sampler, &mix->parent, process, levels, n, &options, (SfRng) { 0 }, image, NULL, &error), &error);
  comparison_end (&comparison);
}

static void
run (Case *c)
{
  Mix *mix = mix_new (c);
  g_autoptr (SfDenoiser) denoiser = &mix->parent;

  if (case_has (c, "jump"))
    run_repaint (c, mix);
  else if (case_has (c, "map"))
    run_differential (c, mix);
  else
    run_sdedit (c, mix);
}

const GoldenGroup golden_edit_sdedit = { "edit_sdedit", run };
