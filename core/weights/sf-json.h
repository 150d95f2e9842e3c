/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A JSON reader for headers of files that may be hostile: it walks over the text once and keeps nothing, so that time and
 * memory are bounded by the text, repeated keys are seen, and depth is limited.
 *
 * After the first mistake every call fails and the position stays, so callers look once, at the end:
 *
 *   for (int i = 0; sf_json_more (&json, i, '{'); i++)
 *     {
 *       g_autofree char *key = sf_json_key (&json);
 *       …
 *     }
 *   if (!sf_json_end (&json)) …
 */
#pragma once

#include <glib.h>

typedef struct
{
  const guint8 *begin, *at, *end;
  gboolean failed;
} SfJson;

void sf_json_init (SfJson *self, const guint8 *text, gsize size);
/* Whether element @i of the object or array that opens with @bracket follows; call it with 0, 1, 2 … until it is FALSE. */
gboolean sf_json_more (SfJson *self, int i, char bracket);
/* (transfer full): UTF-8; empty after a mistake. */
char *sf_json_string (SfJson *self);
/* A string and the colon after it. */
char *sf_json_key (SfJson *self);
/* A whole number from 0; 0 after a mistake. */
guint64 sf_json_count (SfJson *self);
/* Passes over any value. */
void sf_json_skip (SfJson *self);
/* For callers: what they read is not what should be there. */
void sf_json_fail (SfJson *self);
/* Whether all was well, and nothing but space is left.  %SF_ERROR_MODEL with the position. */
gboolean sf_json_end (SfJson *self, GError **error);
