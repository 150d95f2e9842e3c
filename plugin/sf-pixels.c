/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plug-ins write through a shadow buffer, which GIMP merges into the layer.  Two things stand in the way of writing
 * exactly what we computed (both seen in GIMP 3.0 and 3.2):
 *
 * - The merge blends by the selection, which our result has done already.
 * - The merge goes through floats.  8 and 16 bits come out as they went in, but half, float and double pixels differ
 *   in their last bits even where nothing was changed.
 *
 * So the merge serves only to let Undo keep the old pixels; then the same pixels are written straight to the layer's
 * buffer.  That alone could not be undone; after the merge it can, as Undo puts back the whole rectangle that the merge
 * has saved.  This rectangle is the box of the selection within the layer.  Where it does not fit what we write (Expand
 * Canvas ignores the selection, or the user has selected something else meanwhile) our rectangle is selected for the
 * moment; a copy of the user's selection comes back bit for bit in every precision.  The copy is never part of the
 * image: in 3.2 undoing a channel leaves no layer selected.
 */
#include "sf-pixels.h"

#include <glib/gi18n.h>

#include "sf-buffer.h"

/* GIMP keeps the alpha of such a layer in a merge; writing straight to the buffer we have to do it ourselves. */
static void
restore_alpha (GeglBuffer *made, GeglBuffer *original)
{
  const Babl *format = gegl_buffer_get_format (made);
  int size = babl_format_get_bytes_per_pixel (format);
  int alpha = size / babl_format_get_n_components (format); /* bytes of a component; alpha is the last */
  GeglBufferIterator *it = gegl_buffer_iterator_new (made, NULL, 0, format, GEGL_ACCESS_READWRITE, GEGL_ABYSS_NONE, 2);

  gegl_buffer_iterator_add (it, original, gegl_buffer_get_extent (made), 0, format, GEGL_ACCESS_READ, GEGL_ABYSS_NONE);
  while (gegl_buffer_iterator_next (it))
    {
      char *to = it->items[0].data;
      const char *from = it->items[1].data;

      for (int i = 0; i < it->length; i++)
        memcpy (to + (i + 1) * size - alpha, from + (i + 1) * size - alpha, alpha);
    }
}

static gboolean
is_size_of (GimpDrawable *drawable, const SfRect *room)
{
  return room->x == 0 && room->y == 0 && room->width == gimp_drawable_get_width (drawable) &&
         room->height == gimp_drawable_get_height (drawable);
}

/* The rectangle that a merge would cover now. */
static gboolean
get_selection (GimpDrawable *drawable, GeglRectangle *rect)
{
  *rect = (GeglRectangle) { 0 };
  return gimp_drawable_mask_intersect (drawable, &rect->x, &rect->y, &rect->width, &rect->height);
}

/* Whether @result changes nothing outside of @rect. */
static gboolean
is_confined (const SfResult *result, const GeglRectangle *rect)
{
  const float *mask = result->mask->data;

  for (int y = result->rect.y; y < result->rect.y + result->rect.height; y++)
    for (int x = result->rect.x; x < result->rect.x + result->rect.width; x++)
      if (*mask++ > 0 &&
          (x < rect->x || y < rect->y || x >= rect->x + rect->width || y >= rect->y + rect->height))
        return FALSE;
  return TRUE;
}

static void
copy_into (GeglBuffer *made, GeglBuffer *target, const GeglRectangle *rect)
{
  gegl_buffer_copy (made, NULL, GEGL_ABYSS_NONE, target, rect);
  g_object_unref (target); /* sends it to GIMP */
}

GeglBuffer *
sf_pixels_new (GimpLayer *layer, const SfResult *result, const SfRect *room, GError **error)
{
  GimpDrawable *drawable = GIMP_DRAWABLE (layer);
  g_autoptr (GeglBuffer) original = gimp_drawable_get_buffer (drawable);
  g_autoptr (GeglBuffer) made = NULL;
  GeglRectangle rect = { result->rect.x, result->rect.y, result->rect.width, result->rect.height };
  GeglRectangle selection;

  /* Rather the box of the selection, if what is changed lies in it: then the selection can stay. */
  if (get_selection (drawable, &selection) && gegl_rectangle_contains (&rect, &selection) && is_confined (result, &selection))
    rect = selection;
  if (!gegl_rectangle_intersect (&rect, &rect, GEGL_RECTANGLE (room->x, room->y, room->width, room->height)))
    {
      g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION, _ ("The selection lies outside of the layer."));
      return NULL;
    }
  made = gegl_buffer_new (&rect, gimp_drawable_get_format (drawable));
  if (!sf_buffer_blend (original, made, result, error))
    return NULL;
  /* What is added to a layer would stay invisible. */
  if (gimp_drawable_has_alpha (drawable) && gimp_layer_get_lock_alpha (layer) && is_size_of (drawable, room))
    restore_alpha (made, original);
  /* The shadow of a layer that will have another size can only be written then. */
  if (is_size_of (drawable, room))
    copy_into (made, gimp_drawable_get_shadow_buffer (drawable), &rect);
  return g_steal_pointer (&made);
}

/*** The selection ***/

/* Selects exactly @rect of @layer; returns a copy of what was selected. */
static GimpChannel *
select_rectangle (GimpImage *image, GimpLayer *layer, const GeglRectangle *rect)
{
  GimpChannel *kept = gimp_channel_copy (GIMP_CHANNEL (gimp_image_get_selection (image)));
  int x = 0, y = 0;

  gimp_drawable_get_offsets (GIMP_DRAWABLE (layer), &x, &y);
  gimp_context_push ();
  gimp_context_set_antialias (FALSE);
  gimp_context_set_feather (FALSE);
  gimp_image_select_rectangle (image, GIMP_CHANNEL_OP_REPLACE, x + rect->x, y + rect->y, rect->width, rect->height);
  gimp_context_pop ();
  return kept;
}

static void
select_again (GimpImage *image, GimpChannel *kept)
{
  gimp_channel_combine_masks (GIMP_CHANNEL (gimp_image_get_selection (image)), kept, GIMP_CHANNEL_OP_REPLACE, 0, 0);
  gimp_item_delete (GIMP_ITEM (kept));
}

/*** Writing ***/

gboolean
sf_pixels_put (GimpLayer *layer, GeglBuffer *made, const SfRect *room, GError **error)
{
  GimpDrawable *drawable = GIMP_DRAWABLE (layer);
  GimpImage *image = gimp_item_get_image (GIMP_ITEM (layer));
  GeglRectangle rect = *gegl_buffer_get_extent (made), selection;
  GimpChannel *kept = NULL;
  gboolean merged, reselect;

  rect.x -= room->x;
  rect.y -= room->y;
  if (!is_size_of (drawable, room))
    {
      gimp_layer_resize (layer, room->width, room->height, -room->x, -room->y);
      copy_into (made, gimp_drawable_get_shadow_buffer (drawable), &rect);
    }
  reselect = !get_selection (drawable, &selection) || !gegl_rectangle_equal (&selection, &rect);
  if (reselect)
    kept = select_rectangle (image, layer, &rect);
  merged = gimp_drawable_merge_shadow (drawable, TRUE);
  if (merged)
    copy_into (made, gimp_drawable_get_buffer (drawable), &rect);
  else
    g_set_error (error, SF_ERROR, SF_ERROR_REGION, _ ("The layer cannot be written to: %s"),
                 gimp_pdb_get_last_error (gimp_get_pdb ()));
  if (reselect)
    select_again (image, kept);
  gimp_drawable_update (drawable, rect.x, rect.y, rect.width, rect.height);
  return merged;
}
