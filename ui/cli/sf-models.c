/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-models.h"

#include "sf-config.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "sf-facts.h"

gboolean
sf_models_know (const char *name)
{
  g_autoptr (SfCatalogue) catalogue = sf_catalogue_new ();

  return sf_catalogue_find (catalogue, name) != NULL || g_file_test (name, G_FILE_TEST_IS_DIR) || sf_model_files_probe (name);
}

static char *
format_size (int width, int height)
{
  return g_strdup_printf ("%d × %d", width, height);
}

/* With a separator of thousands, as the language has it. */
static char *
format_count (gsize n)
{
  return g_strdup_printf ("%'" G_GSIZE_FORMAT, n);
}

/*** What is known beforehand ***/

static void
tell_manifest (SfFacts *facts, const SfManifest *manifest)
{
  g_autofree char *published = manifest->repository == NULL || manifest->publisher == NULL ? g_strdup (manifest->repository)
                                                                                           : g_strdup_printf ("%s (%s)", manifest->repository, manifest->publisher);

  sf_facts_add (facts, "published", _ ("published as"), published);
  sf_facts_add (facts, "license", _ ("license"), manifest->license);
  sf_facts_add (facts, "trained-on", _ ("trained on"), manifest->trained_on);
}

static void
tell_size (SfFacts *facts, int width, int height, gsize parameters)
{
  g_autofree char *size = format_size (width, height), *count = format_count (parameters);

  if (width > 0)
    {
      sf_facts_add_number (facts, "width", NULL, width, "");
      sf_facts_add_number (facts, "height", NULL, height, "");
      sf_facts_add (facts, "size", _ ("size"), size);
    }
  if (parameters > 0)
    sf_facts_add_number (facts, "parameters", _ ("parameters"), (double) parameters, count);
}

/* What an upsampler is for. */
static void
tell_factor (SfFacts *facts, SfModelKind kind, int factor)
{
  g_autofree char *use = g_strdup_printf (_ ("regenerate, where a picture was enlarged %d times and lacks detail"), factor);

  if (kind == SF_MODEL_UPSAMPLER)
    sf_facts_add_number (facts, "factor", _ ("made to"), factor, use);
}

/* The number, and the first few names. */
static void
tell_classes (SfFacts *facts, int n, GStrv names)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%d", n);
  for (int i = 0; names != NULL && i < MIN (n, 5); i++)
    g_string_append_printf (text, i > 0 ? ", %s" : ": %s", names[i]);
  if (names != NULL && n > 5)
    g_string_append (text, ", …");
  sf_facts_add_number (facts, "classes", n > 0 ? _ ("classes") : NULL, n, text->str);
  sf_facts_add_list (facts, "class-names", NULL, (const char *const *) names);
}

/*** What is in it ***/

static void
tell_network (SfFacts *facts, const SfModel *model)
{
  g_autofree char *channels = g_strdup_printf (_ ("%d in, %d out"), model->in_channels, model->out_channels);
  g_autofree char *sides = g_strdup_printf (_ ("multiples of %d"), model->divisor);

  sf_facts_add (facts, "architecture", _ ("network"), model->architecture);
  sf_facts_add_number (facts, "in-channels", NULL, model->in_channels, "");
  sf_facts_add_number (facts, "out-channels", _ ("channels"), model->out_channels, channels);
  sf_facts_add_number (facts, "divisor", _ ("sides"), model->divisor, sides);
  if (model->unexpected != NULL && *model->unexpected != NULL)
    sf_facts_add_list (facts, "unexpected", _ ("not used"), model->unexpected);
}

static char *
describe_process (const SfNoiseProcess *process)
{
  int n;
  const SfNoisePreset *presets = sf_noise_presets (&n);

  for (int i = 0; i < n; i++)
    if (sf_noise_preset_matches (&presets[i], process))
      return g_strdup (_ (presets[i].label));
  if (process->kind != NULL)
    return g_strdup (_ (process->kind->label));
  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d step", "%d steps", process->n), process->n);
}

static const char *
variance_name (const SfScheduler *scheduler)
{
  return scheduler->variance == SF_VARIANCE_LEARNED ? "learned" : scheduler->variance == SF_VARIANCE_LEARNED_RANGE ? "learned-range"
                                                              : scheduler->fixed_large                             ? "fixed-large"
                                                                                                                   : "fixed-small";
}

