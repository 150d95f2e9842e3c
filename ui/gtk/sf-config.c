/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A procedure's config to settings.
 *
 * The properties are named as the rows of sf_settings_params().  Whatever a property's type is, its value travels as
 * the text that sf_settings_set() reads, so there is one parser and one set of messages for every host.
 */
#include "sf-dialog.h"

/* The C locale's text of @property, which sf_settings_set() takes. */
static char *
property_text (GObject *config, GParamSpec *property)
{
  g_auto (GValue) value = G_VALUE_INIT;
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_value_init (&value, property->value_type);
  g_object_get_property (config, property->name, &value);
  switch (G_TYPE_FUNDAMENTAL (property->value_type))
    {
    case G_TYPE_BOOLEAN:
      return g_strdup (g_value_get_boolean (&value) ? "true" : "false");
    case G_TYPE_INT:
      return g_strdup_printf ("%d", g_value_get_int (&value));
    case G_TYPE_DOUBLE:
      return g_strdup (g_ascii_dtostr (number, sizeof number, g_value_get_double (&value)));
    case G_TYPE_STRING:
      /* GIMP turns an empty default into NULL on the way through pluginrc. */
      return g_strdup (g_value_get_string (&value) ? g_value_get_string (&value) : "");
    default:
      return NULL;
    }
}

SfSettings *
sf_settings_from_config (GObject *config)
{
  SfSettings *settings = sf_settings_new ();
  int n;
  const SfParam *params = sf_settings_params (&n);

  for (int i = 0; i < n; i++)
    {
      GParamSpec *property = g_object_class_find_property (G_OBJECT_GET_CLASS (config), params[i].name);
      g_autofree char *text = property ? property_text (config, property) : NULL;

      /* A value that cannot be set stays at its default here; sf_settings_validate() has the words for the rest. */
      if (text != NULL && (*text != '\0' || params[i].type == SF_PARAM_STRING))
        sf_settings_set (settings, &params[i], text, NULL);
    }
  return settings;
}
