/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* memfd_create */
#include "sf-source.h"

#include "sf-config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <gegl-metadatahash.h>
#include <gegl-plugin.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sf-codec.h"
#include "sf-io.h"

#define MAX_SIDE 1000000 /* pixels; more is a damaged header */

static gboolean
fail (GError **error, const char *name, const char *reason)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", name, reason);
  return FALSE;
}

/* A pipe can be read once only; libraries want to read twice and to seek. */
static int
copy_to_memory (int from, const char *name, GError **error)
{
  char block[1 << 16];
  int copy = memfd_create ("input", MFD_CLOEXEC);
  ssize_t n;

  while (copy >= 0 && (n = read (from, block, sizeof block)) != 0)
    if (n < 0 ? errno != EINTR : !sf_io_write (copy, block, (gsize) n))
      {
        fail (error, name, g_strerror (errno));
        close (copy);
        return -1;
      }
  if (copy < 0)
    fail (error, name, g_strerror (errno));
  return copy;
}

/* Opens @self->fd and, for a pipe, makes it a file. */
static gboolean
open_file (SfSource *self, const char *path, GError **error)
{
  gboolean is_stdin = g_str_equal (path, "-");
  GStatBuf info;
  int fd;

  self->name = is_stdin ? g_strdup (_ ("Standard input")) : g_filename_display_name (path);
  fd = is_stdin ? dup (STDIN_FILENO) : g_open (path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0)
    return fail (error, self->name, g_strerror (errno));
  self->fd = fd;
  if (fstat (fd, &info) != 0)
    return fail (error, self->name, g_strerror (errno));
  if (S_ISDIR (info.st_mode))
    return fail (error, self->name, _ ("is a folder; name a picture file in it"));
  self->is_copy = is_stdin || !S_ISREG (info.st_mode);
  if (self->is_copy)
    {
      self->fd = copy_to_memory (fd, self->name, error);
      close (fd);
    }
  self->path = self->is_copy ? g_strdup_printf ("/proc/self/fd/%d", self->fd) : g_strdup (path);
  return self->fd >= 0;
}

SfSource *
sf_source_open (const char *path, GError **error)
{
  g_autoptr (SfSource) self = g_new0 (SfSource, 1);
  g_autoptr (GError) mapping = NULL;
  const guint8 *bytes;
  gsize n;

  self->fd = -1;
  if (!open_file (self, path, error))
    return NULL;
  self->bytes = g_mapped_file_new_from_fd (self->fd, FALSE, &mapping);
  if (self->bytes == NULL)
    {
      fail (error, self->name, mapping->message);
      return NULL;
    }
  bytes = (const guint8 *) g_mapped_file_get_contents (self->bytes);
  n = g_mapped_file_get_length (self->bytes);
  if (n == 0)
    {
      fail (error, self->name, _ ("is empty; a picture is needed"));
      return NULL;
    }
  self->format = sf_format_probe (bytes, n);
  if (self->format == NULL)
    {
      fail (error, self->name, _ ("is no picture that can be read; convert it to PNG, TIFF, JPEG, WebP or OpenEXR"));
      return NULL;
    }
  if (self->format->is_whole != NULL && !self->format->is_whole (bytes, n))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   _ ("%s: is damaged or was not copied to its end; get the %s file again from where it came"), self->name,
                   self->format->name);
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
sf_source_free (SfSource *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->bytes, g_mapped_file_unref);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->path);
  g_free (self->name);
  g_free (self);
}

/*** Pixels ***/

/* Looks at the header only: a size that cannot be is an error before memory is asked for. */
static gboolean
check_size (const SfSource *self, GeglNode *load, GError **error)
{
  GeglRectangle box = gegl_node_get_bounding_box (load);
  const Babl *format = gegl_operation_get_format (gegl_node_get_gegl_operation (load), "output");
  gsize pixel = format != NULL ? (gsize) babl_format_get_bytes_per_pixel (format) : 16;
  gboolean fits;

  if (box.width <= 0 || box.height <= 0)
    return fail (error, self->name, _ ("holds no picture, or one of a kind that cannot be read"));
  if (box.width > MAX_SIDE || box.height > MAX_SIDE)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   _ ("%s: says that it is %d × %d pixels large, which cannot be; the file is damaged"), self->name, box.width,
                   box.height);
      return FALSE;
    }
  fits = (double) box.width * box.height * pixel <= sf_io_memory_available ();
  if (fits)
    {
      gpointer probe = g_try_malloc_n ((gsize) box.width * box.height, pixel);

      fits = probe != NULL;
      g_free (probe);
    }
  if (!fits)
    {
      g_autofree char *wanted = g_format_size ((guint64) box.width * box.height * pixel);

      g_set_error (error, SF_ERROR, SF_ERROR_MEMORY,
                   _ ("%s: not enough memory, its %d × %d pixels take %s; crop the picture first"), self->name, box.width,
                   box.height, wanted);
      return FALSE;
    }
  return TRUE;
}

/* gegl:buffer-sink hands over the loader's own buffer, so the pixels are in memory once. */
static GeglBuffer *
process (GeglNode *graph, GeglNode *load)
{
  GeglBuffer *buffer = NULL;
  GeglNode *sink = gegl_node_new_child (graph, "operation", "gegl:buffer-sink", "buffer", &buffer, "format", NULL, NULL);

  gegl_node_link (load, sink);
  gegl_node_process (sink);
  return buffer;
}

/* What a loader has told.  The store's own default is 300 dpi; a unit of none stands for "not told". */
static double
get_density (const SfSource *self, GeglMetadata *metadata)
{
  GeglResolutionUnit unit;
  float x, y;

  if (self->format->density != NULL)
    return self->format->density ((const guint8 *) g_mapped_file_get_contents (self->bytes), g_mapped_file_get_length (self->bytes));
  if (!gegl_metadata_get_resolution (metadata, &unit, &x, &y) || unit == GEGL_RESOLUTION_UNIT_NONE)
    return 0;
  return unit == GEGL_RESOLUTION_UNIT_DPI ? x / 0.0254 : x;
}

GeglBuffer *
sf_source_load (SfSource *self, GError **error)
{
  g_autoptr (GeglNode) graph = gegl_node_new ();
  g_autoptr (GeglBuffer) buffer = NULL;
  g_autofree char *failure = g_strdup_printf (_ ("%s: cannot be read"), self->name);
  g_autoptr (GeglMetadataStore) metadata = gegl_metadata_hash_new ();
  GeglNode *load = gegl_node_new_child (graph, "operation", self->format->load, "path", self->path, NULL);
  gboolean fits;

  sf_codec_begin (failure);
  gegl_metadata_set_resolution (GEGL_METADATA (metadata), GEGL_RESOLUTION_UNIT_NONE, 1, 1);
  if (gegl_node_find_property (load, "metadata") != NULL)
    gegl_node_set (load, "metadata", metadata, NULL);
  fits = check_size (self, load, error);
  if (fits)
    buffer = process (graph, load);
  if (!sf_codec_end (fits ? error : NULL) || !fits)
    return NULL;
  if (buffer == NULL)
    {
      fail (error, self->name, _ ("cannot be read"));
      return NULL;
    }
  self->density = get_density (self, GEGL_METADATA (metadata));
  return g_steal_pointer (&buffer);
}
