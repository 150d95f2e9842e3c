/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-mnemonics.h"

#include <string.h>

#include "sf-fields.h"

/* Letters that are taken, a set of lower-case gunichars. */
typedef GHashTable Taken;

static gboolean
take (Taken *taken, gunichar c)
{
  return g_unichar_isalnum (c) && g_hash_table_add (taken, GUINT_TO_POINTER (g_unichar_tolower (c)));
}

static gboolean
is_free (Taken *taken, gunichar c)
{
  return g_unichar_isalnum (c) && !g_hash_table_contains (taken, GUINT_TO_POINTER (g_unichar_tolower (c)));
}

static gboolean
is_han (gunichar c)
{
  return g_unichar_get_script (c) == G_UNICODE_SCRIPT_HAN;
}

/* The free letter of @plain to underline, letters that begin a word before others; %NULL if all are taken.  A letter
 * that no keyboard types by itself is of no use. */
static const char *
find_letter (Taken *taken, const char *plain)
{
  for (int pass = 0; pass < 2; pass++)
    for (const char *c = plain; *c != '\0'; c = g_utf8_next_char (c))
      {
        gboolean begins = c == plain || !g_unichar_isalnum (g_utf8_get_char (g_utf8_prev_char (c)));
        gunichar letter = g_utf8_get_char (c);

        if ((begins || pass > 0) && !is_han (letter) && is_free (taken, letter))
          return c;
      }
  return NULL;
}

/* @plain with an underscore before its @letter, or with a letter of another text behind it as in "模型(_M)". */
static char *
underline (const char *plain, const char *letter)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean behind = letter != NULL;

  for (const char *c = plain; *c != '\0'; c = g_utf8_next_char (c))
    {
      behind = behind && c != letter;
      if (c == letter || *c == '_')
        g_string_append_c (text, '_');
      g_string_append_unichar (text, g_utf8_get_char (c));
    }
  if (behind)
    g_string_append_printf (text, "(_%c)", *letter);
  return g_strdup (text->str);
}

/* Whether @label may keep the letter that its translator has chosen. */
static gboolean
keep_letter (Taken *taken, GtkLabel *label)
{
  const char *mark = strchr (gtk_label_get_label (label), '_');

  return mark != NULL && take (taken, g_utf8_get_char (mark + 1));
}

static void
assign (Taken *taken, GtkLabel *label)
{
  g_autofree char *plain = sf_plain_label (gtk_label_get_label (label));
  g_autofree char *text = NULL;
  const char *letter = find_letter (taken, plain);

  if (letter == NULL && is_han (g_utf8_get_char (plain)))
    letter = find_letter (taken, "ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890");
  if (letter != NULL)
    take (taken, g_utf8_get_char (letter));
  text = underline (plain, letter);
  gtk_label_set_label (label, text);
}

typedef struct
{
  GPtrArray *labels;
  GtkWidget *skip; /* (nullable) */
} Walk;

static void
walk (GtkWidget *widget, gpointer data)
{
  Walk *w = data;

  if (widget == w->skip)
    return;
  if (GTK_IS_LABEL (widget) && gtk_label_get_use_underline (GTK_LABEL (widget)))
    g_ptr_array_add (w->labels, widget);
  else if (GTK_IS_CONTAINER (widget))
    gtk_container_forall (GTK_CONTAINER (widget), walk, w);
}

void
sf_mnemonics_assign (GtkWidget *toplevel, GtkWidget *first)
{
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) labels = g_ptr_array_new (), others = g_ptr_array_new ();

  walk (first, &(Walk) { labels, NULL });
  walk (toplevel, &(Walk) { labels, first });
  for (guint i = 0; i < labels->len; i++)
    if (!keep_letter (taken, labels->pdata[i]))
      g_ptr_array_add (others, labels->pdata[i]);
  for (guint i = 0; i < others->len; i++)
    assign (taken, others->pdata[i]);
}
