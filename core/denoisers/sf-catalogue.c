/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-catalogue.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-model-files.h"

GResource *sf_models_get_resource (void); /* generated from models/ */

#define BUILT_IN "resource:///sfumato/models"

/*** Entries ***/

static void
entry_free (gpointer data)
{
  SfCatalogueEntry *entry = data;

  g_free (entry->id);
  sf_manifest_unref (entry->manifest);
  g_free (entry->fault);
  g_free (entry->path);
  g_strfreev (entry->missing);
  g_free (entry);
}

const char *
sf_catalogue_entry_get_label (const SfCatalogueEntry *self)
{
  return self->manifest != NULL && self->manifest->label != NULL ? self->manifest->label : self->id;
}

static SfCatalogueEntry *
find (const SfCatalogue *self, const char *id)
{
  for (guint i = 0; i < self->entries->len; i++)
    {
      SfCatalogueEntry *entry = self->entries->pdata[i];

      if (g_strcmp0 (entry->id, id) == 0)
        return entry;
    }
  return NULL;
}

const SfCatalogueEntry *
sf_catalogue_find (const SfCatalogue *self, const char *id)
{
  return find (self, id);
}

/* @manifest: (transfer full).  The first of a name stays. */
static SfCatalogueEntry *
add (SfCatalogue *self, const char *id, SfManifest *manifest)
{
  SfCatalogueEntry *entry;

  if (find (self, id) != NULL)
    {
      sf_manifest_unref (manifest);
      return NULL;
    }
  entry = g_new0 (SfCatalogueEntry, 1);
  entry->id = g_strdup (id);
  entry->manifest = manifest;
  g_ptr_array_add (self->entries, entry);
  return entry;
}

/*** Reading manifests ***/

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* (transfer full): names in @folder that end in @suffix, in order. */
static GPtrArray *
list_names (GFile *folder, const char *suffix)
{
  g_autoptr (GFileEnumerator) children = g_file_enumerate_children (folder, G_FILE_ATTRIBUTE_STANDARD_NAME, G_FILE_QUERY_INFO_NONE, NULL, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GFileInfo *info;

  while (children != NULL && g_file_enumerator_iterate (children, &info, NULL, NULL, NULL) && info != NULL)
    if (g_str_has_suffix (g_file_info_get_name (info), suffix))
      g_ptr_array_add (names, g_strdup (g_file_info_get_name (info)));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* @manifest: (transfer full) (nullable): else @error says what is wrong in the file @name, if it is meant as one. */
static void
add_manifest (SfCatalogue *self, const char *name, SfManifest *manifest, const GError *error)
{
  SfCatalogueEntry *entry = manifest != NULL ? add (self, manifest->id, manifest) : error != NULL ? add (self, name, NULL)
                                                                                                  : NULL;

  if (entry != NULL && error != NULL)
    entry->fault = g_strdup (error->message);
}

static void
read_manifests (SfCatalogue *self, const char *folder)
{
  g_autoptr (GFile) location = g_file_new_for_path (folder);
  g_autoptr (GPtrArray) names = list_names (location, ".json");

  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GFile) file = g_file_get_child (location, names->pdata[i]);
      g_autoptr (GError) error = NULL;
      SfManifest *manifest = sf_manifest_load (file, &error);

      add_manifest (self, names->pdata[i], manifest, error);
    }
}

/* (transfer none) (element-type SfManifest): read once. */
static GPtrArray *
built_in_manifests (void)
{
  static GPtrArray *manifests;

  if (g_once_init_enter (&manifests))
    {
      GPtrArray *made = g_ptr_array_new ();
      g_autoptr (GFile) location = g_file_new_for_uri (BUILT_IN);
      g_autoptr (GPtrArray) names = NULL;

      sf_models_get_resource (); /* which links it in; it is there from the start of the program */
      names = list_names (location, ".json");
      for (guint i = 0; i < names->len; i++)
        {
          g_autoptr (GFile) file = g_file_get_child (location, names->pdata[i]);

          g_ptr_array_add (made, sf_manifest_load (file, NULL));
        }
      g_once_init_leave (&manifests, made);
    }
  return manifests;
}

/*** Finding models ***/

