/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-image.h"

#include <glib/gi18n.h>

#include "sf-buffer.h"

/*** What can be worked on ***/

static gboolean
refuse (GError **error, const char *message)
{
  g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION, message);
  return FALSE;
}

static SfRect
get_bounds (GimpLayer *layer)
{
  GimpDrawable *drawable = GIMP_DRAWABLE (layer);
  SfRect bounds = { 0 };

  gimp_drawable_get_offsets (drawable, &bounds.x, &bounds.y);
  bounds.width = gimp_drawable_get_width (drawable);
  bounds.height = gimp_drawable_get_height (drawable);
  return bounds;
}

/* A script can pass a layer that was never inserted; there is no call that tells. */
static gboolean
is_in_image (GimpLayer *layer, GimpImage *image)
{
  GimpItem *top = GIMP_ITEM (layer);
  g_autofree GimpLayer **layers = gimp_image_get_layers (image);

  for (GimpItem *parent = top; parent != NULL; parent = gimp_item_get_parent (parent))
    top = parent;
  for (int i = 0; layers[i] != NULL; i++)
    if (GIMP_ITEM (layers[i]) == top)
      return TRUE;
  return FALSE;
}

/* GIMP itself asks the parents too when pixels are written, and kills the plug-in that did not. */
static gboolean
is_locked (GimpLayer *layer)
{
  for (GimpItem *item = GIMP_ITEM (layer); item != NULL; item = gimp_item_get_parent (item))
    if (gimp_item_get_lock_content (item))
      return TRUE;
  return FALSE;
}

/* Link and vector layers came with GIMP 3.2; asking the procedure database keeps one binary for both. */
static gboolean
is_kind (GimpLayer *layer, const char *question)
{
  GimpProcedure *procedure = gimp_pdb_lookup_procedure (gimp_get_pdb (), question);
  GimpProcedureConfig *config;
  GimpValueArray *answer;
  gboolean is;

  if (procedure == NULL)
    return FALSE;
  config = gimp_procedure_create_config (procedure);
  g_object_set (config, "item-id", gimp_item_get_id (GIMP_ITEM (layer)), NULL);
  answer = gimp_procedure_run_config (procedure, config);
  is = gimp_value_array_length (answer) > 1 && GIMP_VALUES_GET_BOOLEAN (answer, 1);
  gimp_value_array_unref (answer);
  g_object_unref (config);
  return is;
}

/* The one layer among @drawables, whatever the script passed. */
static GimpLayer *
find_layer (GimpImage *image, GimpDrawable **drawables, GError **error)
{
  const char *message = NULL;

  if (drawables == NULL || drawables[0] == NULL)
    message = _ ("No layer is selected. Select the layer to work on.");
  else if (drawables[1] != NULL)
    message = _ ("Several layers are selected. Select only the one to work on.");
  else if (!gimp_item_is_valid (GIMP_ITEM (drawables[0])))
    message = _ ("The layer does not exist any more.");
  else if (gimp_item_is_layer_mask (GIMP_ITEM (drawables[0])))
    message = _ ("A layer mask is selected. Select the layer itself: click its picture in the Layers dialog.");
  else if (!GIMP_IS_LAYER (drawables[0]))
    message = _ ("A channel is selected. Select a layer.");
  else if (gimp_image_get_floating_sel (image) != NULL)
    message = _ ("There is a floating selection. Anchor it or make it a layer first.");
  else if (!is_in_image (GIMP_LAYER (drawables[0]), image))
    message = _ ("The layer is not part of the image. Insert it first.");
  else if (gimp_item_is_group (GIMP_ITEM (drawables[0])))
    message = _ ("A layer group is selected. Select one of the layers in it.");
  if (message == NULL)
    return GIMP_LAYER (drawables[0]);
  refuse (error, message);
  return NULL;
}

