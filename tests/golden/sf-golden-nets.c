/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sf-golden-nets DIR: the folders of real networks among the golden numbers, in the arithmetic that is shipped. */
#include <locale.h>

#include "golden-private.h"

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int counts[N_OUTCOMES] = { 0 };

  setlocale (LC_NUMERIC, "C");
  if (argc != 2)
    {
      g_printerr ("usage: sf-golden-nets DIR\n");
      return 2;
    }
  if (!golden_pipelines_run (argv[1], counts, &error))
    {
      g_printerr ("sf-golden-nets: %s\n", error->message);
      counts[OUTCOME_FAILED]++;
    }
  printf ("%d passed, %d failed, %d skipped\n", counts[OUTCOME_PASSED], counts[OUTCOME_FAILED], counts[OUTCOME_SKIPPED]);
  return counts[OUTCOME_FAILED] > 0;
}
