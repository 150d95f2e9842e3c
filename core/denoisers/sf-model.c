/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-model.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "arch/sf-network.h"
#include "base/sf-error.h"
#include "base/sf-description.h"
#include "denoisers/sf-catalogue.h"
#include "denoisers/sf-gamma-file.h"

/*** What is said about it ***/

/* Other networks than UNet2DModel are for latents, mostly. */
static gboolean
check_config (JsonObject *object, const char *file, GError **error)
{
  SfDescription config = { object, file };
  const char *name = sf_description_text (&config, "_class_name", NULL);

  if (!sf_description_end (&config, error))
    return FALSE;
  if (sf_description_has (&config, "cross_attention_dim") || sf_description_has (&config, "joint_attention_dim") ||
      (name != NULL && (strstr (name, "Condition") != NULL || strstr (name, "Transformer") != NULL || g_str_has_prefix (name, "Autoencoder"))))
    {
      sf_model_refuse_latent (file, name != NULL ? name : "cross_attention_dim", error);
      return FALSE;
    }
  if (name != NULL && !g_str_equal (name, "UNet2DModel"))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: networks of the kind “%s” are not supported; UNet2DModel and those of guided-diffusion are"), file, name);
      return FALSE;
    }
  return TRUE;
}

/* As diffusers says it, or guided-diffusion. */
static void
read_size (SfModel *self, JsonObject *object, const char *file)
{
  SfDescription config = { object, file };
  int side[2];

  if (sf_description_sides (&config, "sample_size", G_MAXINT16, side) || sf_description_sides (&config, "image_size", G_MAXINT16, side))
    {
      self->height = side[0];
      self->width = side[1];
    }
  g_clear_error (&config.error); /* the architecture will say so */
}

/* Names of classes: a file beside the model, its configuration, or the catalogue. */
static gboolean
read_classes (SfModel *self, JsonObject *config, GError **error)
{
  JsonNode *labels = config != NULL ? json_object_get_member (config, "id2label") : NULL;

  if (self->files->classes != NULL)
    {
      g_autoptr (GFile) file = g_file_new_for_path (self->files->classes);

      return (self->classes = sf_classes_load (file, error)) != NULL;
    }
  if (labels != NULL && JSON_NODE_HOLDS_OBJECT (labels))
    return (self->classes = sf_classes_read (json_node_get_object (labels), self->files->config, error)) != NULL;
  if (self->manifest != NULL)
    self->classes = g_strdupv (self->manifest->classes);
  return TRUE;
}

static void
recommend (SfModel *self)
{
  if (self->scheduler == NULL)
    return;
  self->steps = self->manifest != NULL && self->manifest->steps > 0 ? self->manifest->steps : self->scheduler->steps;
  self->sampler = self->scheduler->sampler;
  self->schedule = self->scheduler->schedule;
}

static gboolean
read_scheduler (SfModel *self, GError **error)
{
  g_autoptr (JsonObject) own = self->files->scheduler != NULL ? sf_description_load (self->files->scheduler, error) : NULL;

  if (self->files->scheduler != NULL && own == NULL)
    return FALSE;
  if (own != NULL)
    self->scheduler = sf_scheduler_new (own, self->files->scheduler, error);
  else if (self->manifest != NULL && self->manifest->scheduler != NULL)
    self->scheduler = sf_scheduler_new (self->manifest->scheduler, self->manifest->id, error);
  else
    return TRUE;
  recommend (self);
  return self->scheduler != NULL;
}

/* (transfer full) (nullable): of @entry's classifier, where it is. */
static char *
find_classifier (const SfCatalogue *catalogue, const SfManifest *manifest)
{
  const SfCatalogueEntry *entry = manifest != NULL && manifest->classifier != NULL ? sf_catalogue_find (catalogue, manifest->classifier) : NULL;

  return entry != NULL ? g_strdup (entry->path) : NULL;
}

