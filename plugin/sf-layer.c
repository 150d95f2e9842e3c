/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-layer.h"

#include <glib/gi18n.h>

#define PARASITE "sfumato"

/* The settings that @result was made with; the dialog's may have changed since. */
static SfSettings *
settings_of (const SfResult *result)
{
  SfSettings *settings = sf_settings_from_json (result->json, NULL, NULL, NULL);

  return settings != NULL ? settings : sf_settings_new ();
}

static char *
make_name (const SfPicture *picture, const SfResult *result)
{
  g_autoptr (SfSettings) made = settings_of (result);
  int seed = sf_result_get_seed (result);

  switch (picture->task)
    {
    case SF_TASK_REGENERATE:
      return g_strdup_printf (_ ("Regenerated %.0f %%, seed %d"), 100 * made->strength, seed);
    case SF_TASK_FILL:
      return g_strdup_printf (_ ("Filled, seed %d"), seed);
    case SF_TASK_EXPAND:
      return g_strdup_printf (_ ("Expanded, seed %d"), seed);
    default:
      return g_strdup_printf (_ ("Generated, seed %d"), seed);
    }
}

void
sf_layer_attach_settings (GimpLayer *layer, const SfResult *result)
{
  GimpParasite *parasite = gimp_parasite_new (PARASITE, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
                                              strlen (result->json) + 1, result->json);

  gimp_item_attach_parasite (GIMP_ITEM (layer), parasite);
  gimp_parasite_free (parasite);
}

gboolean
sf_layer_is_result (GimpLayer *layer)
{
  GimpParasite *parasite = gimp_item_get_parasite (GIMP_ITEM (layer), PARASITE);
  g_autoptr (SfSettings) made = NULL;
  g_autofree char *json = NULL;
  guint32 size;
  const char *data;

  if (parasite == NULL)
    return FALSE;
  data = gimp_parasite_get_data (parasite, &size);
  json = g_strndup (data, size);
  gimp_parasite_free (parasite);
  made = sf_settings_from_json (json, NULL, NULL, NULL);
  return made != NULL && g_str_equal (made->output, "new-layer");
}

GimpLayer *
sf_layer_new (const SfPicture *picture, GimpImage *image, GimpImageType type, int width, int height, const SfResult *result)
{
  g_autofree char *name = make_name (picture, result);
  GimpLayer *layer = gimp_layer_new (image, name, width, height, type, 100, gimp_image_get_default_new_layer_mode (image));

  sf_layer_attach_settings (layer, result);
  return layer;
}

SfRect
sf_picture_canvas (const SfPicture *picture, const SfResult *result)
{
  g_autoptr (SfSettings) made = settings_of (result);

  switch (picture->task)
    {
    case SF_TASK_GENERATE:
      return (SfRect) { 0, 0, result->rect.width, result->rect.height };
    case SF_TASK_EXPAND:
      return (SfRect) { -made->left, -made->top, picture->bounds.width + made->left + made->right,
                        picture->bounds.height + made->top + made->bottom };
    default:
      return (SfRect) { 0, 0, picture->bounds.width, picture->bounds.height };
    }
}

GimpImageType
sf_layer_type_with_alpha (GimpImage *image)
{
  return gimp_image_get_base_type (image) == GIMP_GRAY ? GIMP_GRAYA_IMAGE : GIMP_RGBA_IMAGE;
}

SfResult
sf_result_shifted (const SfResult *result, int x, int y)
{
  SfResult copy = *result;

  copy.rect.x += x;
  copy.rect.y += y;
  return copy;
}

SfRect
sf_rect_enclose (const SfRect *a, const SfRect *b)
{
  int x = MIN (a->x, b->x), y = MIN (a->y, b->y);

  return (SfRect) { x, y, MAX (a->x + a->width, b->x + b->width) - x, MAX (a->y + a->height, b->y + b->height) - y };
}
