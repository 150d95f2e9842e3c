/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may include whom.  Every #include in the tree is compared with the two tables below; what they do not allow
 * fails, with the file and the line.
 *
 * Usage: test-layers SOURCE-FOLDER
 */
#include <gio/gio.h>
#include <string.h>

#define MOST 8

/* Our own headers: @folder may include its own, and those whose path begins with one of @below.  Arrows point down. */
static const struct
{
  const char *folder;
  const char *below[MOST];
} layers[] = {
  { "core/base", { NULL } },
  { "core/kernels", { "core/base/" } },
  { "core/tensor", { "core/kernels/", "core/base/" } },
  { "core/diffusion", { "core/tensor/", "core/base/" } },
  { "core/denoisers", { "core/diffusion/", "core/tensor/", "core/kernels/", "core/base/" } },
  { "core/train", { "core/denoisers/", "core/diffusion/", "core/tensor/", "core/base/" } },
  { "core/pipeline", { "core/denoisers/", "core/diffusion/", "core/tensor/", "core/kernels/", "core/base/" } },
  { "core", { "core/pipeline/", "core/denoisers/", "core/diffusion/", "core/tensor/", "core/base/" } }, /* sfumato.h */
  { "ui/gegl", { "core/sfumato.h" } },
  { "ui/cli", { "ui/gegl/", "core/sfumato.h" } },
  { "ui/gtk", { "core/sfumato.h" } },
  { "plugin", { "ui/gtk/", "ui/gegl/", "core/sfumato.h" } },
};

/* Libraries: a header that begins with @header may be included by paths that begin with one of @users.
 * What is not in this table (C, POSIX, GLib) is free to all.
 */
static const struct
{
  const char *header;
  const char *users[MOST];
} libraries[] = {
  { "cblas", { "core/kernels/sf-blas.c" } },
  { "openblas", { "core/kernels/sf-blas.c" } },
  { "immintrin", { "core/kernels/" } },
  { "json-glib/", { "core/denoisers/", "core/pipeline/", "ui/cli/" } },
  { "gegl", { "ui/gegl/", "ui/cli/", "plugin/" } },
  { "babl/", { "ui/gegl/", "ui/cli/", "plugin/" } },
  { "gexiv2/", { "ui/cli/" } },
  { "gtk/", { "ui/gtk/", "plugin/" } },
  { "gdk", { "ui/gtk/", "plugin/" } },
  { "cairo", { "ui/gtk/", "plugin/" } },
  { "pango", { "ui/gtk/", "plugin/" } },
  { "libgimp", { "ui/gtk/", "plugin/" } },
};

/* Written by meson: settings of the build, and lists of names. */
static gboolean
is_generated (const char *header)
{
  return g_str_equal (header, "sf-config.h") || g_str_has_suffix (header, "-list.h");
}

static gboolean
begins_with_one (const char *path, const char *const *prefixes)
{
  for (int i = 0; i < MOST && prefixes[i] != NULL; i++)
    if (g_str_has_prefix (path, prefixes[i]))
      return TRUE;
  return FALSE;
}

/* Where @header, as included from @folder, lies in the tree: found as the compiler finds it. */
static char *
resolve (const char *root, const char *folder, const char *header)
{
  const char *folders[] = { folder, "core", "ui/gtk", "ui/gegl", "ui/cli", "plugin" };

  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (folders[i], header, NULL);
      g_autofree char *full = g_build_filename (root, path, NULL);

      if (g_file_test (full, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  return NULL;
}

/* (nullable): what is wrong with including our @header from the file @path. */
static char *
judge_own (const char *root, const char *path, const char *header)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *target = is_generated (header) ? g_strdup (header) : resolve (root, folder, header);
  g_autofree char *target_folder = target != NULL ? g_path_get_dirname (target) : NULL;

  if (target == NULL)
    return g_strdup ("is nowhere in the tree");
  if (strstr (target, "..") != NULL)
    return g_strdup ("leaves its folder by \"..\"");
  if (g_str_equal (target, "sf-config.h") || g_str_equal (target_folder, folder))
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (layers); i++)
    if (g_str_equal (layers[i].folder, folder))
      {
        g_autofree char *in_core = g_strconcat ("core/", target, NULL); /* of a generated list */

        if (is_generated (header) && g_str_has_prefix (in_core, folder))
          return NULL;
        return begins_with_one (target, layers[i].below) ? NULL : g_strdup ("points up or sideways");
      }
  return g_strdup ("is in a folder that the table of layers lacks");
}

static char *
judge_library (const char *path, const char *header)
{
  for (gsize i = 0; i < G_N_ELEMENTS (libraries); i++)
    if (g_str_has_prefix (header, libraries[i].header) && !begins_with_one (path, libraries[i].users))
      return g_strdup ("is a library that this layer must not know");
  return NULL;
}

