/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli.h"

#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#define TIME_LIMIT 60 /* seconds */

static char *folder;
static GHashTable *paths; /* name -> path, so that callers need not free them */

static void
remove_folder (void)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_unlink (path) != 0)
        g_rmdir (path);
    }
  g_dir_close (dir);
  g_rmdir (folder);
}

int
cli_main (int argc, char **argv, void (*add_tests) (void))
{
  int status;

  g_test_init (&argc, &argv, NULL);
  gegl_init (NULL, NULL);
  folder = g_dir_make_tmp ("sfumato-test-XXXXXX", NULL);
  paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  add_tests ();
  status = g_test_run ();
  remove_folder ();
  g_hash_table_unref (paths);
  g_free (folder);
  return status;
}

const char *
cli_path (const char *name)
{
  char *path = g_hash_table_lookup (paths, name);

  if (path == NULL)
    {
      path = g_build_filename (folder, name, NULL);
      g_hash_table_insert (paths, g_strdup (name), path);
    }
  return path;
}

gboolean
cli_exists (const char *name)
{
  return g_file_test (cli_path (name), G_FILE_TEST_EXISTS);
}

int
cli_count_files (void)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  int n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  g_dir_close (dir);
  return n;
}

/*** Running ***/

/* In the child, between fork() and exec(). */
static void
set_up_child (gpointer data)
{
  const CliHow *how = data;

  if (how->memory > 0)
    setrlimit (RLIMIT_AS, &(struct rlimit) { how->memory, how->memory });
  alarm (TIME_LIMIT);
}

static char **
make_arguments (const char *const *words)
{
  GPtrArray *all = g_ptr_array_new ();

  g_ptr_array_add (all, g_strdup (g_getenv ("SF_CLI")));
  for (; *words != NULL; words++)
    g_ptr_array_add (all, g_strdup (*words));
  g_ptr_array_add (all, NULL);
  return (char **) g_ptr_array_free (all, FALSE);
}

static char **
make_environment (const CliHow *how)
{
  char **environment = g_get_environ ();

  environment = g_environ_setenv (environment, "LC_ALL", "C.UTF-8", TRUE);
  if (how->environment != NULL)
    {
      g_auto (GStrv) pair = g_strsplit (how->environment, "=", 2);

      environment = g_environ_setenv (environment, pair[0], pair[1], TRUE);
    }
  return environment;
}

/* Files, not pipes: nobody has to read while the tool runs. */
static int
open_or_die (const char *path, int flags)
{
  int fd = g_open (path, flags | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

CliRun
cli_run_with (const CliHow *how, const char *const *words)
{
  g_auto (GStrv) arguments = make_arguments (words), environment = make_environment (how);
  static gint number; /* several may run at once */
  int mine = g_atomic_int_add (&number, 1);
  g_autofree char *err_path = g_strdup_printf ("%s-%d.err", folder, mine), *out_path = g_strdup_printf ("%s-%d.out", folder, mine);
  int in = open_or_die (how->in != NULL ? how->in : "/dev/null", O_RDONLY);
  int out = open_or_die (how->out != NULL ? how->out : out_path, O_WRONLY | O_CREAT | O_TRUNC);
  int err = open_or_die (err_path, O_WRONLY | O_CREAT | O_TRUNC);
  g_autoptr (GError) error = NULL;
  CliRun run = { 0 };
  GPid pid;
  int status;

  g_spawn_async_with_fds (NULL, arguments, environment, G_SPAWN_DO_NOT_REAP_CHILD, set_up_child, (gpointer) how, &pid, in, out, err,
                          &error);
  g_assert_no_error (error);
  if (how->interrupt_after > 0)
    {
      g_usleep ((gulong) how->interrupt_after * 1000);
      kill (pid, SIGINT);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  run.status = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
  close (in);
  close (out);
  close (err);
  g_file_get_contents (err_path, &run.err, NULL, NULL);
  g_unlink (err_path);
  if (how->out == NULL)
    {
      g_file_get_contents (out_path, &run.out, NULL, NULL);
      g_unlink (out_path);
    }
  return run;
}

void
cli_run_clear (CliRun *run)
{
  g_clear_pointer (&run->out, g_free);
  g_clear_pointer (&run->err, g_free);
}

void
cli_check_done (const char *file, int line, const CliRun *run)
{
  if (run->status != 0 || *run->err != '\0')
    g_error ("%s:%d: status %d, said: %s", file, line, run->status, run->err);
}

void
cli_check_failed (const char *file, int line, const CliRun *run, int status, const char *part)
{
  const char *end = strchr (run->err, '\n');

  if (run->status != status || end == NULL || end[1] != '\0' || !g_str_has_prefix (run->err, "sfumato: ") ||
      strstr (run->err, part) == NULL)
    g_error ("%s:%d: status %d instead of %d, or not one line with “%s”: %s", file, line, run->status, status, part, run->err);
}

/*** Pictures ***/

static void
save (const char *name, GeglBuffer *buffer, const Babl *format)
{
  g_autoptr (GeglNode) graph = gegl_node_new ();
  GeglNode *source = gegl_node_new_child (graph, "operation", "gegl:buffer-source", "buffer", buffer, NULL);
  GeglNode *sink = gegl_node_new_child (graph, "operation", "gegl:save", "path", cli_path (name), NULL);

  if (g_str_has_suffix (name, ".png"))
    {
      gegl_node_set (sink, "operation", "gegl:png-save", "path", cli_path (name), "bitdepth",
                     babl_format_get_type (format, 0) == babl_type ("u8") ? 8 : 16, NULL);
    }
  gegl_node_link (source, sink);
  gegl_node_process (sink);
  g_assert_true (cli_exists (name));
}

void
cli_write_pixels (const char *name, const Babl *format, int width, int height, const float *rgba)
{
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height), format);

  gegl_buffer_set (buffer, NULL, 0, babl_format_with_space ("R'G'B'A float", babl_format_get_space (format)), rgba,
                   GEGL_AUTO_ROWSTRIDE);
  save (name, buffer, format);
}

/* Waves and grain, so that there is something to continue and no two places are the same. */
void
cli_write_texture (const char *name, const char *format, int width, int height)
{
  g_autofree float *rgba = g_new (float, (gsize) width *height * 4);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 4; c++)
        {
          float wave = 0.5f + 0.25f * sinf (0.35f * (float) x + (float) c) * cosf (0.27f * (float) y);

          rgba[(y * width + x) * 4 + c] = c < 3 ? wave + 0.2f * (float) (g_rand_double (rand) - 0.5) : 0.5f + 0.5f * (float) x / (float) width;
        }
  cli_write_pixels (name, babl_format (format), width, height, rgba);
}

