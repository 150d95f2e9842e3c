/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole sampling runs of real networks: DIR/pipelines, whose networks lie in DIR/nets.
 *
 * Each run is made twice: once put back to the recorded state after each step, so that every step is compared for itself, and once
 * left alone to the end.  Parameters come as a flat object; they are sorted into what the other groups call them first.
 */
#include <math.h>
#include <string.h>

#include "arch/sf-network.h"
#include "denoisers/sf-denoiser-guided.h"
#include "denoisers/sf-denoiser-network.h"
#include "diffusion/sf-bound.h"
#include "golden-nets.h"
#include "openai.h"
#include "reference.h"
#include "walk.h"

#define TOLERANCE_FIRST 1e-6
#define TOLERANCE_LABEL 1e-4 /* the reference's are made of float32 sigmas */
#define TOLERANCE_STEP 1e-3
#define TOLERANCE_RUN 1e-3 /* relative, root mean square */
#define TOLERANCE_BITS 1e-3

static const char *nets_folder;

typedef struct
{
  Case *c;
  SfNetwork *network;
  SfNetwork *classifier; /* (nullable) */
  SfContext *context;
  SfClassifierUse steering;
  int *classes; /* (nullable) */
  int n_classes;
  /* One run: */
  gboolean alone; /* not put back */
  gboolean in_sigma;
  const GoldenTensor *x;
  gsize n_calls;
} Pipeline;

/*** Networks ***/

/* (transfer full) (nullable): the network in folder @name of the case's nets. */
static SfNetwork *
open_network (Case *c, const char *name)
{
  static const char *const files[] = { "diffusion_pytorch_model.safetensors", "model.safetensors" };
  g_autofree char *config = g_build_filename (nets_folder, name, "config.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  SfNetwork *network = NULL;

  if (!case_ok (c, json_parser_load_from_file (parser, config, &error), &error))
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (nets_folder, name, files[i], NULL);
      g_autoptr (SfWeights) weights = NULL;

      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        continue;
      if ((weights = sf_weights_open (path, NULL, &error)) != NULL)
        network = sf_network_open (json_node_get_object (json_parser_get_root (parser)), weights, &error);
      case_ok (c, network != NULL, &error);
      return network;
    }
  case_fail (c, "no weights in %s/%s", nets_folder, name);
  return NULL;
}

/* The network of the case as a denoiser of @prediction; also reads classes and classifier. */
static SfDenoiser *
open_denoiser (Pipeline *self, SfPrediction prediction, SfVariance variance)
{
  Case *c = self->c;
  const GoldenTensor *classes = case_tensor (c, "class_labels"), *target = case_tensor (c, "target");
  const char *classifier = case_text (c, "classifier", NULL);

  if ((self->network = open_network (c, case_text (c, "net", ""))) == NULL)
    return NULL;
  if (classes == NULL)
    classes = target;
  self->n_classes = classes != NULL ? (int) classes->size : 0;
  self->classes = g_new (int, self->n_classes + 1);
  for (int i = 0; i < self->n_classes; i++)
    self->classes[i] = (int) classes->value[i];
  if (classifier != NULL && (self->classifier = open_network (c, classifier)) == NULL)
    return NULL;
  self->steering = (SfClassifierUse) {
    .network = self->classifier,
    .context = self->context,
    .classes = self->classes,
    .n_classes = self->n_classes,
    .scale = case_number (c, "classifier_scale", 0),
  };
  return sf_denoiser_network_new (&(SfNetworkUse) {
      .network = self->network,
      .context = self->context,
      .prediction = prediction,
      .variance = variance,
      .classes = self->classes,
      .n_classes = self->network->n_classes > 0 ? self->n_classes : 0,
  });
}

/*** Comparing ***/

/* The state that a call of the network begins with, and its label. */
static gboolean
check_call (SfTensor *y, const SfNoiseLevel *level, gpointer data, GError **error)
{
  Pipeline *self = data;
  double a = self->in_sigma ? 1 : level->a;
  gsize call = self->n_calls++;

  if (self->alone || (call + 1) * sf_tensor_size (y) > self->x->size)
    return TRUE;
  case_compare_number (self->c, "labels", call, level->t, TOLERANCE_LABEL);
  case_compare_state (self->c, "x", call, y, a, TOLERANCE_STEP);
  case_fill_state (self->c, "x", call, y);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    y->data[i] = (float) (y->data[i] / a);
  return TRUE;
}