static void
tell_process (SfFacts *facts, const SfModel *model)
{
  const SfScheduler *scheduler = model->scheduler;
  g_autofree char *noise = scheduler != NULL ? describe_process (scheduler->process) : NULL;
  g_autofree char *recommended = NULL, *likely = NULL;

  if (model->kind == SF_MODEL_CLASSIFIER)
    return;
  if (scheduler == NULL)
    {
      const char *name = sf_model_get_likely_process (model)->name;

      likely = g_strdup_printf (_ ("not known; most likely %s (see noise-process)"), name);
      sf_facts_add (facts, "likely-noise-process", NULL, name);
      sf_facts_add (facts, NULL, _ ("noise"), likely);
      return;
    }
  recommended = g_strdup_printf (_ ("%d steps, sampler %s, schedule %s"), model->steps, model->sampler, model->schedule);
  sf_facts_add (facts, "noise-process", _ ("noise"), noise);
  sf_facts_add (facts, "prediction", _ ("prediction"), sf_prediction_name (scheduler->prediction));
  sf_facts_add (facts, "variance", _ ("variance"), variance_name (scheduler));
  sf_facts_add (facts, "recommended", _ ("recommended"), recommended);
}

/* FALSE where the network cannot take its own size. */
static gboolean
tell_cost (SfFacts *facts, const SfModel *model, GError **error)
{
  int width = model->width > 0 ? model->width : model->divisor, height = model->height > 0 ? model->height : model->divisor;
  g_autofree char *size = format_size (width, height), *weights = NULL, *packed = NULL, *activations = NULL, *memory = NULL;
  SfModelCost cost;

  if (!sf_model_measure (model, height, width, &cost, error))
    return FALSE;
  weights = g_format_size (cost.weights);
  packed = g_format_size (cost.packed);
  activations = g_format_size (cost.activations);
  memory = g_strdup_printf (_ ("%s of weights, %s packed, %s at %s"), weights, packed, activations, size);
  sf_facts_add (facts, "memory", _ ("memory"), memory);
  sf_facts_add_number (facts, "weights-bytes", NULL, (double) cost.weights, "");
  sf_facts_add_number (facts, "packed-bytes", NULL, (double) cost.packed, "");
  sf_facts_add_number (facts, "activations-bytes", NULL, (double) cost.activations, "");
  sf_facts_add_number (facts, "operations", NULL, cost.work, "");
  return TRUE;
}

static gboolean
tell_model (SfFacts *facts, const char *name, GError **error)
{
  g_autoptr (SfModel) model = sf_model_new (name, error);
  g_autoptr (GError) reason = NULL;
  gboolean usable;

  if (model == NULL || !sf_model_load (model, NULL, error))
    return FALSE;
  sf_facts_add (facts, "name", _ ("model"), model->id != NULL ? model->id : name);
  sf_facts_add (facts, "label", _ ("what it is"), model->label);
  sf_facts_add (facts, "kind", _ ("kind"), sf_model_kind_name (model->kind));
  tell_factor (facts, model->kind, model->factor);
  sf_facts_add (facts, "path", _ ("file"), model->files->weights);
  if (model->manifest != NULL)
    tell_manifest (facts, model->manifest);
  tell_size (facts, model->width, model->height, model->parameters);
  tell_network (facts, model);
  tell_classes (facts, model->n_classes, model->classes);
  tell_process (facts, model);
  sf_facts_add (facts, "classifier", _ ("classifier"), model->classifier);
  sf_facts_add (facts, "gamma", _ ("Analytic-DPM"), model->gamma != NULL ? model->files->gamma : NULL);
  sf_facts_add (facts, "gamma-fault", _ ("Analytic-DPM"), model->gamma_error != NULL ? model->gamma_error->message : NULL);
  usable = tell_cost (facts, model, &reason) && sf_model_check_usable (model, &reason) && sf_model_check_values (model, NULL, &reason);
  sf_facts_add_flag (facts, "usable", usable);
  sf_facts_add (facts, "reason", _ ("cannot be used"), reason != NULL ? reason->message : NULL);
  sf_facts_add (facts, "ready", _ ("ready to use"), usable ? _ ("yes") : NULL);
  return TRUE;
}

