/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-manifest.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-description.h"

#define FORMAT "sfumato-model"
#define MAX_SIZE (4 << 20)
#define MAX_CLASSES 100000
#define MAX_SIDE 16384

/* In the order of SfModelKind. */
static const SfWord kinds[] = {
  { "diffusion", SF_MODEL_DIFFUSION },
  { "classifier", SF_MODEL_CLASSIFIER },
  { "upsampler", SF_MODEL_UPSAMPLER },
  { NULL },
};

const char *
sf_model_kind_name (SfModelKind self)
{
  return kinds[self].theirs;
}

/* (transfer full) (nullable): a small regular file's text. */
static char *
load_text (GFile *file, gsize *length, GError **error)
{
  g_autoptr (GFileInfo) info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE, G_FILE_QUERY_INFO_NONE, NULL, NULL);
  g_autofree char *name = g_file_get_parse_name (file);
  g_autoptr (GError) reason = NULL;
  char *text;

  if (info != NULL && (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR || g_file_info_get_size (info) > MAX_SIZE))
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: is no small text file"), name);
  else if (!g_file_load_contents (file, NULL, &text, length, NULL, &reason))
    g_set_error (error, SF_ERROR, SF_ERROR_MODEL, "%s: %s", name, reason->message);
  else
    return text;
  return NULL;
}

/*** Names of classes ***/

static GStrv
classes_of_lines (const char *text, const char *file, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", MAX_CLASSES + 2);
  g_autoptr (GStrvBuilder) classes = g_strv_builder_new ();

  if (!g_utf8_validate (text, -1, NULL))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_MODEL, _ ("%s: must be text in UTF-8"), file);
      return NULL;
    }
  for (int i = 0; lines[i] != NULL; i++)
    if (*g_strstrip (lines[i]) != '\0')
      g_strv_builder_add (classes, lines[i]);
  return g_strv_builder_end (classes);
}

GStrv
sf_classes_read (JsonObject *object, const char *file, GError **error)
{
  SfDescription json = { object, file };
  g_autoptr (GStrvBuilder) classes = g_strv_builder_new ();
  guint n = json_object_get_size (object);

  for (guint i = 0; i < n; i++)
    {
      char number[12];
      const char *name;

      g_snprintf (number, sizeof number, "%u", i);
      name = sf_description_text (&json, number, NULL);
      if (name == NULL)
        sf_description_refuse (&json, number, _ ("must be the name of a class"));
      else
        g_strv_builder_add (classes, name);
    }
  return sf_description_end (&json, error) ? g_strv_builder_end (classes) : NULL;
}

GStrv
sf_classes_load (GFile *file, GError **error)
{
  gsize length;
  g_autofree char *name = g_file_get_parse_name (file), *text = load_text (file, &length, error), *wrapped = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_auto (GStrv) list = NULL;
  SfDescription json = { NULL, name };

  if (text == NULL)
    return NULL;
  g_strstrip (text);
  if (*text != '[' && *text != '{')
    return classes_of_lines (text, name, error);
  wrapped = g_strdup_printf ("{\"classes\": %s}", text);
  if ((object = json.object = sf_description_parse (wrapped, -1, name, error)) == NULL)
    return NULL;
  if (*text == '{')
    return sf_classes_read (json_object_get_object_member (object, "classes"), name, error);
  list = sf_description_texts (&json, "classes");
  return sf_description_end (&json, error) ? g_steal_pointer (&list) : NULL;
}

/*** Manifests ***/

/* Names of files in a manifest must not lead anywhere else. */
static gboolean
is_name (const char *text)
{
  return *text != '\0' && strpbrk (text, "/\\") == NULL && !g_str_equal (text, "..") && !g_str_equal (text, ".");
}

static void
read_files (SfDescription *json, SfManifest *self)
{
  self->files = sf_description_texts (json, "files");
  if (self->files == NULL)
    self->files = g_strdupv ((char *[]) { self->id, NULL });
  for (char **name = self->files; *name != NULL; name++)
    if (!is_name (*name))
      sf_description_refuse (json, "files", _ ("must be names, not paths"));
}

/* A side, or width and height. */
static void
read_size (SfDescription *json, SfManifest *self)
{
  int side[2];

  if (!sf_description_sides (json, "size", MAX_SIDE, side))
    return;
  self->width = side[0];
  self->height = side[1];
}