/* The last state, after the last step or the whole run. */
static void
check_end (Pipeline *self, const SfTensor *y)
{
  gsize last = self->x->dim[0] - 1;
  g_autoptr (SfTensor) want = case_state (self->c, "x", last, 4);
  double error = 0, size = 0;

  if (self->n_calls != last)
    case_fail (self->c, "%" G_GSIZE_FORMAT " evaluations, not %" G_GSIZE_FORMAT, self->n_calls, last);
  if (!self->alone)
    case_compare_state (self->c, "x", last, y, 1, TOLERANCE_STEP);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    {
      error += (y->data[i] - want->data[i]) * (y->data[i] - want->data[i]);
      size += want->data[i] * want->data[i];
    }
  error = sqrt (error / size);
  if (!(error <= TOLERANCE_RUN))
    case_fail (self->c, "the whole run differs by %.2g (root mean square), tolerance %.2g", error, TOLERANCE_RUN);
}

/* x[0] is @scale * init_noise, plus @image_scale * image. */
static void
check_first (Case *c, double scale, double image_scale)
{
  const GoldenTensor *x = case_need (c, "x"), *noise = case_need (c, "init_noise"), *image = image_scale != 0 ? case_need (c, "image") : NULL;

  for (gsize i = 0; i < MIN (noise->size, x->size); i++)
    {
      double first = scale * noise->value[i] + (image != NULL ? image_scale * image->value[i] : 0);

      case_compare (c, "x[0]", &first, &x->value[i], 1, TOLERANCE_FIRST);
    }
}

static void
run_levels (Pipeline *self, const SfSampler *sampler, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n,
            SfSamplerOptions *options)
{
  Case *c = self->c;

  self->x = case_need (c, "x");
  for (int alone = 0; alone < 2; alone++)
    {
      g_autoptr (SfTensor) y = case_state (c, "x", 0, 4);
      g_autoptr (Replay) noise = replay_new (c, "noise");
      g_autoptr (GError) error = NULL;

      for (gsize i = 0; i < sf_tensor_size (y) && !self->in_sigma; i++)
        y->data[i] = (float) (y->data[i] / levels[0].a);
      self->alone = alone;
      self->n_calls = 0;
      options->noise = replay_draw;
      options->noise_data = noise;
      options->before = check_call;
      options->before_data = self;
      if (case_ok (c, sf_sample (sampler, denoiser, process, levels, n, options, (SfRng) { 0 }, y, NULL, &error), &error))
        check_end (self, y);
    }
}

/*** diffusers ***/

/* Noise of the first state of the classes that work in sigma space. */
static double
first_sigma (Case *c, double sigma)
{
  const char *spacing = case_text (c, "kw.timestep_spacing", "linspace");

  return g_str_equal (spacing, "leading") ? sqrt (sigma * sigma + 1) : sigma;
}

