/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of the commands that make pictures.  Options are made from the rows of the settings. */
#pragma once

#include "sfumato.h"

typedef struct
{
  SfTask task;
  SfSettings *settings;
  char *in;      /* (nullable): IN, or the example to generate from */
  char *out;
  char *mask;    /* (nullable) */
  gboolean quiet, force;
} SfOptions;

/**
 * sf_options_parse:
 * @arguments: (array zero-terminated=1): the words behind the command's name
 *
 * Prints the help and ends the program for --help.
 *
 * Returns: %NULL with %G_OPTION_ERROR or %SF_ERROR_ARGUMENT
 */
SfOptions *sf_options_parse (SfTask task, char **arguments, GError **error);
void sf_options_free (SfOptions *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfOptions, sf_options_free)

/* One line for the list of commands. */
const char *sf_options_summary (SfTask task);
/* "IN OUT --mask=MASK". */
const char *sf_options_usage (SfTask task);
/* Whether files can have this setting of @task: there are no layers. */
gboolean sf_options_offers (SfTask task, const SfParam *param);
