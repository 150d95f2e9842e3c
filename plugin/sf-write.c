/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-write.h"

#include "sf-buffer.h"
#include "sf-layer.h"
#include "sf-pixels.h"

/* Enlarges the image; everything in it moves by minus the corner of @canvas. */
static void
resize_image (const SfPicture *picture, const SfRect *canvas)
{
  if (canvas->x != 0 || canvas->y != 0 || canvas->width != picture->image_width || canvas->height != picture->image_height)
    gimp_image_resize (picture->image, canvas->width, canvas->height, -canvas->x, -canvas->y);
}

/*** A layer above ***/

static void
add_mask (GimpLayer *layer, const SfResult *result)
{
  GimpLayerMask *mask = gimp_layer_create_mask (layer, GIMP_ADD_MASK_WHITE);
  GeglBuffer *buffer;

  gimp_layer_add_mask (layer, mask);
  buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (mask));
  sf_buffer_write_mask (buffer, result);
  g_object_unref (buffer);
  gimp_drawable_update (GIMP_DRAWABLE (mask), 0, 0, result->rect.width, result->rect.height);
}

/* Complete but not yet inserted, so that nobody ever sees half of it. */
static GimpLayer *
build_layer (const SfPicture *picture, const SfResult *result, gboolean visible)
{
  GimpImage *image = picture->image;
  GimpLayer *layer = sf_layer_new (picture, image, sf_layer_type_with_alpha (image), result->rect.width,
                                   result->rect.height, result);
  GeglBuffer *buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (layer));

  sf_buffer_write_rgba (buffer, result);
  g_object_unref (buffer);
  gimp_drawable_update (GIMP_DRAWABLE (layer), 0, 0, result->rect.width, result->rect.height);
  gimp_item_set_visible (GIMP_ITEM (layer), visible);
  if (picture->task != SF_TASK_GENERATE)
    add_mask (layer, result);
  return layer;
}

/* The place directly above the picture's layer and the results that lie on it: the last one made is the one to see. */
static int
get_place (const SfPicture *picture)
{
  GimpItem *below = GIMP_ITEM (picture->layer), *parent = gimp_item_get_parent (below);
  g_autofree GimpItem **siblings = parent != NULL ? gimp_item_get_children (parent)
                                                  : (GimpItem **) gimp_image_get_layers (picture->image);
  int place = gimp_image_get_item_position (picture->image, below);

  while (place > 0 && sf_layer_is_result (GIMP_LAYER (siblings[place - 1])))
    place--;
  return place;
}

static void
build_layers (const SfPicture *picture, GPtrArray *ranked, GPtrArray *layers)
{
  for (guint i = 0; i < ranked->len; i++)
    g_ptr_array_add (layers, build_layer (picture, ranked->pdata[i], i == 0));
}

static void
insert_layers (const SfPicture *picture, GPtrArray *ranked, GPtrArray *layers)
{
  SfRect canvas = sf_picture_canvas (picture, ranked->pdata[0]);
  gboolean generate = picture->task == SF_TASK_GENERATE;
  int x = generate ? 0 : picture->bounds.x - canvas.x;
  int y = generate ? 0 : picture->bounds.y - canvas.y;
  GimpLayer *parent = GIMP_LAYER (gimp_item_get_parent (GIMP_ITEM (picture->layer)));
  int place = get_place (picture);

  if (picture->task == SF_TASK_EXPAND)
    resize_image (picture, &canvas);
  for (guint i = 0; i < ranked->len; i++)
    {
      const SfResult *result = ranked->pdata[i];
      GimpLayer *layer = layers->pdata[i];

      gimp_layer_set_offsets (layer, x + result->rect.x, y + result->rect.y);
      gimp_image_insert_layer (picture->image, layer, parent, place + (int) i);
      gimp_layer_set_edit_mask (layer, FALSE);
    }
}

/*** The layer itself ***/

