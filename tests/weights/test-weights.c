/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files on disk: what cannot be opened, what changes while it is open, and what is written. */
#include "weights/sf-weights.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sf-error.h"

#define N 100000 /* floats of a file of many pages */

typedef struct
{
  char *folder, *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp (NULL, NULL);
  f->path = g_build_filename (f->folder, "file", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_remove (f->path);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0); /* nothing else was left there */
  g_free (f->folder);
  g_free (f->path);
}

/* A file with an array "x" of @n floats, each @value. */
static gboolean
write_floats (const char *path, gsize n, float value, GError **error)
{
  g_autofree float *x = g_new (float, n);
  const SfArray array = { .dtype = SF_DTYPE_F32, .n_dims = 1, .dim = { n }, .n = n, .data = x };
  static const char *const name = "x";

  for (gsize i = 0; i < n; i++)
    x[i] = value;
  return sf_weights_write_safetensors (path, &name, &array, 1, NULL, error);
}

static SfWeights *
open_floats (const Fixture *f, float value)
{
  g_autoptr (GError) error = NULL;
  SfWeights *weights;

  g_assert_true (write_floats (f->path, N, value, &error));
  weights = sf_weights_open (f->path, NULL, &error);
  g_assert_no_error (error);
  return weights;
}

static double
sum (const SfWeights *weights)
{
  const SfArray *array = sf_weights_get (weights, "x");
  g_autofree float *x = g_new (float, array->n);
  double total = 0;

  sf_array_read (array, 0, array->n, x);
  for (gsize i = 0; i < array->n; i++)
    total += x[i];
  return total;
}

static void
assert_changed (const SfWeights *weights)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sf_weights_check (weights, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "changed while in use"));
  g_assert_true (g_str_has_prefix (error->message, sf_weights_get_path (weights)));
}

/*** Opening ***/

