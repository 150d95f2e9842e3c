/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gamma's file: what is written is read to the last digit, and nothing else is taken for it. */
#include "denoisers/sf-gamma-file.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-betas.h"

#define N 12

typedef struct
{
  SfNoiseProcess *process;
  double gamma[N];
  char *folder, *path;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->process = sf_noise_process_new_named ("cosine", N, 0, 0, NULL);
  for (int t = 0; t < N; t++)
    self->gamma[t] = sqrt (t) / 3; /* values above 1, too */
  self->folder = g_dir_make_tmp ("sfumato-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, SF_GAMMA_FILE, NULL);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_remove (self->path);
  g_rmdir (self->folder);
  g_free (self->folder);
  g_free (self->path);
  sf_noise_process_unref (self->process);
}

static void
test_round_trip (Fixture *self, gconstpointer data)
{
  g_autofree double *loaded = NULL;
  g_autofree char *origin = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sf_gamma_save (self->gamma, self->process, "7 \"photographs\"\n", self->path, &error));
  loaded = sf_gamma_load (self->process, self->path, &origin, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (loaded, N * sizeof *loaded, self->gamma, sizeof self->gamma);
  g_assert_cmpstr (origin, ==, "7 \"photographs\"\n");
}

static void
assert_refused (Fixture *self, const SfNoiseProcess *process)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_gamma_load (process, self->path, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, self->path));
}

static void
test_other_process (Fixture *self, gconstpointer data)
{
  g_autoptr (SfNoiseProcess) longer = sf_noise_process_new_named ("cosine", N + 1, 0, 0, NULL);
  g_autoptr (SfNoiseProcess) other = sf_noise_process_new_named ("sigmoid-jabri", N, 0, 0, NULL);

  g_assert_true (sf_gamma_save (self->gamma, self->process, "", self->path, NULL));
  assert_refused (self, longer);
  assert_refused (self, other);
}

/* Cut off anywhere, or with something else in place of a number. */
static void
test_damaged (Fixture *self, gconstpointer data)
{
  static const char *const bad[] = { "-1", "\"x\"", "null", "true", "[]", "1e999" };
  g_autofree char *text = NULL;
  const char *number;
  gsize length;

  g_assert_true (sf_gamma_save (self->gamma, self->process, "", self->path, NULL));
  g_assert_true (g_file_get_contents (self->path, &text, &length, NULL));
  for (gsize n = 0; n < length - 2; n++) /* the closing brace, and the end of its line */
    {
      g_assert_true (g_file_set_contents_full (self->path, text, (gssize) n, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      assert_refused (self, self->process);
    }
  number = strchr (text, '0'); /* the first of gamma */
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *changed = g_strdup_printf ("%.*s%s%s", (int) (number - text), text, bad[i], number + 1);

      g_assert_true (g_file_set_contents (self->path, changed, -1, NULL));
      assert_refused (self, self->process);
    }
}

static void
test_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_gamma_load (self->process, self->path, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/gamma-file/round-trip", Fixture, NULL, set_up, test_round_trip, tear_down);
  g_test_add ("/gamma-file/other-process", Fixture, NULL, set_up, test_other_process, tear_down);
  g_test_add ("/gamma-file/damaged", Fixture, NULL, set_up, test_damaged, tear_down);
  g_test_add ("/gamma-file/missing", Fixture, NULL, set_up, test_missing, tear_down);
  return g_test_run ();
}