void
cli_write_mask (const char *name, const char *format, int width, int height, float (*value) (int x, int y))
{
  g_autofree float *rgba = g_new (float, (gsize) width *height * 4);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 4; c++)
        rgba[(y * width + x) * 4 + c] = c < 3 ? value (x, y) : 1;
  cli_write_pixels (name, babl_format (format), width, height, rgba);
}

static GeglBuffer *
load (const char *name)
{
  g_autoptr (GeglNode) graph = gegl_node_new ();
  GeglBuffer *buffer = NULL;
  GeglNode *source = gegl_node_new_child (graph, "operation", "gegl:load", "path", cli_path (name), NULL);
  GeglNode *sink = gegl_node_new_child (graph, "operation", "gegl:buffer-sink", "buffer", &buffer, NULL);

  g_assert_true (cli_exists (name));
  gegl_node_link (source, sink);
  gegl_node_process (sink);
  g_assert_nonnull (buffer);
  return buffer;
}

static void *
read_as (const char *name, const Babl **format, int *width, int *height)
{
  g_autoptr (GeglBuffer) buffer = load (name);
  const GeglRectangle *size = gegl_buffer_get_extent (buffer);
  void *pixels;

  if (*format == NULL)
    *format = gegl_buffer_get_format (buffer);
  *width = size->width;
  *height = size->height;
  pixels = g_malloc ((gsize) size->width * size->height * babl_format_get_bytes_per_pixel (*format));
  gegl_buffer_get (buffer, NULL, 1.0, *format, pixels, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return pixels;
}

guint8 *
cli_read_bytes (const char *name, const Babl **format, int *width, int *height)
{
  *format = NULL;
  return read_as (name, format, width, height);
}

float *
cli_read_rgba (const char *name, int *width, int *height)
{
  const Babl *format = babl_format ("R'G'B'A float");

  return read_as (name, &format, width, height);
}

void
cli_check_same_file (const char *file, int line, const char *a, const char *b)
{
  g_autofree char *bytes_a = NULL, *bytes_b = NULL;
  gsize n_a = 0, n_b = 0;

  g_file_get_contents (cli_path (a), &bytes_a, &n_a, NULL);
  g_file_get_contents (cli_path (b), &bytes_b, &n_b, NULL);
  if (n_a == 0 || n_a != n_b || memcmp (bytes_a, bytes_b, n_a) != 0)
    g_error ("%s:%d: %s and %s are not the same", file, line, a, b);
}