gboolean
sf_picture_init (SfPicture *self, SfTask task, GimpImage *image, GimpDrawable **drawables, GError **error)
{
  *self = (SfPicture) { .task = task };
  if (image == NULL && task == SF_TASK_GENERATE) /* some models need none */
    return TRUE;
  if (image == NULL)
    return refuse (error, _ ("There is no image. Open one first."));
  if (!gimp_image_is_valid (image))
    return refuse (error, _ ("The image does not exist any more."));
  if (gimp_image_get_base_type (image) == GIMP_INDEXED)
    return refuse (error, _ ("The image has indexed colors. Convert it to RGB first (Image ▸ Mode ▸ RGB)."));

  self->image = image;
  self->layer = find_layer (image, drawables, error);
  if (self->layer == NULL)
    return FALSE;
  self->layer_bounds = get_bounds (self->layer);
  self->image_width = gimp_image_get_width (image);
  self->image_height = gimp_image_get_height (image);
  self->bounds = task == SF_TASK_EXPAND ? (SfRect) { 0, 0, self->image_width, self->image_height }
                                        : self->layer_bounds;
  return TRUE;
}

gboolean
sf_picture_check (const SfPicture *self, const SfSettings *settings, GError **error)
{
  GimpDrawable *drawables[] = { (GimpDrawable *) self->layer, NULL };
  const SfEngineInfo *engine = sf_settings_engine (settings);
  SfPicture now;

  if (self->image == NULL && engine != NULL && engine->needs_picture)
    return refuse (error, _ ("Open a picture to take the example from, or choose a model that needs none."));
  if (self->image == NULL)
    return TRUE;
  if (!sf_picture_init (&now, self->task, self->image, drawables, error))
    return FALSE;
  if (now.layer_bounds.width != self->layer_bounds.width || now.layer_bounds.height != self->layer_bounds.height ||
      now.image_width != self->image_width || now.image_height != self->image_height)
    return refuse (error, _ ("The size of the layer or of the image was changed meanwhile. Try again."));
  if (now.layer_bounds.x != self->layer_bounds.x || now.layer_bounds.y != self->layer_bounds.y)
    return refuse (error, _ ("The layer was moved meanwhile. Try again."));
  if (is_locked (self->layer))
    return refuse (error, _ ("The pixels of the layer, or of a group it is in, are locked. Unlock them in the Layers dialog."));
  if (g_strcmp0 (settings->output, "replace") == 0 &&
      (gimp_item_is_text_layer (GIMP_ITEM (self->layer)) || is_kind (self->layer, "gimp-item-id-is-link-layer") ||
       is_kind (self->layer, "gimp-item-id-is-vector-layer")))
    return refuse (error, _ ("The layer holds text, a path or a linked file, not pixels. Choose a new layer as the result, or rasterize it first."));
  return TRUE;
}

SfSettings *
sf_picture_resolve (const SfPicture *self, const SfSettings *settings)
{
  SfSettings *resolved = sf_settings_copy (settings);
  gboolean replace = g_strcmp0 (settings->output, "replace") == 0;

  if (self->task != SF_TASK_GENERATE || self->image == NULL)
    return resolved;
  if (resolved->width == 0)
    resolved->width = replace ? self->layer_bounds.width : self->image_width;
  if (resolved->height == 0)
    resolved->height = replace ? self->layer_bounds.height : self->image_height;
  return resolved;
}

/*** Reading ***/

GeglBuffer *
sf_picture_get_buffer (const SfPicture *self, const SfSettings *settings, int *x, int *y)
{
  if (settings->sample_merged && self->task != SF_TASK_GENERATE)
    {
      GimpLayer *visible = gimp_layer_new_from_visible (self->image, self->image, "sfumato");
      GeglBuffer *buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (visible));
      GeglBuffer *copy = gegl_buffer_dup (buffer); /* the pixels go with the layer */

      g_object_unref (buffer);
      gimp_item_delete (GIMP_ITEM (visible));
      *x = self->bounds.x;
      *y = self->bounds.y;
      return copy;
    }
  *x = self->bounds.x - self->layer_bounds.x;
  *y = self->bounds.y - self->layer_bounds.y;
  return gimp_drawable_get_buffer (GIMP_DRAWABLE (self->layer));
}

