/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sf-golden-nets DIR [GROUP…]: the real networks among golden numbers, DIR/nets, and their sampling runs, DIR/pipelines. */
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
      g_autofree char *folder = g_build_filename (argv[1], groups[i].name, NULL);
      g_autoptr (GError) error = NULL;

      if ((argc > 2 && !g_strv_contains ((const char *const *) argv + 2, groups[i].name)) || !g_file_test (folder, G_FILE_TEST_IS_DIR))
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
