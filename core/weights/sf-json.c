/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/sf-json.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "weights/sf-weights.h"

#define DEEPEST 32

void
sf_json_init (SfJson *self, const guint8 *text, gsize size)
{
  *self = (SfJson) { .begin = text, .at = text, .end = text + size };
}

void
sf_json_fail (SfJson *self)
{
  self->failed = TRUE;
}

/* The next byte, after space; 0 at the end. */
static char
peek (SfJson *self)
{
  while (self->at < self->end && (*self->at == ' ' || *self->at == '\n' || *self->at == '\r' || *self->at == '\t'))
    self->at++;
  return self->at < self->end && !self->failed ? (char) *self->at : '\0';
}

static gboolean
take (SfJson *self, char c)
{
  if (peek (self) == c && c != '\0')
    self->at++;
  else
    self->failed = TRUE;
  return !self->failed;
}

gboolean
sf_json_more (SfJson *self, int i, char bracket)
{
  const char close = bracket == '{' ? '}' : ']';

  if (i == 0 && !take (self, bracket))
    return FALSE;
  if (peek (self) == close)
    {
      self->at++;
      return FALSE;
    }
  return i == 0 ? !self->failed : take (self, ',');
}

/* Four hexadecimal digits. */
static guint32
code_unit (SfJson *self)
{
  guint32 code = 0;

  for (int i = 0; i < 4; i++)
    {
      int digit = self->at < self->end ? g_ascii_xdigit_value ((char) *self->at) : -1;

      if (digit < 0)
        {
          self->failed = TRUE;
          return 0;
        }
      code = code << 4 | (guint32) digit;
      self->at++;
    }
  return code;
}

/* What follows \u: one code unit, or two that are a surrogate pair. */
static gunichar
code_point (SfJson *self)
{
  guint32 high = code_unit (self), low = 0;

  if (high < 0xd800 || high > 0xdfff)
    return high;
  if (self->end - self->at >= 6 && self->at[0] == '\\' && self->at[1] == 'u')
    {
      self->at += 2;
      low = code_unit (self);
    }
  if (high >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
    self->failed = TRUE;
  return 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
}

static void
escape (SfJson *self, GString *out)
{
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  char c = self->at < self->end ? (char) *self->at++ : '\0';
  const char *at = c != '\0' ? strchr (names, c) : NULL;
  gunichar code;

  if (at != NULL)
    g_string_append_c (out, values[at - names]);
  else if (c != 'u' || (code = code_point (self)) == 0) /* a name must not end in the middle */
    self->failed = TRUE;
  else if (!self->failed)
    g_string_append_unichar (out, code);
}

char *
sf_json_string (SfJson *self)
{
  GString *out = g_string_new (NULL);

  take (self, '"');
  while (!self->failed && self->at < self->end && *self->at != '"')
    {
      const guint8 *from = self->at;

      while (self->at < self->end && *self->at != '"' && *self->at != '\\' && *self->at >= ' ')
        self->at++;
      g_string_append_len (out, (const char *) from, self->at - from);
      if (self->at == self->end || *self->at < ' ')
        self->failed = TRUE;
      else if (*self->at == '\\')
        {
          self->at++;
          escape (self, out);
        }
    }
  if (self->failed || self->at == self->end || !g_utf8_validate_len (out->str, out->len, NULL))
    {
      self->failed = TRUE;
      g_string_truncate (out, 0);
    }
  else
    self->at++;
  return g_string_free (out, FALSE);
}

char *
sf_json_key (SfJson *self)
{
  char *key = sf_json_string (self);

  take (self, ':');
  return key;
}

guint64
sf_json_count (SfJson *self)
{
  guint64 n = 0;
  gboolean any = FALSE;

  peek (self);
  for (; !self->failed && self->at < self->end && g_ascii_isdigit ((char) *self->at); self->at++, any = TRUE)
    if (!g_uint64_checked_mul (&n, n, 10) || !g_uint64_checked_add (&n, n, *self->at - '0'))
      self->failed = TRUE;
  if (!any || (self->at < self->end && memchr (".eE", *self->at, 3) != NULL))
    self->failed = TRUE;
  return self->failed ? 0 : n;
}

/* Numbers and words are not looked at closely: nobody uses them. */
static void
skip (SfJson *self, int depth)
{
  const char bracket = peek (self);
  const guint8 *from = self->at;

  if (depth == DEEPEST)
    self->failed = TRUE;
  else if (bracket == '{' || bracket == '[')
    for (int i = 0; sf_json_more (self, i, bracket); i++)
      {
        if (bracket == '{')
          g_free (sf_json_key (self));
        skip (self, depth + 1);
      }
  else if (bracket == '"')
    g_free (sf_json_string (self));
  else
    {
      while (self->at < self->end && (g_ascii_isalnum ((char) *self->at) || memchr ("+-.", *self->at, 3) != NULL))
        self->at++;
      if (self->at == from)
        self->failed = TRUE;
    }
}

void
sf_json_skip (SfJson *self)
{
  skip (self, 0);
}

gboolean
sf_json_end (SfJson *self, GError **error)
{
  if (peek (self) == '\0' && self->at == self->end && !self->failed)
    return TRUE;
  self->failed = TRUE;
  return sf_bad_file (error, _ ("is not as it should be at byte %zu of its header"), (gsize) (self->at - self->begin));
}
