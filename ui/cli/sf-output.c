/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-output.h"

#include "sf-config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sf-io.h"

#define BLOCK (1 << 20) /* bytes between two looks at the cancellable */

struct _SfOutput
{
  char *name;      /* for messages */
  char *path;      /* (nullable) of the file itself, not of a link to it; NULL = standard output */
  char *temporary; /* (nullable) while it exists */
  gboolean direct; /* no regular file */
  mode_t mode;
};

static gboolean
fail (GError **error, const char *name, const char *reason)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _ ("%s: cannot be written: %s"), name, reason);
  return FALSE;
}

static gboolean
is_input (const GStatBuf *info, const char *const *inputs)
{
  for (; *inputs != NULL; inputs++)
    {
      GStatBuf other;

      if (g_stat (*inputs, &other) == 0 && other.st_ino == info->st_ino && other.st_dev == info->st_dev)
        return TRUE;
    }
  return FALSE;
}

/* What is there already. */
static gboolean
check_existing (SfOutput *self, const GStatBuf *info, const char *const *inputs, GError **error)
{
  char *target;

  if (S_ISDIR (info->st_mode))
    return fail (error, self->name, _ ("it is a folder; name a file in it"));
  self->direct = !S_ISREG (info->st_mode);
  if (self->direct)
    return TRUE;
  if (is_input (info, inputs))
    return fail (error, self->name, _ ("it is read from as well; choose another name, or --force to overwrite it"));
  if (g_access (self->path, W_OK) != 0)
    return fail (error, self->name, g_strerror (errno));
  self->mode = info->st_mode & 07777;
  target = realpath (self->path, NULL);
  if (target != NULL)
    {
      g_free (self->path);
      self->path = g_strdup (target);
      free (target);
    }
  return TRUE;
}

static gboolean
check_folder (SfOutput *self, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);

  if (!g_file_test (folder, G_FILE_TEST_EXISTS))
    return fail (error, self->name, _ ("its folder does not exist"));
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    return fail (error, self->name, g_strerror (ENOTDIR));
  if (g_access (folder, W_OK | X_OK) != 0)
    return fail (error, self->name, g_strerror (errno));
  return TRUE;
}

/* The permissions that a new file would have. */
static mode_t
default_mode (void)
{
  mode_t mask = umask (0);

  umask (mask);
  return 0666 & ~mask;
}

SfOutput *
sf_output_new (const char *path, const char *const *inputs, GError **error)
{
  g_autoptr (SfOutput) self = g_new0 (SfOutput, 1);
  GStatBuf info;

  self->direct = g_str_equal (path, "-");
  self->name = self->direct ? g_strdup (_ ("Standard output")) : g_filename_display_name (path);
  self->path = self->direct ? NULL : g_strdup (path);
  self->mode = default_mode ();
  if (self->direct)
    return g_steal_pointer (&self);
  if (g_stat (path, &info) == 0 && !check_existing (self, &info, inputs, error))
    return NULL;
  if (!self->direct && !check_folder (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
sf_output_free (SfOutput *self)
{
  if (self == NULL)
    return;
  if (self->temporary != NULL)
    g_unlink (self->temporary);
  g_free (self->temporary);
  g_free (self->path);
  g_free (self->name);
  g_free (self);
}

const char *
sf_output_get_name (const SfOutput *self)
{
  return self->name;
}

static gboolean
copy_bytes (SfOutput *self, int from, int to, GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *block = g_malloc (BLOCK);
  off_t at = 0;
  ssize_t n;

  while ((n = pread (from, block, BLOCK, at)) > 0)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (!sf_io_write (to, block, (gsize) n))
        return fail (error, self->name, g_strerror (errno));
      at += n;
    }
  return n == 0 || fail (error, self->name, g_strerror (errno));
}

static int
open_temporary (SfOutput *self)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  int fd;

  self->temporary = g_build_filename (folder, ".sfumato-XXXXXX", NULL);
  fd = g_mkstemp_full (self->temporary, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    g_clear_pointer (&self->temporary, g_free);
  return fd;
}

gboolean
sf_output_fill (SfOutput *self, int from, GCancellable *cancellable, GError **error)
{
  gboolean done;
  int fd;

  if (self->path == NULL)
    return copy_bytes (self, from, STDOUT_FILENO, cancellable, error);
  fd = self->direct ? g_open (self->path, O_WRONLY | O_CLOEXEC, 0) : open_temporary (self);
  if (fd < 0)
    return fail (error, self->name, g_strerror (errno));
  done = copy_bytes (self, from, fd, cancellable, error);
  if (done && !self->direct && (fchmod (fd, self->mode) != 0 || fsync (fd) != 0))
    done = fail (error, self->name, g_strerror (errno));
  /* A full disk or an expired network drive may show up only here. */
  if (close (fd) != 0 && done)
    done = fail (error, self->name, g_strerror (errno));
  return done;
}

gboolean
sf_output_commit (SfOutput *self, GError **error)
{
  if (self->temporary == NULL)
    return TRUE;
  if (g_rename (self->temporary, self->path) != 0)
    return fail (error, self->name, g_strerror (errno));
  g_clear_pointer (&self->temporary, g_free);
  return TRUE;
}

char *
sf_output_numbered (const char *path, int number)
{
  const char *dot = strrchr (path, '.'), *slash = strrchr (path, G_DIR_SEPARATOR);
  gsize stem = dot != NULL && (slash == NULL || dot > slash) ? (gsize) (dot - path) : strlen (path);

  return number == 1 ? g_strdup (path) : g_strdup_printf ("%.*s-%d%s", (int) stem, path, number, path + stem);
}
