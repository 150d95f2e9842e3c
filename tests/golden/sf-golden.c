/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sf-golden DIR [GROUP…]: runs every case of a folder of golden numbers, or of those groups, and counts. */
#include <locale.h>
#include <string.h>

#include "golden-private.h"

#define SF_ITEM(name) extern const GoldenGroup golden_##name;
#include "golden-list.h"
#undef SF_ITEM

static const GoldenGroup *const groups[] = {
#define SF_ITEM(name) &golden_##name,
#include "golden-list.h"
#undef SF_ITEM
};

static const GoldenGroup *
find_group (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (groups); i++)
    if (g_str_equal (groups[i]->name, name))
      return groups[i];
  return NULL;
}

/* Networks, their sampling runs and tokenizers live in folders of their own. */
static gboolean
run_group (const char *folder, const char *name, int counts[N_OUTCOMES], GError **error)
{
  g_autofree char *json_path = g_strdup_printf ("%s/%s.json", folder, name);
  g_autofree char *tensor_path = g_strdup_printf ("%s/%s.safetensors", folder, name);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GHashTable) tensors = NULL;
  g_autoptr (GHashTable) none = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GList) names = NULL;
  const GoldenGroup *group = find_group (name);
  JsonObject *root, *cases, *models;

  if (!json_parser_load_from_file (parser, json_path, error) || (tensors = golden_read_tensors (tensor_path, error)) == NULL)
    return FALSE;
  root = json_node_get_object (json_parser_get_root (parser));
  cases = json_object_get_object_member (root, "cases");
  models = json_object_has_member (root, "models") ? json_object_get_object_member (root, "models") : NULL;
  names = json_object_get_members (cases);
  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonObject *description = json_object_get_object_member (cases, l->data);
      const char *model = json_object_get_string_member_with_default (description, "eps_model", NULL);
      GHashTable *own = g_hash_table_lookup (tensors, l->data);

      if (group == NULL)
        {
          printf ("FAIL %s %s unknown group\n", name, (char *) l->data);
          counts[OUTCOME_FAILED]++;
          continue;
        }
      counts[case_run (group, l->data, description, model != NULL && models != NULL ? json_object_get_object_member (models, model) : NULL,
                       own != NULL ? own : none, stdout)]++;
      fflush (stdout);
    }
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* (transfer full): the groups of a folder, sorted. */
static GPtrArray *
list_groups (const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".json") && !g_str_equal (name, "cases.json"))
      g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (".json")));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* Those are for sf-golden-nets. */
static gboolean
has_networks (const char *folder)
{
  static const char *const below[] = { "cases.json", "nets", "pipelines" };

  for (gsize i = 0; i < G_N_ELEMENTS (below); i++)
    {
      g_autofree char *path = g_build_filename (folder, below[i], NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return TRUE;
    }
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  int counts[N_OUTCOMES] = { 0 };

  setlocale (LC_NUMERIC, "C");
  if (argc < 2)
    {
      g_printerr ("usage: sf-golden DIR [GROUP…]\n");
      return 2;
    }
  names = list_groups (argv[1], &error);
  if (error == NULL && names->len == 0 && !has_networks (argv[1]))
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s holds no groups (GROUP.json with GROUP.safetensors)", argv[1]);
  for (guint i = 0; i < names->len && error == NULL; i++)
    if (argc == 2 || g_strv_contains ((const char *const *) argv + 2, names->pdata[i]))
      run_group (argv[1], names->pdata[i], counts, &error);
  if (error != NULL)
    {
      g_printerr ("sf-golden: %s\n", error->message);
      counts[OUTCOME_FAILED]++;
    }
  printf ("%d passed, %d failed, %d skipped\n", counts[OUTCOME_PASSED], counts[OUTCOME_FAILED], counts[OUTCOME_SKIPPED]);
  return counts[OUTCOME_FAILED] > 0;
}