/* The layer afterwards, in its coordinates before. */
static SfRect
layer_afterwards (const SfPicture *picture, const SfRect *canvas)
{
  SfRect layer = { 0, 0, picture->layer_bounds.width, picture->layer_bounds.height };
  SfRect whole = *canvas;

  if (picture->task == SF_TASK_GENERATE)
    return whole;
  if (picture->task != SF_TASK_EXPAND)
    return layer;
  whole.x -= picture->layer_bounds.x;
  whole.y -= picture->layer_bounds.y;
  return sf_rect_enclose (&layer, &whole);
}

/* What is known before anything is changed. */
typedef struct
{
  SfRect canvas, room;
  GeglBuffer *made;
} Replacement;

static gboolean
build_replacement (const SfPicture *picture, const SfResult *best, Replacement *replacement, GError **error)
{
  SfResult here = sf_result_shifted (best, picture->bounds.x - picture->layer_bounds.x,
                                     picture->bounds.y - picture->layer_bounds.y);

  replacement->canvas = sf_picture_canvas (picture, best);
  replacement->room = layer_afterwards (picture, &replacement->canvas);
  replacement->made = sf_pixels_new (picture->layer, &here, &replacement->room, error);
  return replacement->made != NULL;
}

static gboolean
put_replacement (const SfPicture *picture, const SfResult *best, const Replacement *replacement, GError **error)
{
  if (picture->task == SF_TASK_EXPAND)
    resize_image (picture, &replacement->canvas);
  if (!sf_pixels_put (picture->layer, replacement->made, &replacement->room, error))
    return FALSE;
  sf_layer_attach_settings (picture->layer, best);
  return TRUE;
}

/* Everything that takes time comes before the undo group: a kill inside would leave half of the work. */
static gboolean
write_here (const SfPicture *picture, const SfSettings *settings, GPtrArray *ranked, GPtrArray *layers, GError **error)
{
  GimpImage *image = picture->image;
  g_autofree GimpLayer **selected = gimp_image_get_selected_layers (image);
  gboolean replace = g_str_equal (settings->output, "replace"), done = TRUE;
  Replacement replacement = { .made = NULL };

  if (!replace)
    build_layers (picture, ranked, layers);
  else if (!build_replacement (picture, ranked->pdata[0], &replacement, error))
    return FALSE;
  else
    g_ptr_array_add (layers, picture->layer);

  gimp_image_undo_group_start (image);
  if (replace)
    done = put_replacement (picture, ranked->pdata[0], &replacement, error);
  else
    insert_layers (picture, ranked, layers);
  /* Else the next run would take the new layer, or its mask, for the picture. */
  gimp_image_set_selected_layers (image, (const GimpLayer **) selected);
  gimp_image_undo_group_end (image);
  g_clear_object (&replacement.made);
  return done;
}

/*** All of them ***/

/* @layers, made in the order of @ranked, in the order of @results. */
static GPtrArray *
in_order_of (GPtrArray *results, GPtrArray *ranked, GPtrArray *layers)
{
  GPtrArray *ordered = g_ptr_array_sized_new (layers->len);
  guint place;

  for (guint i = 0; i < results->len; i++)
    if (g_ptr_array_find (ranked, results->pdata[i], &place) && place < layers->len)
      g_ptr_array_add (ordered, layers->pdata[place]);
  return ordered;
}

GPtrArray *
sf_write (const SfPicture *picture, const SfSettings *settings, GPtrArray *results, gboolean show, GError **error)
{
  g_autoptr (GPtrArray) ranked = sf_results_rank (results), layers = g_ptr_array_new ();
  gboolean done;

  g_return_val_if_fail (results->len > 0, NULL);

  if (!sf_picture_check (picture, settings, error))
    return NULL;
  if (picture->image == NULL || g_str_equal (settings->output, "new-image"))
    done = sf_write_image (picture, settings, ranked, layers, show, error);
  else
    done = write_here (picture, settings, ranked, layers, error);
  gimp_displays_flush ();
  return done ? in_order_of (results, ranked, layers) : NULL;
}
