/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The original is only read. */
#include "sf-layer.h"

#include "sf-buffer.h"

static GimpImage *
new_image (const SfPicture *picture, int width, int height)
{
  GimpImage *image = picture->image == NULL ? gimp_image_new (width, height, GIMP_RGB)
                                            : gimp_image_new_with_precision (width, height, gimp_image_get_base_type (picture->image),
                                                                             gimp_image_get_precision (picture->image));
  GimpColorProfile *profile = picture->image != NULL ? gimp_image_get_color_profile (picture->image) : NULL;
  double x = 72, y = 72;

  gimp_image_undo_disable (image);
  if (picture->image == NULL)
    return image;
  if (profile != NULL)
    {
      gimp_image_set_color_profile (image, profile);
      g_object_unref (profile);
    }
  if (gimp_image_get_resolution (picture->image, &x, &y))
    gimp_image_set_resolution (image, x, y);
  return image;
}

/* The whole picture with @result in it, as a layer that starts at @canvas. */
static gboolean
fill_whole_layer (const SfPicture *picture, const SfSettings *settings, GimpLayer *layer, const SfRect *canvas,
                  const SfResult *result, GError **error)
{
  g_autoptr (GeglBuffer) target = gimp_drawable_get_buffer (GIMP_DRAWABLE (layer));
  g_autoptr (GeglBuffer) source = NULL;
  SfResult here = sf_result_shifted (result, -canvas->x, -canvas->y);
  GeglRectangle from = { 0, 0, picture->bounds.width, picture->bounds.height };
  GeglRectangle to = { -canvas->x, -canvas->y, from.width, from.height };

  if (picture->task == SF_TASK_GENERATE)
    {
      sf_buffer_write_rgba (target, result);
      return TRUE;
    }
  source = sf_picture_get_buffer (picture, settings, &from.x, &from.y);
  gegl_buffer_copy (source, &from, GEGL_ABYSS_NONE, target, &to);
  return sf_buffer_blend (target, target, &here, error);
}

static GimpImageType
whole_layer_type (const SfPicture *picture, const SfSettings *settings)
{
  SfRect both = sf_rect_enclose (&picture->bounds, &picture->layer_bounds);
  gboolean covered = both.width == picture->layer_bounds.width && both.height == picture->layer_bounds.height;

  if (picture->image == NULL)
    return GIMP_RGB_IMAGE;
  /* What is visible may be transparent although the layer cannot be. */
  return covered && !settings->sample_merged ? gimp_drawable_type (GIMP_DRAWABLE (picture->layer))
                                             : sf_layer_type_with_alpha (picture->image);
}

gboolean
sf_write_image (const SfPicture *picture, const SfSettings *settings, GPtrArray *ranked, GPtrArray *layers, gboolean show,
                GError **error)
{
  SfRect canvas = sf_picture_canvas (picture, ranked->pdata[0]);
  GimpImageType type = whole_layer_type (picture, settings);
  GimpImage *image = new_image (picture, canvas.width, canvas.height);

  for (guint i = 0; i < ranked->len; i++)
    {
      GimpLayer *layer = sf_layer_new (picture, image, type, canvas.width, canvas.height, ranked->pdata[i]);

      gimp_item_set_visible (GIMP_ITEM (layer), i == 0);
      gimp_image_insert_layer (image, layer, NULL, (int) i);
      if (!fill_whole_layer (picture, settings, layer, &canvas, ranked->pdata[i], error))
        {
          gimp_image_delete (image);
          return FALSE;
        }
      g_ptr_array_add (layers, layer);
    }
  gimp_image_set_selected_layers (image, (const GimpLayer *[]) { layers->pdata[0], NULL });
  gimp_image_undo_enable (image);
  if (show)
    gimp_display_new (image);
  return TRUE;
}
