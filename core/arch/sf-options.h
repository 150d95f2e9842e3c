/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options of a network, as config.json has them.
 *
 * Keeps its first error, which names the option, what it is and what it may be.  A null counts as not given.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "nn/sf-binder.h"

#define SF_OPTIONS_MAX_LIST 16

typedef struct
{
  JsonObject *object; /* (nullable) */
  GError *error;
} SfOptions;

/* Tables of them end with a row of %NULL. */
typedef struct
{
  const char *name;
  int value;
} SfOptionChoice;

gboolean sf_options_has (const SfOptions *self, const char *name);
/* Given as null, where that means something else than what is usual. */
gboolean sf_options_is_null (const SfOptions *self, const char *name);
int sf_options_int (SfOptions *self, const char *name, int fallback, int min, int max);
double sf_options_number (SfOptions *self, const char *name, double fallback, double min, double max);
gboolean sf_options_flag (SfOptions *self, const char *name, gboolean fallback);
/* The value that goes with the text. */
int sf_options_choice (SfOptions *self, const char *name, int fallback, const SfOptionChoice *choices);

/* Lists, which must be given.  Return their length, at most SF_OPTIONS_MAX_LIST; 0 with an error. */
int sf_options_numbers (SfOptions *self, const char *name, double min, double max, double out[SF_OPTIONS_MAX_LIST]);
int sf_options_choices (SfOptions *self, const char *name, const SfOptionChoice *choices, int out[SF_OPTIONS_MAX_LIST]);

/* FALSE: there was an error, which @binder has now. */
gboolean sf_options_check (SfOptions *self, SfBinder *binder);
/* The first one stays; %SF_ERROR_MODEL. */
void sf_options_fail (SfOptions *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
