/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sf-error.h"

typedef struct
{
  char *folder, *index;
} Fixture;

/* A folder with two parts, a link to one of them, and an index that names itself. */
static void
set_up (Fixture *f, gconstpointer data)
{
  static const float x[] = { 1, 2 };
  const SfArray array = { .dtype = SF_DTYPE_F32, .n_dims = 1, .dim = { 2 }, .n = 2, .data = x };
  static const char *const names[] = { "a", "b" };

  f->folder = g_dir_make_tmp (NULL, NULL);
  f->index = g_build_filename (f->folder, "model.index.json", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *part = g_build_filename (f->folder, names[i], NULL);

      g_assert_true (sf_weights_write_safetensors (part, &names[i], &array, 1, NULL, NULL));
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "a", "b", "link", "damaged", "model.index.json" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (f->folder, names[i], NULL);

      g_remove (path);
    }
  g_rmdir (f->folder);
  g_free (f->folder);
  g_free (f->index);
}

static SfWeights *
open_index (const Fixture *f, const char *text, GError **error)
{
  g_assert_true (g_file_set_contents (f->index, text, -1, NULL));
  return sf_weights_open (f->index, NULL, error);
}

static void
test_parts (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = {
    "{\"weight_map\":{\"a\":\"a\",\"b\":\"b\"}}",
    " \n{ \"metadata\" : {\"total_size\": 1e3, \"x\": [{}]}, \"weight_map\" : { \"b\" : \"b\" , \"a\" : \"a\" } } \n",
    "{\"weight_map\":{\"b\":\"b\",\"a\":\"link\"}}",
  };
  g_autofree char *link = g_build_filename (f->folder, "link", NULL);

  g_assert_cmpint (symlink ("a", link), ==, 0); /* as in caches of downloads */
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SfWeights) weights = open_index (f, texts[i], &error);

      g_assert_no_error (error);
      g_assert_cmpint (sf_weights_get_n (weights), ==, 2);
      g_assert_nonnull (sf_weights_get (weights, "a"));
      g_assert_nonnull (sf_weights_get (weights, "b"));
    }
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *text, *message;
  } rows[] = {
    { "{\"x\":1}", "weight_map" },
    { "{\"weight_map\":[]}", "at byte" },
    { "{\"weight_map\":{\"a\":1}}", "at byte" },
    { "{\"weight_map\":{\"a\":\"a\"},\"weight_map\":{}}", "at byte" },
    { "{\"weight_map\":{\"a\":\"a\"}", "at byte" },
    { "{\"x\":{\"weight_map\":{\"a\":\"a\"}", "at byte" },
    { "{\"weight_map\":{\"a\":\"model-00002-of-00003.safetensors\"}}", "model-00002-of-00003.safetensors: No such file" },
    { "{\"weight_map\":{\"c\":\"a\"}}", "“c” is not in its file “a”" },
    { "{\"weight_map\":{\"a\":\"b\"}}", "“a” is not in its file “b”" },
    { "{\"weight_map\":{\"a\":\"../a\"}}", "no name of a file" },
    { "{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "no name of a file" },
    { "{\"weight_map\":{\"a\":\"./a\"}}", "no name of a file" },
    { "{\"weight_map\":{\"a\":\"..\"}}", "no name of a file" },
    { "{\"weight_map\":{\"a\":\".\"}}", "no name of a file" },
    { "{\"weight_map\":{\"a\":\"\"}}", "no name of a file" },
    { "{\"weight_map\":{\"a\":\"a\\u0000\"}}", "at byte" },
    { "{\"weight_map\":{\"a\":\"model.index.json\"}}", "has parts itself" },
    { "{\"weight_map\":{\"a\":\"a\",\"b\":\"link\"}}", "two arrays with the name “a”" },
    { "{\"weight_map\":{\"a\":\"damaged\"}}", "damaged: " },
  };
  g_autofree char *link = g_build_filename (f->folder, "link", NULL);
  g_autofree char *damaged = g_build_filename (f->folder, "damaged", NULL);

  g_assert_cmpint (symlink ("a", link), ==, 0);
  g_assert_true (g_file_set_contents (damaged, "\3\0\0\0\0\0\0\0{}x", 11, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (open_index (f, rows[i].text, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      g_assert_true (g_str_has_prefix (error->message, f->index));
      if (strstr (error->message, rows[i].message) == NULL)
        g_test_fail_printf ("%s: %s", rows[i].text, error->message);
    }
}

/* A part that changes is found as the file itself is. */
static void
test_changed (Fixture *f, gconstpointer data)
{
  g_autofree char *part = g_build_filename (f->folder, "b", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SfWeights) weights = open_index (f, "{\"weight_map\":{\"a\":\"a\",\"b\":\"b\"}}", &error);

  g_assert_no_error (error);
  g_assert_true (sf_weights_check (weights, &error));
  g_remove (part);
  g_assert_false (sf_weights_check (weights, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_true (g_str_has_prefix (error->message, part));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/index/parts", Fixture, NULL, set_up, test_parts, tear_down);
  g_test_add ("/index/refused", Fixture, NULL, set_up, test_refused, tear_down);
  g_test_add ("/index/changed", Fixture, NULL, set_up, test_changed, tear_down);
  return g_test_run ();
}