/* Of a model that is known and not here, or not whole. */
static void
tell_absent (SfFacts *facts, const SfCatalogueEntry *entry, const SfCatalogue *catalogue)
{
  const SfManifest *manifest = entry->manifest;

  sf_facts_add (facts, "name", _ ("model"), entry->id);
  sf_facts_add (facts, "label", _ ("what it is"), sf_catalogue_entry_get_label (entry));
  sf_facts_add (facts, "kind", _ ("kind"), sf_model_kind_name (manifest->kind));
  tell_factor (facts, manifest->kind, manifest->factor);
  tell_manifest (facts, manifest);
  tell_size (facts, manifest->width, manifest->height, manifest->parameters);
  tell_classes (facts, manifest->n_classes, manifest->classes);
  sf_facts_add_flag (facts, "usable", FALSE);
  sf_facts_add_list (facts, "missing", _ ("missing"), (const char *const *) entry->missing);
  sf_facts_add_list (facts, "folders", _ ("looked for in"), (const char *const *) catalogue->folders);
}

gboolean
sf_models_info (const char *name, gboolean json, GError **error)
{
  g_autoptr (SfCatalogue) catalogue = sf_catalogue_new ();
  const SfCatalogueEntry *entry = sf_catalogue_find (catalogue, name);
  g_autoptr (SfFacts) facts = sf_facts_new ();

  if (entry != NULL && entry->manifest != NULL && entry->missing[0] != NULL)
    tell_absent (facts, entry, catalogue);
  else if (!tell_model (facts, name, error))
    return FALSE;
  sf_facts_print (facts, json);
  return TRUE;
}

/*** The list ***/

/* What is told of a model in one line. */
static char *
describe_entry (const SfCatalogueEntry *entry)
{
  g_autofree char *missing = g_strjoinv (", ", entry->missing);

  if (entry->fault != NULL)
    return g_strdup (entry->fault);
  if (entry->missing[0] == NULL)
    return g_strdup (entry->path);
  if (entry->path != NULL)
    return g_strdup_printf (_ ("%s is missing in %s"), missing, entry->path);
  return entry->manifest->repository != NULL ? g_strdup_printf (_ ("not here (%s, published as %s)"), missing, entry->manifest->repository)
                                             : g_strdup_printf (_ ("not here (%s)"), missing);
}

static void
add_row (JsonBuilder *builder, const char *name, const char *label, const char *description, gboolean present, GStrv missing)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "name");
  json_builder_add_string_value (builder, name);
  json_builder_set_member_name (builder, "label");
  json_builder_add_string_value (builder, label);
  json_builder_set_member_name (builder, "description");
  json_builder_add_string_value (builder, description);
  json_builder_set_member_name (builder, "present");
  json_builder_add_boolean_value (builder, present);
  if (missing != NULL)
    {
      json_builder_set_member_name (builder, "missing");
      json_builder_begin_array (builder);
      for (; *missing != NULL; missing++)
        json_builder_add_string_value (builder, *missing);
      json_builder_end_array (builder);
    }
  json_builder_end_object (builder);
}

/* Those that are here come first. */
static void
list_entries (JsonBuilder *builder, const SfCatalogue *catalogue, gboolean present)
{
  gboolean heading = builder == NULL && isatty (STDOUT_FILENO);

  for (guint i = 0; i < catalogue->entries->len; i++)
    {
      const SfCatalogueEntry *entry = catalogue->entries->pdata[i];
      g_autofree char *description = describe_entry (entry);
      const char *label = sf_catalogue_entry_get_label (entry);

      if ((entry->path != NULL && entry->missing[0] == NULL) != present)
        continue;
      if (heading)
        g_print ("\n%s\n", present ? _ ("Here") : _ ("Known, but not here"));
      heading = FALSE;
      if (builder != NULL)
        add_row (builder, entry->id, label, description, present, entry->missing);
      else
        g_print ("%-36s %s: %s\n", entry->id, label, description);
    }
}

void
sf_models_list (gboolean json)
{
  g_autoptr (SfCatalogue) catalogue = sf_catalogue_new ();
  g_autoptr (JsonBuilder) builder = json ? json_builder_new () : NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;
  int n;
  const SfEngineInfo *const *engines = sf_engines (&n);

  if (json)
    json_builder_begin_array (builder);
  for (int i = 0; i < n; i++)
    if (sf_engine_find_model (engines[i]->name) == NULL)
      continue;
    else if (json)
      add_row (builder, engines[i]->name, _ (engines[i]->label), _ (engines[i]->description), TRUE, NULL);
    else
      g_print ("%-36s %s: %s\n", engines[i]->name, _ (engines[i]->label), _ (engines[i]->description));
  list_entries (builder, catalogue, TRUE);
  list_entries (builder, catalogue, FALSE);
  if (!json)
    return;
  json_builder_end_array (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}
