/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options of a network, as config.json has them.
 *
 * Keeps its first error, which names the option, what it is and what it may be.  A null counts as not given.
 */
#pragma once

#include <json-glib/json-glib.h>

#define SF_CONFIG_MAX_LIST 16

typedef struct
{
  JsonObject *object; /* (nullable) */
  GError *error;
} SfConfig;

/* Tables of them end with a row of %NULL. */
typedef struct
{
  const char *name;
  int value;
} SfConfigChoice;

gboolean sf_config_has (const SfConfig *self, const char *name);
/* Given as null, where that means something else than what is usual. */
gboolean sf_config_is_null (const SfConfig *self, const char *name);
int sf_config_int (SfConfig *self, const char *name, int fallback, int min, int max);
double sf_config_number (SfConfig *self, const char *name, double fallback, double min, double max);
gboolean sf_config_flag (SfConfig *self, const char *name, gboolean fallback);
/* The value that goes with the text. */
int sf_config_choice (SfConfig *self, const char *name, int fallback, const SfConfigChoice *choices);

/* Lists, which must be given.  Return their length, 1 to SF_CONFIG_MAX_LIST; 0 with an error. */
int sf_config_numbers (SfConfig *self, const char *name, double min, double max, double out[SF_CONFIG_MAX_LIST]);
int sf_config_choices (SfConfig *self, const char *name, const SfConfigChoice *choices, int out[SF_CONFIG_MAX_LIST]);

/* The first one stays; %SF_ERROR_MODEL. */
void sf_config_fail (SfConfig *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
