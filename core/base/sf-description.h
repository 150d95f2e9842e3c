/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptions of models, and options of networks: JSON objects that are not to be trusted.
 *
 * A reader holds the object, what to call it in messages, and one sticky error: a member of the wrong type or out of its range sets
 * it, and from then on every member has its fallback.  So a description is read in a straight line, and asked once at the end
 * whether all of it was right.  A member that is missing or null has its fallback.  Errors are %SF_ERROR_MODEL and name the member,
 * what it is and what it may be.
 */
#pragma once

#include <json-glib/json-glib.h>

#define SF_DESCRIPTION_MAX_LIST 16

typedef struct
{
  JsonObject *object; /* (nullable): nothing is in it */
  const char *file;   /* for messages; (nullable): options of a network, whose checkpoint is named by who passes them on */
  GError *error;      /* (nullable) */
  GHashTable *asked;  /* (nullable): a set that gets the names of all members that were asked for */
} SfDescription;

/* A word that a member may be, and what it stands for: a number, or another word.  Tables of them end with a row of %NULL. */
typedef struct
{
  const char *theirs;
  int value;
  const char *ours;
} SfWord;

/* (transfer full) (nullable): the object that the file @path holds; %NULL with %SF_ERROR_MODEL. */
JsonObject *sf_description_load (const char *path, GError **error);
/* The same of text in memory; @file is for messages. */
JsonObject *sf_description_parse (const char *text, gssize length, const char *file, GError **error);

gboolean sf_description_has (const SfDescription *self, const char *name);
/* Given as null, where that means something else than what is usual. */
gboolean sf_description_is_null (const SfDescription *self, const char *name);
double sf_description_number (SfDescription *self, const char *name, double min, double max, double fallback);
int sf_description_int (SfDescription *self, const char *name, int min, int max, int fallback);
gboolean sf_description_flag (SfDescription *self, const char *name, gboolean fallback);
/* (transfer none) (nullable) */
const char *sf_description_text (SfDescription *self, const char *name, const char *fallback);
/* (transfer none) (nullable): the row of the word that it is, else that of @fallback (nullable). */
const SfWord *sf_description_word (SfDescription *self, const char *name, const SfWord *words, const char *fallback);
/* The value that goes with the word. */
int sf_description_choice (SfDescription *self, const char *name, const SfWord *words, int fallback);
/* (transfer none) (nullable) */
JsonObject *sf_description_object (SfDescription *self, const char *name);
/* A number from 1 to @most that stands for both sides, or a list of one or two; FALSE: it is not given, or wrong. */
gboolean sf_description_sides (SfDescription *self, const char *name, int most, int side[2]);
/* (transfer full) (nullable) (array length=n): at least one number. */
double *sf_description_numbers (SfDescription *self, const char *name, double min, double max, int *n);
/* (transfer full) (nullable): a list of texts, or of one text by itself. */
GStrv sf_description_texts (SfDescription *self, const char *name);

/* Short lists, which must be given.  Return their length, at most SF_DESCRIPTION_MAX_LIST; 0 with an error. */
int sf_description_list (SfDescription *self, const char *name, double min, double max, double out[SF_DESCRIPTION_MAX_LIST]);
int sf_description_choices (SfDescription *self, const char *name, const SfWord *words, int out[SF_DESCRIPTION_MAX_LIST]);

/* (transfer none) (nullable): a member that nobody asked for: a slip of the pen, or something that is not known here. */
const char *sf_description_get_unknown (const SfDescription *self);
/* Sets the error, unless there is one: for values that only the caller can judge.  @what: translated, "must be …". */
void sf_description_refuse (SfDescription *self, const char *name, const char *what);
/* Likewise, where it is not one member that is wrong: the whole message. */
void sf_description_fail (SfDescription *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* FALSE with the sticky error, which the reader loses. */
gboolean sf_description_end (SfDescription *self, GError **error);
