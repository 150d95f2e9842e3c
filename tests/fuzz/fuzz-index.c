/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The index is the input; beside it lie two parts, "a" and "b", with an array of the same name each. */
#include "fuzz.h"

#include <glib/gstdio.h>

static const char *const parts[] = { "a", "b" };
static char *folder;

static void
remove_folder (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *path = g_build_filename (folder, parts[i], NULL);

      g_remove (path);
    }
  g_rmdir (folder);
}

static const char *
get_path (void)
{
  static char *path;
  static const float x[] = { 1, 2, 3 };
  const SfArray array = { .dtype = SF_DTYPE_F32, .n_dims = 1, .dim = { 3 }, .n = 3, .data = x };

  if (path != NULL)
    return path;
  folder = g_dir_make_tmp (NULL, NULL);
  g_assert_nonnull (folder);
  atexit (remove_folder);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *part = g_build_filename (folder, parts[i], NULL);

      g_assert_true (sf_weights_write_safetensors (part, &parts[i], &array, 1, NULL, NULL));
    }
  path = g_build_filename (folder, "model.index.json", NULL);
  return path;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  return fuzz_read ("index", get_path (), data, size);
}
