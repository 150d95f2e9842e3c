/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-metadata.h"

#include "sf-config.h"

#include <gexiv2/gexiv2.h>

#include "sf-png.h"

#define XMP_NAMESPACE "urn:x-sfumato:1.0/"
#define XMP_SETTINGS "Xmp.sfumato.settings"

/* The tool speaks for itself; Exiv2's remarks on odd tags of cameras are of no use to anybody here. */
static void
start (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      gexiv2_initialize ();
      gexiv2_log_set_level (GEXIV2_LOG_LEVEL_MUTE);
      gexiv2_metadata_try_register_xmp_namespace (XMP_NAMESPACE, "sfumato", NULL);
      g_once_init_leave (&once, 1);
    }
}

static gboolean
write_tags (GExiv2Metadata *metadata, const char *path, int width, int height, const char *json, GError **error)
{
  /* The thumbnail and the size would be those of the old picture. */
  gexiv2_metadata_try_erase_exif_thumbnail (metadata, NULL);
  if (gexiv2_metadata_has_exif (metadata))
    {
      gexiv2_metadata_try_set_metadata_pixel_width (metadata, width, NULL);
      gexiv2_metadata_try_set_metadata_pixel_height (metadata, height, NULL);
    }
  return gexiv2_metadata_try_set_tag_string (metadata, XMP_SETTINGS, json, error) &&
         gexiv2_metadata_save_file (metadata, path, error);
}

static gboolean
write_exiv2 (const char *path, const SfSource *from, int width, int height, const char *json, GError **error)
{
  g_autoptr (GExiv2Metadata) kept = gexiv2_metadata_new (), fresh = gexiv2_metadata_new ();

  if (from != NULL && gexiv2_metadata_open_path (kept, from->path, NULL) &&
      write_tags (kept, path, width, height, json, NULL))
    return TRUE;
  /* The input has none, or such that cannot be written again. */
  return gexiv2_metadata_open_path (fresh, path, error) && write_tags (fresh, path, width, height, json, error);
}

gboolean
sf_metadata_write (const char *path, int fd, const SfFormat *format, const SfSource *from, int width, int height,
                   const char *json, GError **error)
{
  gboolean same = from != NULL && from->format == format;

  start ();
  if (!write_exiv2 (path, from, width, height, json, error))
    return FALSE;
  return !format->text ||
         sf_png_add_text (fd, same ? (const guint8 *) g_mapped_file_get_contents (from->bytes) : NULL,
                          same ? g_mapped_file_get_length (from->bytes) : 0, "sfumato", json, error);
}

char *
sf_metadata_read (const SfSource *source)
{
  g_autoptr (GExiv2Metadata) metadata = NULL;

  start ();
  metadata = gexiv2_metadata_new ();
  if (!gexiv2_metadata_open_path (metadata, source->path, NULL) ||
      !gexiv2_metadata_try_has_tag (metadata, XMP_SETTINGS, NULL))
    return NULL;
  return gexiv2_metadata_try_get_tag_string (metadata, XMP_SETTINGS, NULL);
}