/* Whether the selection counts; its bounding box in the picture's coordinates. */
static gboolean
get_selection (const SfPicture *self, SfRect *box)
{
  gboolean any = FALSE;
  int x1 = 0, y1 = 0, x2 = 0, y2 = 0;

  if (self->task == SF_TASK_EXPAND ||
      !gimp_selection_bounds (self->image, &any, &x1, &y1, &x2, &y2) || !any)
    return FALSE;
  *box = (SfRect) { x1 - self->bounds.x, y1 - self->bounds.y, x2 - x1, y2 - y1 };
  return TRUE;
}

static SfRect
moved (const SfRect *rect, int x, int y)
{
  return (SfRect) { rect->x + x, rect->y + y, rect->width, rect->height };
}

static float *
read_coverage (const SfPicture *self, const SfRect *rect, GError **error)
{
  GimpDrawable *selection = GIMP_DRAWABLE (gimp_image_get_selection (self->image));
  GeglBuffer *buffer = gimp_drawable_get_buffer (selection);
  SfRect there = moved (rect, self->bounds.x, self->bounds.y);
  float *coverage = sf_buffer_read_coverage (buffer, &there, error);

  g_object_unref (buffer);
  return coverage;
}

SfJob *
sf_picture_read (const SfPicture *self, const SfSettings *settings, GError **error)
{
  g_autoptr (SfSettings) resolved = sf_picture_resolve (self, settings);
  g_autoptr (SfJob) job = NULL;
  g_autoptr (GeglBuffer) buffer = NULL;
  g_autofree float *rgba = NULL, *coverage = NULL;
  SfRect box, crop, there;
  gboolean selected = self->image != NULL && get_selection (self, &box);
  int x, y;

  job = sf_job_new (self->task, resolved, self->bounds.width, self->bounds.height, selected ? &box : NULL, error);
  if (job == NULL || !sf_job_needs_pixels (job))
    return g_steal_pointer (&job);
  crop = sf_job_get_crop (job);
  buffer = sf_picture_get_buffer (self, settings, &x, &y);
  there = moved (&crop, x, y);
  rgba = sf_buffer_read_rgba (buffer, &there, error);
  if (rgba == NULL)
    return NULL;
  /* Generate takes the whole bounding box as its example. */
  if (selected && self->task != SF_TASK_GENERATE)
    {
      coverage = read_coverage (self, &crop, error);
      if (coverage == NULL)
        return NULL;
    }
  if (!sf_job_set_pixels (job, g_steal_pointer (&rgba), g_steal_pointer (&coverage), NULL, error))
    return NULL;
  return g_steal_pointer (&job);
}

static float *
read_scaled (GeglBuffer *buffer, int x, int y, const SfRect *rect, double scale, const char *format, int n, GError **error)
{
  GeglRectangle there = { rect->x + (int) (x * scale), rect->y + (int) (y * scale), rect->width, rect->height };
  float *pixels = sf_try_alloc ((gsize) rect->width * rect->height, n * sizeof (float), error);

  if (pixels != NULL)
    gegl_buffer_get (buffer, &there, scale, babl_format (format), pixels, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return pixels;
}

gboolean
sf_picture_view (const SfPicture *self, const SfSettings *settings, const SfRect *rect, double scale, float **rgba,
                 float **coverage, GError **error)
{
  g_autoptr (GeglBuffer) buffer = NULL, selection = NULL;
  SfRect box;
  int x, y;

  *rgba = *coverage = NULL;
  if (self->image == NULL)
    return (*rgba = sf_try_alloc ((gsize) rect->width * rect->height, 4 * sizeof (float), error)) != NULL;
  if (!gimp_image_is_valid (self->image) || !gimp_item_is_valid (GIMP_ITEM (self->layer)))
    return refuse (error, _ ("The image or the layer does not exist any more."));
  buffer = sf_picture_get_buffer (self, settings, &x, &y);
  *rgba = read_scaled (buffer, x, y, rect, scale, "R'G'B'A float", 4, error);
  if (*rgba == NULL || !get_selection (self, &box))
    return *rgba != NULL;
  selection = gimp_drawable_get_buffer (GIMP_DRAWABLE (gimp_image_get_selection (self->image)));
  *coverage = read_scaled (selection, self->bounds.x, self->bounds.y, rect, scale, "Y float", 1, error);
  if (*coverage == NULL)
    g_clear_pointer (rgba, g_free);
  return *coverage != NULL;
}