/* Reads the #includes of the file @path, reports the forbidden ones and returns how many there are in all. */
static int
check_file (const char *root, const char *path)
{
  static GRegex *include;
  g_autofree char *full = g_build_filename (root, path, NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;
  int n = 0;

  if (include == NULL)
    include = g_regex_new ("^\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"]", G_REGEX_OPTIMIZE, 0, NULL);
  g_assert_true (g_file_get_contents (full, &text, NULL, &error));
  lines = g_strsplit (text, "\n", -1);
  for (int i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (GMatchInfo) match = NULL;
      g_autofree char *kind = NULL;
      g_autofree char *header = NULL;
      g_autofree char *fault = NULL;

      if (!g_regex_match (include, lines[i], 0, &match))
        continue;
      kind = g_match_info_fetch (match, 1);
      header = g_match_info_fetch (match, 2);
      fault = *kind == '"' ? judge_own (root, path, header) : judge_library (path, header);
      if (fault != NULL)
        g_test_fail_printf ("%s:%d: %s %s", path, i + 1, header, fault);
      n++;
    }
  return n;
}

static int
check_folder (const char *root, const char *folder)
{
  g_autofree char *full = g_build_filename (root, folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (full, 0, NULL);
  const char *name;
  int n = 0;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *inside = g_build_filename (root, path, NULL);

      if (g_file_test (inside, G_FILE_TEST_IS_DIR))
        n += check_folder (root, path);
      else if (g_str_has_suffix (name, ".c") || g_str_has_suffix (name, ".h"))
        n += check_file (root, path);
    }
  return n;
}

static const char *root;

static void
test_tree (gconstpointer folder)
{
  g_assert_cmpint (check_folder (root, folder), >, 10);
}

/* A test of the test: what must be refused is refused, what is right is not. */
static void
test_rules (void)
{
  static const struct
  {
    const char *path, *header;
    gboolean own, allowed;
  } rows[] = {
    { "core/diffusion/sf-sampler.c", "base/sf-parallel.h", TRUE, TRUE },
    { "core/diffusion/sf-sampler.c", "diffusion/sf-sampler-list.h", TRUE, TRUE },
    { "core/diffusion/sf-sampler.c", "denoisers/sf-engine.h", TRUE, FALSE },
    { "core/diffusion/sf-sampler.c", "kernels/sf-kernels.h", TRUE, FALSE },
    { "core/diffusion/sf-sampler.c", "kernels/sf-kernels-list.h", TRUE, FALSE },
    { "core/base/sf-rng.c", "tensor/sf-tensor.h", TRUE, FALSE },
    { "core/base/sf-rng.c", "sfumato.h", TRUE, FALSE },
    { "core/base/sf-rng.c", "../tensor/sf-tensor.h", TRUE, FALSE },
    { "core/train/sf-loss.c", "diffusion/sf-bound.h", TRUE, TRUE },
    { "core/train/sf-loss.c", "pipeline/sf-job.h", TRUE, FALSE },
    { "core/diffusion/sf-bound.c", "train/sf-loss.h", TRUE, FALSE },
    { "core/pipeline/sf-settings.c", "sf-dialog.h", TRUE, FALSE },
    { "core/pipeline/sf-settings.c", "no-such-file.h", TRUE, FALSE },
    { "core/newcomer/sf-thing.c", "base/sf-rng.h", TRUE, FALSE },
    { "ui/cli/sf-main.c", "sfumato.h", TRUE, TRUE },
    { "ui/cli/sf-main.c", "sf-buffer.h", TRUE, TRUE },
    { "ui/cli/sf-main.c", "sf-dialog.h", TRUE, FALSE },
    { "ui/cli/sf-main.c", "diffusion/sf-sampler.h", TRUE, FALSE },
    { "ui/gtk/sf-dialog.c", "sf-buffer.h", TRUE, FALSE },
    { "plugin/sf-run.c", "sf-dialog.h", TRUE, TRUE },
    { "core/kernels/sf-blas.c", "cblas.h", FALSE, TRUE },
    { "core/denoisers/sf-engine-patch.c", "cblas.h", FALSE, FALSE },
    { "core/pipeline/sf-job.c", "gegl.h", FALSE, FALSE },
    { "ui/cli/sf-main.c", "gtk/gtk.h", FALSE, FALSE },
    { "ui/cli/sf-main.c", "libgimp/gimp.h", FALSE, FALSE },
    { "plugin/sf-run.c", "libgimp/gimpui.h", FALSE, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *fault = rows[i].own ? judge_own (root, rows[i].path, rows[i].header)
                                           : judge_library (rows[i].path, rows[i].header);

      if ((fault == NULL) != rows[i].allowed)
        g_test_fail_printf ("%s including %s: %s", rows[i].path, rows[i].header, fault != NULL ? fault : "passes");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  root = argc > 1 ? argv[1] : ".";
  g_test_add_func ("/layers/rules", test_rules);
  g_test_add_data_func ("/layers/core", "core", test_tree);
  g_test_add_data_func ("/layers/plugin", "plugin", test_tree);
  g_test_add_data_func ("/layers/ui", "ui", test_tree);
  return g_test_run ();
}
