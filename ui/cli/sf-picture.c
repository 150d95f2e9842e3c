/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* memfd_create */
#include "sf-picture.h"

#include "sf-config.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <gio/gio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sf-codec.h"
#include "sf-metadata.h"

#define STRIP_PIXELS (1 << 18)

static gboolean
has_transparency (GeglBuffer *buffer)
{
  const GeglRectangle *all = gegl_buffer_get_extent (buffer);
  int rows = MAX (STRIP_PIXELS / all->width, 1);
  g_autofree float *alpha = NULL;

  if (!babl_format_has_alpha (gegl_buffer_get_format (buffer)))
    return FALSE;
  alpha = g_new (float, (gsize) rows * all->width);
  for (int y = 0; y < all->height; y += rows)
    {
      GeglRectangle strip = { all->x, all->y + y, all->width, MIN (rows, all->height - y) };
      gsize n = (gsize) strip.width * strip.height;

      gegl_buffer_get (buffer, &strip, 1.0, babl_format ("A float"), alpha, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gsize i = 0; i < n; i++)
        if (alpha[i] < 1)
          return TRUE;
    }
  return FALSE;
}

/* A text chunk for people and programs that read those, but no XMP. */
static void
set_text (GeglMetadata *metadata, const char *key, const char *text)
{
  GeglMetadataIter iter;
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, text);
  if (gegl_metadata_iter_lookup (metadata, &iter, key))
    gegl_metadata_iter_set_value (metadata, &iter, &value);
  g_value_unset (&value);
}

static gboolean
save (GeglBuffer *buffer, const SfFormat *format, GeglMetadata *metadata, const char *path, const char *failure,
      GError **error)
{
  g_autoptr (GeglNode) graph = gegl_node_new ();
  GeglNode *source = gegl_node_new_child (graph, "operation", "gegl:buffer-source", "buffer", buffer, NULL);
  GeglNode *sink = gegl_node_new_child (graph, "operation", format->save, "path", path, NULL);

  if (format->configure != NULL)
    format->configure (sink, gegl_buffer_get_format (buffer));
  if (gegl_node_find_property (sink, "metadata") != NULL)
    gegl_node_set (sink, "metadata", metadata, NULL);
  gegl_node_link (source, sink);
  sf_codec_begin (failure);
  gegl_node_process (sink);
  return sf_codec_end (error);
}

int
sf_picture_encode (GeglBuffer *buffer, const SfFormat *format, const SfSource *from, GeglMetadata *metadata,
                   const char *json, const char *name, GError **error)
{
  const GeglRectangle *size = gegl_buffer_get_extent (buffer);
  g_autofree char *failure = g_strdup_printf (_ ("%s: cannot be encoded as %s"), name, format->name), *path = NULL;
  gboolean done;
  int fd;

  if (!format->alpha && has_transparency (buffer))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   _ ("%s: %s cannot hold transparency; write PNG, TIFF, WebP or OpenEXR instead"), name, format->name);
      return -1;
    }
  fd = memfd_create ("picture", MFD_CLOEXEC);
  if (fd < 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", failure, g_strerror (errno));
      return -1;
    }
  path = g_strdup_printf ("/proc/self/fd/%d", fd);
  if (format->text)
    set_text (metadata, "sfumato", json);
  done = save (buffer, format, metadata, path, failure, error);
  if (done && lseek (fd, 0, SEEK_END) == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", failure);
      done = FALSE;
    }
  if (done && format->metadata)
    done = sf_metadata_write (path, from, size->width, size->height, json, error);
  if (!done)
    {
      close (fd);
      return -1;
    }
  return fd;
}