static void
run_diffusers (Pipeline *self, const char *cls)
{
  Case *c = self->c;
  g_autoptr (SfNoiseProcess) process = reference_scheduler_process (c, cls, "kw.");
  int n = case_int (c, "steps", 0), skip = 0;
  g_autofree SfNoiseLevel *levels = process != NULL ? reference_diffusers_levels (c, cls, "kw.", process, &n) : NULL;
  double strength = case_number (c, "strength", 1), eta = case_number (c, "kw.eta", 0);
  const char *variance = case_text (c, "kw.variance_type", "fixed_small");
  gboolean ddpm = g_str_equal (cls, "DDPMScheduler"), learned = g_str_has_prefix (variance, "learned");
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS };
  g_autoptr (SfDenoiser) denoiser = NULL;
  SfSampler sampler;

  if (levels == NULL)
    return;
  denoiser = open_denoiser (self, reference_prediction (c, "kw.", SF_PREDICTION_EPSILON),
                            !learned ? SF_VARIANCE_NONE : g_str_equal (variance, "learned") ? SF_VARIANCE_LEARNED
                                                                                            : SF_VARIANCE_LEARNED_RANGE);
  if (denoiser == NULL)
    return;
  if (ddpm)
    {
      sampler = *sf_sampler_find (g_str_has_prefix (variance, "fixed_large") ? "ddpm-large" : "ddpm");
      options.clip = reference_clip (c, cls);
      options.noisy_end = levels[n - 1].t > 0;
    }
  else if (!reference_diffusers_sampler (c, cls, &sampler, &options))
    return;
  if (g_str_equal (cls, "DDIMScheduler"))
    {
      options.eta = eta;
      options.clip.keep_noise = !case_flag (c, "kw.use_clipped_model_output", FALSE);
    }
  if (case_has (c, "strength"))
    skip = n - MIN ((int) (n * strength), n);
  self->in_sigma = reference_is_sigma_class (cls);
  if (case_tensor (c, "image") != NULL)
    check_first (c, levels[skip].sigma * (self->in_sigma ? 1 : levels[skip].a), self->in_sigma ? 1 : levels[skip].a);
  else
    check_first (c, self->in_sigma ? first_sigma (c, levels[0].sigma) : 1, 0);
  run_levels (self, &sampler, denoiser, process, levels + skip, n - skip, &options);
}

/*** guided-diffusion ***/

static void
run_bound (Pipeline *self, SfDenoiser *denoiser, const SfNoiseProcess *process, const SfNoiseLevel *levels, int n, SfSamplerOptions *options)
{
  Case *c = self->c;
  g_autoptr (SfTensor) x0 = case_state (c, "image", 0, 4);
  g_autoptr (Replay) noise = replay_new (c, "noise");
  const int images = x0->n;
  g_autofree double *nats = g_new (double, (n + 1) * images), *mse = g_new (double, n *images);
  g_autoptr (GError) error = NULL;

  options->noise = replay_draw;
  options->noise_data = noise;
  if (!case_ok (c, sf_bound (sf_sampler_find ("ddpm"), denoiser, process, levels, n, options, (SfRng) { 0 }, x0, nats, mse, NULL, &error), &error))
    return;
  openai_compare_bound (c, nats, mse, levels, n, images, TOLERANCE_BITS);
}

static void
run_openai (Pipeline *self, const char *loop)
{
  static const struct
  {
    const char *name;
    SfVariance variance;
  } variances[] = { { "fixed_small", SF_VARIANCE_NONE }, { "fixed_large", SF_VARIANCE_NONE }, { "learned", SF_VARIANCE_LEARNED }, { "learned_range", SF_VARIANCE_LEARNED_RANGE } };
  Case *c = self->c;
  g_autoptr (SfNoiseProcess) process = reference_openai_process (c);
  const char *variance = case_text (c, "variance", "learned_range"), *mode = case_text (c, "mode", "bound");
  gboolean ddim = g_str_equal (mode, "ddim"), clip = case_flag (c, "clip_denoised", TRUE);
  SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .clip.kind = clip ? SF_CLIP_STATIC : SF_CLIP_NONE };
  g_autofree SfNoiseLevel *levels = NULL;
  g_autoptr (SfDenoiser) denoiser = NULL;
  const char *sampler = ddim ? "ddim" : g_str_equal (variance, "fixed_large") ? "ddpm-large"
                                                                              : "ddpm";

  if (process == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (variances); i++)
    if (g_str_equal (variances[i].name, variance))
      denoiser = open_denoiser (self, SF_PREDICTION_EPSILON, variances[i].variance);
  if (denoiser == NULL)
    {
      case_fail (c, "unknown variance %s", variance);
      return;
    }
  levels = openai_levels (c, process);
  options.eta = case_number (c, "eta", 0);
  if (g_str_equal (loop, "calc_bpd_loop"))
    {
      run_bound (self, denoiser, process, levels, process->n, &options);
      return;
    }
  if (!ddim && !g_str_equal (mode, "ancestral"))
    case_fail (c, "unknown mode %s", mode);
  if (self->classifier != NULL && ddim)
    {
      denoiser = sf_denoiser_classified_new (g_steal_pointer (&denoiser), sf_classifier_gradient, &self->steering, &options.clip);
      options.clip.kind = SF_CLIP_NONE;
    }
  else if (self->classifier != NULL)
    {
      options.gradient = sf_classifier_gradient;
      options.gradient_data = &self->steering;
    }
  check_first (c, 1, 0);
  run_levels (self, sf_sampler_find (sampler), denoiser, process, levels, process->n, &options);
}