/* (nullable) (transfer full): @name in @folder, also with another suffix of checkpoints. */
static char *
locate_name (const char *folder, const char *name)
{
  static const char *const suffixes[] = { "", ".safetensors", ".pt", ".pth", ".ckpt" };
  const char *dot = strrchr (name, '.');

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      gboolean swap = *suffixes[i] != '\0' && dot != NULL && g_str_has_prefix (dot, ".pt"); /* 64x64_diffusion.pt -> .safetensors */
      g_autofree char *stem = swap ? g_strndup (name, (gsize) (dot - name)) : g_strdup (name);
      g_autofree char *other = g_strconcat (stem, suffixes[i], NULL), *path = g_build_filename (folder, other, NULL);

      if (sf_model_files_probe (path))
        return g_steal_pointer (&path);
    }
  return NULL;
}

/* FOLDER/models--OWNER--NAME/snapshots/REVISION */
static char *
locate_snapshot (const char *folder, const char *repository)
{
  g_auto (GStrv) words = g_strsplit (repository, "/", -1);
  g_autofree char *joined = g_strjoinv ("--", words), *name = g_strconcat ("models--", joined, NULL);
  g_autofree char *path = g_build_filename (folder, name, "snapshots", NULL);
  g_autoptr (GFile) snapshots = g_file_new_for_path (path);
  g_autoptr (GPtrArray) revisions = list_names (snapshots, "");

  for (guint i = 0; i < revisions->len; i++)
    {
      g_autofree char *revision = g_build_filename (path, revisions->pdata[i], NULL);

      if (sf_model_files_probe (revision))
        return g_steal_pointer (&revision);
    }
  return NULL;
}

static char *
locate (const SfManifest *manifest, const char *folder)
{
  char *path = NULL;

  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    return NULL;
  for (char **name = manifest->files; path == NULL && *name != NULL; name++)
    path = locate_name (folder, *name);
  if (path == NULL && manifest->repository != NULL)
    path = locate_name (folder, manifest->repository);
  if (path == NULL && manifest->repository != NULL)
    path = locate_snapshot (folder, manifest->repository);
  return path;
}

static gboolean
is_listed (const SfCatalogue *self, const char *path)
{
  for (guint i = 0; i < self->entries->len; i++)
    if (g_strcmp0 (((SfCatalogueEntry *) self->entries->pdata[i])->path, path) == 0)
      return TRUE;
  return FALSE;
}

/* Models in @folder that no manifest speaks of. */
static void
add_unknown (SfCatalogue *self, const char *folder)
{
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  g_autoptr (GPtrArray) names = list_names (file, "");

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL), *id = g_filename_display_name (names->pdata[i]);
      SfCatalogueEntry *entry;

      if (!is_listed (self, path) && sf_model_files_probe (path) && (entry = add (self, id, NULL)) != NULL)
        entry->path = g_steal_pointer (&path);
    }
}

static void
list_missing (SfCatalogueEntry *entry)
{
  g_autoptr (SfModelFiles) files = entry->path != NULL ? sf_model_files_new (entry->path, NULL) : NULL;

  entry->missing = files != NULL ? g_strdupv (files->missing) : entry->manifest != NULL && entry->path == NULL ? g_strdupv (entry->manifest->files)
                                                                                                               : g_new0 (char *, 1);
}

static GStrv
list_folders (void)
{
  g_autoptr (GStrvBuilder) folders = g_strv_builder_new ();
  g_autofree char *own = g_build_filename (g_get_user_data_dir (), "sfumato", "models", NULL);
  g_auto (GStrv) path = g_strsplit (g_getenv ("SFUMATO_MODELS") != NULL ? g_getenv ("SFUMATO_MODELS") : "", G_SEARCHPATH_SEPARATOR_S, -1);

  for (char **folder = path; *folder != NULL; folder++)
    if (**folder != '\0')
      g_strv_builder_add (folders, *folder);
  g_strv_builder_add (folders, own);
  return g_strv_builder_end (folders);
}

static gint
compare_entries (gconstpointer a, gconstpointer b)
{
  const SfCatalogueEntry *const *first = a, *const *second = b;

  return strcmp ((*first)->id, (*second)->id);
}

