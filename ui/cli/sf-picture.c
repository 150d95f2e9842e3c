/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* memfd_create */
#include "sf-picture.h"

#include "sf-config.h"

#include <errno.h>
#include <gegl-metadatahash.h>
#include <glib/gi18n.h>
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

static void
set_density (GeglNode *save, double density)
{
  g_autoptr (GeglMetadataStore) metadata = NULL;

  if (density <= 0 || gegl_node_find_property (save, "metadata") == NULL)
    return;
  metadata = gegl_metadata_hash_new ();
  /* In the unit that every format can keep. */
  gegl_metadata_set_resolution (GEGL_METADATA (metadata), GEGL_RESOLUTION_UNIT_DPI, (float) (density * 0.0254),
                                (float) (density * 0.0254));
  gegl_node_set (save, "metadata", metadata, NULL);
}

static gboolean
save (GeglBuffer *buffer, const SfFormat *format, double density, const char *path, const char *failure, GError **error)
{
  g_autoptr (GeglNode) graph = gegl_node_new ();
  GeglNode *source = gegl_node_new_child (graph, "operation", "gegl:buffer-source", "buffer", buffer, NULL);
  GeglNode *sink = gegl_node_new_child (graph, "operation", format->save, "path", path, NULL);

  if (format->configure != NULL)
    format->configure (sink, gegl_buffer_get_format (buffer));
  set_density (sink, density);
  gegl_node_link (source, sink);
  sf_codec_begin (failure);
  gegl_node_process (sink);
  return sf_codec_end (error);
}

int
sf_picture_encode (GeglBuffer *buffer, const SfFormat *format, const SfSource *from, const char *json, const char *name,
                   GError **error)
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
  done = save (buffer, format, from != NULL ? from->density : 0, path, failure, error);
  if (done && lseek (fd, 0, SEEK_END) == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", failure);
      done = FALSE;
    }
  if (done && format->metadata)
    done = sf_metadata_write (path, fd, format, from, size->width, size->height, json, error);
  if (!done)
    {
      close (fd);
      return -1;
    }
  return fd;
}
