/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptions of models: JSON objects that are not to be trusted.
 *
 * A reader holds the object, what to call it in messages, and one sticky error: a member of the wrong type or out of its range sets
 * it, and from then on every member has its fallback.  So a description is read in a straight line, and asked once at the end
 * whether all of it was right.  A member that is missing or null has its fallback.
 */
#pragma once

#include <json-glib/json-glib.h>

typedef struct
{
  JsonObject *object; /* (nullable): nothing is in it */
  const char *file;   /* for messages */
  GError *error;      /* (nullable) */
  GHashTable *asked;  /* (nullable): a set that gets the names of all members that were asked for */
} SfDescription;

/* (transfer full) (nullable): the object that the file @path holds; %NULL with %SF_ERROR_MODEL. */
JsonObject *sf_description_load (const char *path, GError **error);
/* The same of text in memory; @file is for messages. */
JsonObject *sf_description_parse (const char *text, gssize length, const char *file, GError **error);

gboolean sf_description_has (const SfDescription *self, const char *name);
double sf_description_number (SfDescription *self, const char *name, double min, double max, double fallback);
int sf_description_int (SfDescription *self, const char *name, int min, int max, int fallback);
gboolean sf_description_flag (SfDescription *self, const char *name, gboolean fallback);
/* (transfer none) (nullable) */
const char *sf_description_text (SfDescription *self, const char *name, const char *fallback);
/* (transfer none) (nullable) */
JsonObject *sf_description_object (SfDescription *self, const char *name);
/* (transfer full) (nullable) (array length=n): at least one number. */
double *sf_description_numbers (SfDescription *self, const char *name, int *n);
/* (transfer full) (nullable): a list of texts, or of one text by itself. */
GStrv sf_description_texts (SfDescription *self, const char *name);

/* (transfer none) (nullable): a member that nobody asked for: a slip of the pen, or something that is not known here. */
const char *sf_description_get_unknown (const SfDescription *self);
/* Sets the error, unless there is one: for values that only the caller can judge.  @what: translated, "must be …". */
void sf_description_refuse (SfDescription *self, const char *name, const char *what);
/* FALSE with the sticky error, which the reader loses. */
gboolean sf_description_end (SfDescription *self, GError **error);