SfCatalogue *
sf_catalogue_new (void)
{
  SfCatalogue *self = g_new0 (SfCatalogue, 1);
  GPtrArray *built_in = built_in_manifests ();

  self->folders = list_folders ();
  self->entries = g_ptr_array_new_with_free_func (entry_free);
  for (char **folder = self->folders; *folder != NULL; folder++)
    read_manifests (self, *folder);
  for (guint i = 0; i < built_in->len; i++)
    add_manifest (self, NULL, sf_manifest_ref (built_in->pdata[i]), NULL);
  for (guint i = 0; i < self->entries->len; i++)
    {
      SfCatalogueEntry *entry = self->entries->pdata[i];

      for (char **folder = self->folders; entry->manifest != NULL && entry->path == NULL && *folder != NULL; folder++)
        entry->path = locate (entry->manifest, *folder);
    }
  for (char **folder = self->folders; *folder != NULL; folder++)
    add_unknown (self, *folder);
  for (guint i = 0; i < self->entries->len; i++)
    list_missing (self->entries->pdata[i]);
  g_ptr_array_sort (self->entries, compare_entries);
  return self;
}

void
sf_catalogue_free (SfCatalogue *self)
{
  if (self == NULL)
    return;
  g_strfreev (self->folders);
  g_ptr_array_unref (self->entries);
  g_free (self);
}

/*** Questions ***/

const SfCatalogueEntry *
sf_catalogue_find_path (const SfCatalogue *self, const char *path)
{
  g_autofree char *name = g_path_get_basename (path);

  for (guint i = 0; i < self->entries->len; i++)
    {
      const SfCatalogueEntry *entry = self->entries->pdata[i];

      if (entry->manifest != NULL && (g_strcmp0 (entry->path, path) == 0 || g_strv_contains ((const char *const *) entry->manifest->files, name)))
        return entry;
    }
  return NULL;
}

const SfCatalogueEntry *
sf_catalogue_find_parameters (const SfCatalogue *self, gsize parameters)
{
  for (guint i = 0; parameters > 0 && i < self->entries->len; i++)
    {
      const SfCatalogueEntry *entry = self->entries->pdata[i];

      if (entry->manifest != NULL && entry->manifest->parameters == parameters)
        return entry;
    }
  return NULL;
}

static gboolean
is_present (const SfCatalogueEntry *entry)
{
  return entry->path != NULL && entry->missing[0] == NULL;
}

char *
sf_catalogue_list_present (const SfCatalogue *self)
{
  GString *ids = g_string_new ("patch");

  for (guint i = 0; i < self->entries->len; i++)
    if (is_present (self->entries->pdata[i]))
      g_string_append_printf (ids, ", %s", ((const SfCatalogueEntry *) self->entries->pdata[i])->id);
  return g_string_free (ids, FALSE);
}

static void
refuse_missing (const SfCatalogue *self, const SfCatalogueEntry *entry, GError **error)
{
  g_autofree char *files = g_strjoinv (", ", entry->missing), *folders = g_strjoinv (", ", self->folders);
  const SfManifest *manifest = entry->manifest;

  if (entry->fault != NULL)
    g_set_error_literal (error, SF_ERROR, SF_ERROR_MODEL, entry->fault);
  else if (entry->path != NULL)
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("The model “%s” is not complete: %s is missing in %s"), entry->id, files, entry->path);
  else if (manifest->repository != NULL)
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("The model “%s” is known but not here: put %s, which its authors publish as %s, into one of %s"),
                 entry->id, files, manifest->repository, folders);
  else
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("The model “%s” is known but not here: put %s into one of %s"), entry->id, files, folders);
}

char *
sf_catalogue_resolve (const SfCatalogue *self, const char *model, GError **error)
{
  const SfCatalogueEntry *entry = find (self, model);
  g_autofree char *present = NULL;

  if (entry != NULL && is_present (entry))
    return g_strdup (entry->path);
  if (*model != '\0' && g_file_test (model, G_FILE_TEST_EXISTS))
    return g_strdup (model);
  if (entry != NULL)
    {
      refuse_missing (self, entry, error);
      return NULL;
    }
  present = sf_catalogue_list_present (self);
  g_set_error (error, SF_ERROR, SF_ERROR_MODEL,
               _ ("Unknown model “%s”: it is neither in the catalogue nor a file. Models that are here: %s"), model, present);
  return NULL;
}
