/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image file formats: one row each, with what GEGL calls them and what they can hold. */
#pragma once

#include <gegl.h>

typedef struct
{
  const char *name;              /* "PNG" */
  const char *const *extensions; /* NULL-terminated, lower case; the first is the usual one */
  const char *load;              /* operation */
  const char *save;              /* (nullable) operation */
  gboolean alpha;                /* when saved */
  gboolean metadata;             /* Exif, IPTC and XMP can be written */
  gboolean text;                 /* has named text chunks */
  /* Whether the first bytes are those of such a file. */
  gboolean (*probe) (const guint8 *bytes, gsize n);
  /* (nullable) FALSE when the file ends too early or its parts contradict each other.  For those loaders that go on
   * with whatever is in memory at the end of the file. */
  gboolean (*is_whole) (const guint8 *bytes, gsize n);
  /* (nullable) Pixels per metre, 0 = not known.  For those loaders that do not tell. */
  double (*density) (const guint8 *bytes, gsize n);
  /* (nullable) Sets up the saver for pixels like @format. */
  void (*configure) (GeglNode *save, const Babl *format);
} SfFormat;

/* (nullable): by content. */
const SfFormat *sf_format_probe (const guint8 *bytes, gsize n);
/* (nullable): by the extension of a file name, among those that can be written. */
const SfFormat *sf_format_from_name (const char *name);
/* "png, jpg, …": extensions of what can be written. */
char *sf_format_list_extensions (void);
