/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sf-golden-nets DIR [GROUP…]: the real networks among golden numbers, DIR/nets, and their sampling runs, DIR/pipelines; DIR may
 * also be one of these folders.
 */
#include <locale.h>

#include "golden-nets.h"

static const struct
{
  const char *name;
  gboolean (*run) (const char *folder, int counts[N_OUTCOMES], GError **error);
} groups[] = {
  { "nets", golden_nets_run },
  { "pipelines", golden_pipelines_run },
};

/* (transfer full): where group @i is, if it is in @folder. */
static char *
find_group (const char *folder, gsize i)
{
  g_autofree char *below = g_build_filename (folder, groups[i].name, NULL), *runs = g_build_filename (folder, "pipelines.safetensors", NULL);
  g_autofree char *here = g_build_filename (folder, "cases.json", NULL);
  gboolean of_runs = g_file_test (runs, G_FILE_TEST_EXISTS);

  if (g_file_test (here, G_FILE_TEST_EXISTS) && of_runs == g_str_equal (groups[i].name, "pipelines"))
    return g_strdup (folder);
  return g_file_test (below, G_FILE_TEST_IS_DIR) ? g_steal_pointer (&below) : NULL;
}

int
main (int argc, char **argv)
{
  int counts[N_OUTCOMES] = { 0 };

  setlocale (LC_NUMERIC, "C");
  if (argc < 2)
    {
      g_printerr ("usage: sf-golden-nets DIR [GROUP…]\n");
      return 2;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (groups); i++)
    {
      g_autofree char *folder = find_group (argv[1], i);
      g_autoptr (GError) error = NULL;

      if (folder == NULL || (argc > 2 && !g_strv_contains ((const char *const *) argv + 2, groups[i].name)))
        continue;
      if (!groups[i].run (folder, counts, &error))
        {
          printf ("FAIL %s %s\n", groups[i].name, error->message);
          counts[OUTCOME_FAILED]++;
        }
      fflush (stdout);
    }
  printf ("%d passed, %d failed, %d skipped\n", counts[OUTCOME_PASSED], counts[OUTCOME_FAILED], counts[OUTCOME_SKIPPED]);
  return counts[OUTCOME_FAILED] > 0;
}