/* What lies beside the model speaks before the catalogue does. */
static gboolean
read_manifest (SfModel *self, const SfCatalogueEntry *entry, GError **error)
{
  g_autoptr (GFile) beside = self->files->manifest != NULL ? g_file_new_for_path (self->files->manifest) : NULL;
  g_autoptr (GError) reason = NULL;

  if (beside != NULL)
    self->manifest = sf_manifest_load (beside, &reason);
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  if (self->manifest == NULL && entry != NULL && entry->manifest != NULL)
    {
      self->manifest = sf_manifest_ref (entry->manifest);
      self->id = g_strdup (entry->id);
    }
  return TRUE;
}

static gboolean
describe (SfModel *self, const SfCatalogue *catalogue, GError **error)
{
  const SfManifest *known = self->manifest;
  g_autoptr (JsonObject) config = self->files->config != NULL ? sf_description_load (self->files->config, error) : NULL;
  g_autofree char *name = g_path_get_basename (self->files->path);

  if (self->files->config != NULL && (config == NULL || !check_config (config, self->files->config, error)))
    return FALSE;
  self->label = known != NULL && known->label != NULL ? g_strdup (known->label) : g_filename_display_name (name);
  if (known != NULL)
    {
      self->kind = known->kind;
      self->width = known->width;
      self->height = known->height;
      self->n_classes = known->n_classes;
      self->drops_class = known->null_class > G_MININT;
      self->null_class = known->null_class;
      self->parameters = known->parameters;
    }
  if (config != NULL)
    read_size (self, config, self->files->config);
  self->config = config != NULL ? g_steal_pointer (&config) : known != NULL && known->architecture != NULL ? json_object_ref (known->architecture)
                                                                                                           : NULL;
  self->classifier = self->files->classifier != NULL ? g_strdup (self->files->classifier) : find_classifier (catalogue, known);
  return read_classes (self, self->config, error) && read_scheduler (self, error);
}

SfModel *
sf_model_new (const char *model, GError **error)
{
  g_autoptr (SfCatalogue) catalogue = sf_catalogue_new ();
  g_autofree char *path = sf_catalogue_resolve (catalogue, model, error);
  g_autoptr (SfModel) self = g_atomic_rc_box_new0 (SfModel);
  const SfCatalogueEntry *entry;

  if (path == NULL || (self->files = sf_model_files_new (path, error)) == NULL)
    return NULL;
  if (self->files->missing[0] != NULL)
    {
      g_autofree char *missing = g_strjoinv (", ", self->files->missing);

      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: is no complete model; %s is missing"), path, missing);
      return NULL;
    }
  entry = sf_catalogue_find_path (catalogue, path);
  return read_manifest (self, entry, error) && describe (self, catalogue, error) ? g_steal_pointer (&self) : NULL;
}

static void
model_clear (gpointer data)
{
  SfModel *self = data;

  g_free (self->id);
  g_free (self->label);
  sf_model_files_free (self->files);
  sf_manifest_unref (self->manifest);
  sf_scheduler_free (self->scheduler);
  g_strfreev (self->classes);
  g_free (self->classifier);
  g_free (self->gamma);
  g_clear_error (&self->gamma_error);
  g_clear_pointer (&self->config, json_object_unref);
  g_clear_pointer (&self->network, sf_network_free);
}

SfModel *
sf_model_ref (SfModel *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
sf_model_unref (SfModel *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, model_clear);
}

/*** The network ***/

/* (nullable): the array by which a checkpoint is known as one of latent diffusion, or of a network for latents. */
static const char *
find_latent_array (const SfWeights *weights)
{
  static const char *const prefixes[] = { "first_stage_model.", "cond_stage_model.", "conditioner.", "model.diffusion_model.",
                                          "double_blocks.", "joint_blocks.", "transformer_blocks.", "text_encoders.", "vae." };

  for (int i = 0; i < sf_weights_get_n (weights); i++)
    {
      const char *name = sf_weights_get_name (weights, i);

      if (strstr (name, ".attn2.to_k.") != NULL)
        return name;
      for (gsize k = 0; k < G_N_ELEMENTS (prefixes); k++)
        if (g_str_has_prefix (name, prefixes[k]))
          return name;
    }
  return NULL;
}

