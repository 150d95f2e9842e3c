/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target over the files of a folder, for compilers without libFuzzer: replay FOLDER */
#include "fuzz.h"

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;
  int n = 0;

  g_assert_cmpint (argc, ==, 2);
  dir = g_dir_open (argv[1], 0, &error);
  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (argv[1], name, NULL);
      g_autofree char *text = NULL;
      g_autofree char *data = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (path, &text, &size, NULL));
      data = g_memdup2 (text, size); /* without the byte that is added to texts */
      LLVMFuzzerTestOneInput ((const uint8_t *) data, size);
      n++;
    }
  g_print ("%d files\n", n);
  return n > 0 ? 0 : 1;
}