static void
assert_not_opened (const char *path, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_weights_open (path, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_true (g_str_has_prefix (error->message, path));
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_not_opened (Fixture *f, gconstpointer data)
{
  assert_not_opened (f->path, "No such file");
  assert_not_opened (f->folder, "is a folder");
  assert_not_opened ("/dev/zero", "is not a plain file");
  g_assert_cmpint (mkfifo (f->path, 0600), ==, 0);
  assert_not_opened (f->path, "is not a plain file");
  g_remove (f->path);
  g_assert_true (g_file_set_contents (f->path, "", 0, NULL));
  assert_not_opened (f->path, "is empty");
  g_assert_true (g_file_set_contents (f->path, "hello", 5, NULL));
  assert_not_opened (f->path, "no known format");
}

/* A path is that of the file, wherever the process goes. */
static void
test_relative (Fixture *f, gconstpointer data)
{
  g_autofree char *here = g_get_current_dir ();
  g_autoptr (SfWeights) weights = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (write_floats (f->path, 1, 1, NULL));
  g_assert_cmpint (g_chdir (f->folder), ==, 0);
  weights = sf_weights_open ("file", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chdir (here), ==, 0);
  g_assert_true (sf_weights_check (weights, NULL));
  g_assert_cmpstr (sf_weights_get_path (weights), ==, f->path);
}

/*** Changes ***/

static void
test_unchanged (Fixture *f, gconstpointer data)
{
  g_autoptr (SfWeights) weights = open_floats (f, 2);
  g_autoptr (GError) error = NULL;

  g_assert_cmpfloat (sum (weights), ==, 2.0 * N);
  g_assert_true (sf_weights_check (weights, &error));
  g_assert_no_error (error);
}

/* Pages that are gone read as zeros, the others as before; other files are not touched. */
static void
test_cut (Fixture *f, gconstpointer data)
{
  gsize size = GPOINTER_TO_SIZE (data);
  g_autofree char *other = g_build_filename (f->folder, "other", NULL);
  g_autoptr (SfWeights) weights = open_floats (f, 1);
  g_autoptr (SfWeights) neighbour = NULL;
  double left;

  g_assert_true (write_floats (other, N, 3, NULL));
  neighbour = sf_weights_open (other, NULL, NULL);
  g_assert_cmpint (truncate (f->path, (off_t) size), ==, 0);
  left = sum (weights);
  g_assert_cmpfloat (left, <=, size / sizeof (float));
  g_assert_cmpfloat (left, >=, size / sizeof (float) * 0.9);
  assert_changed (weights);
  g_assert_cmpfloat (sum (neighbour), ==, 3.0 * N);
  g_assert_true (sf_weights_check (neighbour, NULL));
  g_remove (other);
}

/* A file that was cut for a moment only has its size again, but what was read is not what is there. */
static void
test_cut_and_restored (Fixture *f, gconstpointer data)
{
  g_autoptr (SfWeights) weights = open_floats (f, 1);
  struct stat status;
  struct timespec times[2];

  g_assert_cmpint (stat (f->path, &status), ==, 0);
  times[0] = status.st_atim;
  times[1] = status.st_mtim;
  g_assert_cmpint (truncate (f->path, 0), ==, 0);
  g_assert_cmpfloat (sum (weights), ==, 0);
  g_assert_cmpint (truncate (f->path, status.st_size), ==, 0);
  g_assert_cmpint (utimensat (AT_FDCWD, f->path, times, 0), ==, 0);
  assert_changed (weights);
}

static void
test_replaced (Fixture *f, gconstpointer data)
{
  g_autoptr (SfWeights) weights = open_floats (f, 1);

  g_assert_true (write_floats (f->path, N, 2, NULL));
  g_assert_cmpfloat (sum (weights), ==, N); /* the old file is there as long as it is open */
  assert_changed (weights);
}

static void
test_removed (Fixture *f, gconstpointer data)
{
  g_autoptr (SfWeights) weights = open_floats (f, 1);

  g_remove (f->path);
  g_assert_cmpfloat (sum (weights), ==, N);
  assert_changed (weights);
}

static void
test_overwritten (Fixture *f, gconstpointer data)
{
  g_autoptr (SfWeights) weights = open_floats (f, 1);
  const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

  g_assert_cmpint (utimensat (AT_FDCWD, f->path, times, 0), ==, 0);
  assert_changed (weights);
}

typedef struct
{
  SfWeights *weights;
  double total;
} Reading;

static gpointer
read_in_thread (gpointer data)
{
  Reading *reading = data;

  reading->total = sum (reading->weights);
  return NULL;
}

/* Files come and go in some threads while another one reads lost pages. */
static gpointer
open_and_close (gpointer data)
{
  for (int i = 0; i < 200; i++)
    {
      g_autoptr (SfWeights) weights = sf_weights_open (data, NULL, NULL);

      g_assert_cmpfloat (sum (weights), ==, 100);
    }
  return NULL;
}

static void
test_threads (Fixture *f, gconstpointer data)
{
  g_autofree char *small = g_build_filename (f->folder, "small", NULL);
  GThread *threads[6];

  g_assert_true (write_floats (small, 100, 1, NULL));
  for (int round = 0; round < 20; round++)
    {
      g_autoptr (SfWeights) weights = open_floats (f, 1);
      Reading readings[4];

      g_assert_cmpint (truncate (f->path, 0), ==, 0);
      for (int i = 0; i < 6; i++)
        {
          readings[i % 4] = i < 4 ? (Reading) { weights, 1 } : readings[i % 4];
          threads[i] = i < 4 ? g_thread_new (NULL, read_in_thread, &readings[i]) : g_thread_new (NULL, open_and_close, small);
        }
      for (int i = 0; i < 6; i++)
        g_thread_join (threads[i]);
      for (int i = 0; i < 4; i++)
        g_assert_cmpfloat (readings[i].total, ==, 0);
      assert_changed (weights);
    }
  g_remove (small);
}

/*** Bus errors of others ***/

static void
leave (int number)
{
  _exit (42);
}

/* In a process of its own: @data is whether a handler was there before ours. */
static void
test_foreign (Fixture *f, gconstpointer data)
{
  gboolean handled = GPOINTER_TO_INT (data);

  if (g_test_subprocess ())
    {
      g_autoptr (SfWeights) weights = NULL;

      signal (SIGBUS, handled ? leave : SIG_DFL);
      weights = open_floats (f, 1);
      g_remove (f->path);
      g_rmdir (f->folder);
      raise (SIGBUS);
      return; /* must not happen */
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_assert_true (write_floats (f->path, 1, 1, NULL));
}

/*** Writing ***/

static void
test_round_trip (Fixture *f, gconstpointer data)
{
  static const guint8 bytes[16] = { 0, 1, 0x80, 0x3f, 0, 0, 0x80, 0x7f, 0, 0x3c, 1, 0, 0xff, 0xff, 0xff, 0x7f };
  static const char *const metadata[] = { "format", "pt", "ü \"x\"\\\n", "\t\177", NULL };
  const char *names[SF_N_DTYPES + 2];
  SfArray arrays[SF_N_DTYPES + 2];
  g_autoptr (GError) error = NULL;
  g_autoptr (SfWeights) weights = NULL;

  for (int i = 0; i < SF_N_DTYPES; i++)
    {
      gsize n = sizeof bytes / sf_dtype_size (i);

      names[i] = sf_dtype_name (i);
      arrays[i] = (SfArray) { .dtype = i, .n_dims = 2, .dim = { 2, n / 2 }, .n = n, .data = bytes };
    }
  names[SF_N_DTYPES] = "scalar \"ü\"\n\\";
  arrays[SF_N_DTYPES] = (SfArray) { .dtype = SF_DTYPE_I16, .n = 1, .data = bytes };
  names[SF_N_DTYPES + 1] = "nothing";
  arrays[SF_N_DTYPES + 1] = (SfArray) { .dtype = SF_DTYPE_F64, .n_dims = 6, .dim = { 1, 2, 3, 0, 5, 6 }, .data = bytes };
  g_assert_true (sf_weights_write_safetensors (f->path, names, arrays, G_N_ELEMENTS (arrays), metadata, &error));
  g_assert_no_error (error);
  weights = sf_weights_open (f->path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (sf_weights_get_n (weights), ==, (int) G_N_ELEMENTS (arrays));
  for (gsize i = 0; i < G_N_ELEMENTS (arrays); i++)
    {
      const SfArray *array = sf_weights_get (weights, names[i]);

      g_assert_nonnull (array);
      g_assert_cmpint (array->dtype, ==, arrays[i].dtype);
      g_assert_cmpint (array->n_dims, ==, arrays[i].n_dims);
      g_assert_cmpmem (array->dim, sizeof array->dim, arrays[i].dim, sizeof array->dim);
      g_assert_cmpuint (array->n, ==, arrays[i].n);
      g_assert_cmpmem (array->data, array->n * sf_dtype_size (array->dtype), bytes, arrays[i].n * sf_dtype_size (arrays[i].dtype));
    }
  for (int i = 0; metadata[i] != NULL; i += 2)
    g_assert_cmpstr (sf_weights_get_metadata (weights, metadata[i]), ==, metadata[i + 1]);
  g_assert_null (sf_weights_get (weights, "other"));
  g_assert_null (sf_weights_get_metadata (weights, "other"));
}

static void
test_not_written (Fixture *f, gconstpointer data)
{
  g_autofree char *nowhere = g_build_filename (f->folder, "none", "file", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (write_floats (nowhere, 1, 1, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_true (g_str_has_prefix (error->message, nowhere));
  g_clear_error (&error);
  g_assert_false (write_floats (f->folder, 1, 1, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
}

/* No room for all of it, as on a full disk: the file that was there stays. */
static void
test_half_written (Fixture *f, gconstpointer data)
{
  g_autoptr (SfWeights) weights = open_floats (f, 1);
  g_autoptr (GError) error = NULL;
  struct rlimit before, limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  limit = (struct rlimit) { .rlim_cur = N, .rlim_max = before.rlim_max };
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_false (write_floats (f->path, N, 2, &error));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  signal (SIGXFSZ, SIG_DFL);
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  g_assert_true (sf_weights_check (weights, NULL));
  g_assert_cmpfloat (sum (weights), ==, N);
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *path;
    gconstpointer data;
    void (*func) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/weights/not-opened", NULL, test_not_opened },
    { "/weights/relative", NULL, test_relative },
    { "/weights/unchanged", NULL, test_unchanged },
    { "/weights/cut", GSIZE_TO_POINTER (N * 2), test_cut },
    { "/weights/cut-to-nothing", GSIZE_TO_POINTER (0), test_cut },
    { "/weights/cut-and-restored", NULL, test_cut_and_restored },
    { "/weights/replaced", NULL, test_replaced },
    { "/weights/removed", NULL, test_removed },
    { "/weights/overwritten", NULL, test_overwritten },
    { "/weights/threads", NULL, test_threads },
    { "/weights/foreign", GINT_TO_POINTER (FALSE), test_foreign },
    { "/weights/foreign-handled", GINT_TO_POINTER (TRUE), test_foreign },
    { "/weights/round-trip", NULL, test_round_trip },
    { "/weights/not-written", NULL, test_not_written },
    { "/weights/half-written", NULL, test_half_written },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, tests[i].data, set_up, tests[i].func, tear_down);
  return g_test_run ();
}