/* A checkpoint that is not what its name says: all that was known of it is wrong. */
static void
forget_manifest (SfModel *self)
{
  g_autofree char *name = g_path_get_basename (self->files->path);

  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->manifest, sf_manifest_unref);
  g_clear_pointer (&self->label, g_free);
  self->label = g_filename_display_name (name);
  if (self->files->classes == NULL)
    g_clear_pointer (&self->classes, g_strfreev);
  if (self->files->classifier == NULL)
    g_clear_pointer (&self->classifier, g_free);
  if (self->files->scheduler == NULL)
    g_clear_pointer (&self->scheduler, sf_scheduler_free);
  if (self->files->config == NULL)
    {
      g_clear_pointer (&self->config, json_object_unref);
      self->width = self->height = 0;
    }
}

/* A known checkpoint under another name: arrays do not tell everything, the number of heads for one. */
static void
borrow_architecture (SfModel *self)
{
  g_autoptr (SfCatalogue) catalogue = sf_catalogue_new ();
  const SfCatalogueEntry *entry = sf_catalogue_find_parameters (catalogue, self->parameters);

  if (entry != NULL && entry->manifest->architecture != NULL)
    self->config = json_object_ref (entry->manifest->architecture);
}

static gsize
count_parameters (const SfWeights *weights)
{
  gsize n = 0;

  for (int i = 0; i < sf_weights_get_n (weights); i++)
    n += sf_weights_get (weights, sf_weights_get_name (weights, i))->n;
  return n;
}

/* The network's word on size, kind and classes. */
static gboolean
adopt_network (SfModel *self, GError **error)
{
  const SfNetwork *network = self->network;
  int names = self->classes != NULL ? (int) g_strv_length (self->classes) : 0;

  self->architecture = network->arch->name;
  self->in_channels = network->in_channels;
  self->out_channels = network->out_channels;
  self->divisor = network->divisor;
  self->unexpected = (const char *const *) network->unexpected;
  if (network->width > 0 && network->height > 0)
    {
      self->width = network->width;
      self->height = network->height;
    }
  self->kind = strstr (network->arch->name, "classifier") != NULL      ? SF_MODEL_CLASSIFIER
               : self->in_channels == 6 && self->out_channels % 3 == 0 ? SF_MODEL_UPSAMPLER
                                                                       : SF_MODEL_DIFFUSION;
  self->channels = self->kind == SF_MODEL_UPSAMPLER ? 3 : self->in_channels;
  self->factor = self->manifest != NULL ? self->manifest->factor : SF_UPSAMPLER_FACTOR;
  self->n_classes = self->kind == SF_MODEL_CLASSIFIER ? network->out_channels : network->n_classes;
  if (self->n_classes == 0)
    g_clear_pointer (&self->classes, g_strfreev);
  if (self->classes == NULL || names == self->n_classes)
    return TRUE;
  g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: names %d classes, but the network has %d"),
               self->files->classes != NULL ? self->files->classes : self->label, names, self->n_classes);
  return FALSE;
}

/* A network with twice as many outputs tells the variance, too. */
static gboolean
adopt_variance (SfModel *self, GError **error)
{
  SfScheduler *scheduler = self->scheduler;
  gboolean twice = self->out_channels == 2 * self->channels;

  if (scheduler == NULL || self->kind == SF_MODEL_CLASSIFIER)
    return TRUE;
  if (scheduler->variance != SF_VARIANCE_NONE && !twice)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: says that the network learned the variance, but it has %d outputs for %d inputs"),
                   self->files->scheduler != NULL ? self->files->scheduler : self->label, self->out_channels, self->in_channels);
      return FALSE;
    }
  if (twice && scheduler->variance == SF_VARIANCE_NONE)
    scheduler->variance = SF_VARIANCE_LEARNED_RANGE;
  return TRUE;
}

/* What was estimated for it, if it was.  Most samplers have no use for it, so what is wrong with it is no fault of the model. */
static void
load_gamma (SfModel *self)
{
  if (self->scheduler != NULL && self->scheduler->process->kind == NULL && g_file_test (self->files->gamma, G_FILE_TEST_EXISTS))
    self->gamma = sf_gamma_load (self->scheduler->process, self->files->gamma, NULL, &self->gamma_error);
}

