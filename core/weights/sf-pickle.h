/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pickles of Python, protocols 2 to 5, as data.
 *
 * A pickle is a program for a stack machine that may name any function and have it called.  Here nothing is called: a call is a
 * value like any other, with the function's name and the arguments, and whoever reads knows a few by name.  Memory is bounded:
 * the number of steps is, and no step makes more than it reads.
 */
#pragma once

#include <glib.h>

typedef enum
{
  SF_PICKLE_OTHER,      /* anything that needs no look */
  SF_PICKLE_INTEGER,    /* truth values too */
  SF_PICKLE_REAL,
  SF_PICKLE_TEXT,
  SF_PICKLE_TUPLE,
  SF_PICKLE_LIST,
  SF_PICKLE_DICT,       /* items: key, value, key, value … */
  SF_PICKLE_GLOBAL,     /* text: "module.name" */
  SF_PICKLE_CALL,       /* function, argument (a tuple); items: what was put into the object, as in a dictionary or a list */
  SF_PICKLE_PERSISTENT, /* argument: what names an object outside of the pickle */
} SfPickleKind;

typedef struct _SfPickleValue SfPickleValue;
struct _SfPickleValue
{
  SfPickleKind kind;
  gint64 integer;
  double real;
  char *text;
  GPtrArray *items; /* (nullable): none */
  SfPickleValue *function, *argument;
};

typedef struct
{
  SfPickleValue *root;
  GPtrArray *values; /* all, in the order in which they were made */
  gsize size;        /* bytes read */
} SfPickle;

/* (transfer full) (nullable): %NULL with %SF_ERROR_MODEL. */
SfPickle *sf_pickle_read (const guint8 *data, gsize size, GError **error);
void sf_pickle_free (SfPickle *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfPickle, sf_pickle_free)

/* Number of items; 0 for what has none. */
guint sf_pickle_n (const SfPickleValue *self);
/* (nullable): item @i, if it is there and of that kind. */
const SfPickleValue *sf_pickle_item (const SfPickleValue *self, guint i, SfPickleKind kind);
/* (nullable): name of the function of a call, of a class or of a function. */
const char *sf_pickle_name (const SfPickleValue *self);
