/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-facts.h"

SfFacts *
sf_facts_new (void)
{
  SfFacts *self = g_new0 (SfFacts, 1);

  self->json = json_builder_new ();
  json_builder_begin_object (self->json);
  self->lines = g_string_new (NULL);
  return self;
}

void
sf_facts_free (SfFacts *self)
{
  g_object_unref (self->json);
  g_string_free (self->lines, TRUE);
  g_free (self);
}

static void
add_line (SfFacts *self, const char *label, const char *text)
{
  if (label != NULL && *text != '\0')
    g_string_append_printf (self->lines, "%-18s %s\n", label, text);
}

void
sf_facts_add (SfFacts *self, const char *name, const char *label, const char *text)
{
  if (text == NULL)
    return;
  add_line (self, label, text);
  if (name == NULL)
    return;
  json_builder_set_member_name (self->json, name);
  json_builder_add_string_value (self->json, text);
}

void
sf_facts_add_list (SfFacts *self, const char *name, const char *label, const char *const *texts)
{
  g_autofree char *line = texts != NULL ? g_strjoinv (", ", (GStrv) texts) : NULL;

  if (texts == NULL)
    return;
  add_line (self, label, line);
  json_builder_set_member_name (self->json, name);
  json_builder_begin_array (self->json);
  for (; *texts != NULL; texts++)
    json_builder_add_string_value (self->json, *texts);
  json_builder_end_array (self->json);
}

void
sf_facts_add_number (SfFacts *self, const char *name, const char *label, double number, const char *text)
{
  add_line (self, label, text);
  json_builder_set_member_name (self->json, name);
  if (number == (double) (gint64) number)
    json_builder_add_int_value (self->json, (gint64) number);
  else
    json_builder_add_double_value (self->json, number);
}

void
sf_facts_add_flag (SfFacts *self, const char *name, gboolean flag)
{
  json_builder_set_member_name (self->json, name);
  json_builder_add_boolean_value (self->json, flag);
}

void
sf_facts_print (SfFacts *self, gboolean json)
{
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_end_object (self->json);
  if (!json)
    {
      g_print ("%s", self->lines->str);
      return;
    }
  root = json_builder_get_root (self->json);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}