gboolean
sf_model_load (SfModel *self, const SfProgress *progress, GError **error)
{
  g_autoptr (SfWeights) weights = NULL;
  const char *latent;
  gsize n;

  if (self->network != NULL)
    return TRUE;
  if ((weights = sf_weights_open (self->files->weights, progress, error)) == NULL)
    return FALSE;
  if ((latent = find_latent_array (weights)) != NULL)
    {
      sf_model_refuse_latent (self->files->weights, latent, error);
      return FALSE;
    }
  n = count_parameters (weights);
  if (self->manifest != NULL && self->manifest->parameters > 0 && self->manifest->parameters != n)
    forget_manifest (self);
  self->parameters = n;
  if (self->config == NULL)
    borrow_architecture (self);
  if ((self->network = sf_network_open (self->config, weights, error)) == NULL)
    return FALSE;
  if (adopt_network (self, error) && adopt_variance (self, error))
    {
      load_gamma (self);
      return TRUE;
    }
  self->unexpected = NULL;
  g_clear_pointer (&self->network, sf_network_free); /* a model that was refused stays so */
  return FALSE;
}

/*** Noise process ***/

const SfNoisePreset *
sf_model_get_likely_process (const SfModel *self)
{
  g_autoptr (SfCatalogue) catalogue = sf_catalogue_new ();
  const SfCatalogueEntry *entry = sf_catalogue_find_parameters (catalogue, self->parameters);
  g_autoptr (SfScheduler) alike = entry != NULL && entry->manifest->scheduler != NULL ? sf_scheduler_new (entry->manifest->scheduler, entry->id, NULL) : NULL;
  const SfScheduler *known = self->scheduler != NULL ? self->scheduler : alike;
  int n;
  const SfNoisePreset *presets = sf_noise_presets (&n);

  for (int i = 0; known != NULL && i < n; i++)
    if (sf_noise_preset_matches (&presets[i], known->process))
      return &presets[i];
  /* Small networks that tell the variance come from guided-diffusion, which trained them so. */
  return sf_noise_preset_find (self->width > 0 && self->width <= 64 && self->out_channels == 2 * self->channels ? "cosine-1000" : "linear-1000");
}

void
sf_model_refuse_unknown_process (const SfModel *self, GError **error)
{
  int n;
  const SfNoisePreset *presets = sf_noise_presets (&n);
  g_autoptr (GString) names = g_string_new (NULL);

  for (int i = 0; i < n; i++)
    g_string_append_printf (names, i > 0 ? ", %s" : "%s", presets[i].name);
  g_set_error (error, SF_ERROR, SF_ERROR_MODEL,
               _ ("%s does not say what noise it was trained with. Give it as “noise-process”, most likely %s; possible are: %s"),
               self->label, sf_model_get_likely_process (self)->name, names->str);
}

gboolean
sf_model_set_process (SfModel *self, const char *name, GError **error)
{
  gboolean automatic = g_str_equal (name, "auto");
  const SfNoisePreset *preset = sf_noise_preset_find (name);

  if (automatic && self->scheduler != NULL)
    return TRUE;
  if (automatic)
    {
      sf_model_refuse_unknown_process (self, error);
      return FALSE;
    }
  if (preset == NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("There is no %s “%s”."), "noise-process", name);
      return FALSE;
    }
  if (self->scheduler == NULL)
    {
      self->scheduler = sf_scheduler_new (NULL, self->label, NULL);
      self->silent = TRUE;
    }
  sf_noise_process_unref (self->scheduler->process);
  self->scheduler->process = sf_noise_preset_make (preset);
  recommend (self);
  return self->network == NULL || adopt_variance (self, error);
}

gboolean
sf_model_tells_noise (const SfModel *self)
{
  return self->kind == SF_MODEL_CLASSIFIER || (self->scheduler != NULL && !self->silent);
}

/*** Use ***/

gboolean
sf_model_check_values (SfModel *self, const SfProgress *progress, GError **error)
{
  if (!g_atomic_int_get (&self->sound))
    g_atomic_int_set (&self->sound, sf_network_check_values (self->network, progress, error));
  return g_atomic_int_get (&self->sound);
}

gboolean
sf_model_check_files (const SfModel *self, GError **error)
{
  return sf_weights_check (self->network->weights, error);
}