static void
run (Case *c)
{
  Pipeline self = { .c = c, .context = sf_context_new (0) };
  const char *cls = case_text (c, "cls", NULL), *loop = case_text (c, "loop", NULL);

  if (cls != NULL)
    run_diffusers (&self, cls);
  else if (loop != NULL)
    run_openai (&self, loop);
  else
    case_fail (c, "unknown reference %s", case_text (c, "reference", "(none)"));
  sf_context_free (self.context);
  g_free (self.classes);
  g_clear_pointer (&self.classifier, sf_network_free);
  g_clear_pointer (&self.network, sf_network_free);
}

/*** The folder ***/

/* (transfer full): the parameters of a run as the other groups have them: arguments of a scheduler's class below "kw", those of
 * guided-diffusion at the top. */
static JsonObject *
sort_parameters (JsonObject *run_description)
{
  static const char *const top[] = { "steps", "strength" };
  const char *reference = json_object_get_string_member (run_description, "reference");
  g_auto (GStrv) words = g_strsplit (reference, " ", 3);
  JsonObject *given = json_object_get_object_member (run_description, "params"), *params = json_object_new (), *kw = json_object_new ();
  gboolean diffusers = g_str_equal (words[0], "diffusers") && g_strv_length (words) == 3;
  g_autoptr (GList) names = json_object_get_members (given);

  json_object_set_string_member (params, "net", json_object_get_string_member (run_description, "net"));
  if (diffusers)
    json_object_set_string_member (params, "cls", words[2]);
  else if (g_str_equal (words[0], "guided-diffusion"))
    json_object_set_string_member (params, "loop", g_strv_length (words) > 2 ? words[2] : words[1]);
  else
    json_object_set_string_member (params, "reference", reference);
  if (!diffusers && g_strv_length (words) > 1 && g_str_equal (words[1], "calc_bpd_loop"))
    json_object_set_string_member (params, "loop", words[1]);
  for (GList *l = names; l != NULL; l = l->next)
    {
      gboolean own = !diffusers || g_strv_contains ((const char *const[]) { top[0], top[1], NULL }, l->data);
      const char *name = g_str_equal (l->data, "rescale_timesteps") ? "rescale" : l->data;

      json_object_set_member (own ? params : kw, name, json_node_copy (json_object_get_member (given, l->data)));
    }
  json_object_set_object_member (params, "kw", kw);
  return params;
}

gboolean
golden_pipelines_run (const char *folder, int counts[N_OUTCOMES], GError **error)
{
  static const GoldenGroup group = { "pipelines", run };
  g_autofree char *json_path = g_build_filename (folder, "cases.json", NULL);
  g_autofree char *tensor_path = g_build_filename (folder, "pipelines.safetensors", NULL);
  g_autofree char *nets = g_build_filename (folder, "..", "nets", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GHashTable) tensors = NULL;
  g_autoptr (GHashTable) none = g_hash_table_new (g_str_hash, g_str_equal);
  JsonArray *runs;

  if (!json_parser_load_from_file (parser, json_path, error) || (tensors = golden_read_tensors (tensor_path, error)) == NULL)
    return FALSE;
  nets_folder = nets;
  runs = json_node_get_array (json_parser_get_root (parser));
  for (guint i = 0; i < json_array_get_length (runs); i++)
    {
      JsonObject *of_run = json_array_get_object_element (runs, i);
      const char *name = json_object_get_string_member (of_run, "name");
      GHashTable *own = g_hash_table_lookup (tensors, name);
      g_autoptr (JsonObject) description = json_object_new ();

      json_object_set_object_member (description, "params", sort_parameters (of_run));
      counts[case_run (&group, name, description, NULL, own != NULL ? own : none, stdout)]++;
    }
  return TRUE;
}