/* A number, a list, or the name of a file beside the manifest. */
static void
read_classes (SfDescription *json, SfManifest *self, GFile *file)
{
  JsonNode *node = sf_description_has (json, "classes") ? json_object_get_member (json->object, "classes") : NULL;
  GType type = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type == G_TYPE_STRING)
    {
      g_autoptr (GFile) folder = g_file_get_parent (file);
      const char *name = json_node_get_string (node);
      g_autoptr (GFile) list = is_name (name) ? g_file_get_child (folder, name) : NULL;

      if (list == NULL)
        sf_description_refuse (json, "classes", _ ("must be the name of a file beside the manifest"));
      else
        self->classes = sf_classes_load (list, json->error == NULL ? &json->error : NULL);
    }
  else if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    self->classes = sf_description_texts (json, "classes");
  else
    self->n_classes = sf_description_int (json, "classes", 0, MAX_CLASSES, 0);
  if (self->classes != NULL)
    self->n_classes = (int) g_strv_length (self->classes);
}

static void
read_texts (SfDescription *json, SfManifest *self)
{
  self->label = g_strdup (sf_description_text (json, "label", NULL));
  self->repository = g_strdup (sf_description_text (json, "repository", NULL));
  self->publisher = g_strdup (sf_description_text (json, "publisher", NULL));
  self->license = g_strdup (sf_description_text (json, "license", NULL));
  self->trained_on = g_strdup (sf_description_text (json, "trained-on", NULL));
  self->classifier = g_strdup (sf_description_text (json, "classifier", NULL));
  if (self->repository != NULL && (*self->repository == '/' || strstr (self->repository, "..") != NULL))
    sf_description_refuse (json, "repository", _ ("must be OWNER/NAME"));
}

static JsonObject *
ref_object (JsonObject *object)
{
  return object != NULL ? json_object_ref (object) : NULL;
}

SfManifest *
sf_manifest_load (GFile *file, GError **error)
{
  gsize length;
  g_autofree char *name = g_file_get_parse_name (file), *base = g_file_get_basename (file), *text = load_text (file, &length, error);
  g_autoptr (JsonObject) object = text != NULL ? sf_description_parse (text, (gssize) length, name, error) : NULL;
  g_autoptr (GHashTable) asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  SfDescription json = { .object = object, .file = name, .asked = asked };
  g_autoptr (SfManifest) self = NULL;
  const char *unknown;

  if (object == NULL || g_strcmp0 (sf_description_text (&json, "format", NULL), FORMAT) != 0)
    {
      g_clear_error (&json.error);
      return NULL;
    }
  self = g_atomic_rc_box_new0 (SfManifest);
  self->id = g_str_has_suffix (base, ".json") ? g_strndup (base, strlen (base) - strlen (".json")) : g_strdup (base);
  read_texts (&json, self);
  self->kind = sf_description_choice (&json, "kind", kinds, SF_MODEL_DIFFUSION);
  read_files (&json, self);
  read_size (&json, self);
  self->factor = sf_description_int (&json, "factor", 2, 64, SF_UPSAMPLER_FACTOR);
  read_classes (&json, self, file);
  self->parameters = (gsize) sf_description_number (&json, "parameters", 0, 1e15, 0);
  self->null_class = sf_description_has (&json, "null-class") ? sf_description_int (&json, "null-class", -1, G_MAXINT32, -1) : G_MININT;
  self->classifier_scale = sf_description_number (&json, "classifier-scale", 0, 100, 1);
  self->steps = sf_description_int (&json, "steps", 0, 1000, 0);
  self->architecture = ref_object (sf_description_object (&json, "architecture"));
  self->scheduler = ref_object (sf_description_object (&json, "scheduler"));
  if ((unknown = sf_description_get_unknown (&json)) != NULL)
    sf_description_refuse (&json, unknown, _ ("is not known here"));
  return sf_description_end (&json, error) ? g_steal_pointer (&self) : NULL;
}

static void
manifest_clear (gpointer data)
{
  SfManifest *self = data;

  g_free (self->id);
  g_free (self->label);
  g_strfreev (self->files);
  g_free (self->repository);
  g_free (self->publisher);
  g_free (self->license);
  g_free (self->trained_on);
  g_strfreev (self->classes);
  g_free (self->classifier);
  g_clear_pointer (&self->architecture, json_object_unref);
  g_clear_pointer (&self->scheduler, json_object_unref);
}

SfManifest *
sf_manifest_ref (SfManifest *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
sf_manifest_unref (SfManifest *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, manifest_clear);
}
